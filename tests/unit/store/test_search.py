"""The search: which lines are found, in which order, page by page, and what is never found."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from bridge.model.events import Edited, Said
from bridge.model.ids import EventId, RoomId
from bridge.model.rooms import Room
from bridge.store import indexing, rooms, search
from bridge.store.database import Database
from bridge.store.tables import events
from tests.unit.store.indexed import Books
from tests.unit.store.rows import ANNA, BELA, OTHER, ROOM, event, fill, furnish

BOTH = {ROOM: 1, OTHER: 1}


@pytest.fixture
async def books(db: Database) -> Books:
    await furnish(db)
    return Books(db)


async def said(books: Books, *lines: str) -> None:
    await books.happen(*map(Said, lines))
    await books.index()


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("hello", [2, 1]),
        ("HELLO world", [1]),
        ('"hello there"', [2]),
        ('"there hello"', []),
        ("wor", [1]),
        ("wor hello", []),
        ("猫", [4, 3]),
        ("两只", [4]),
        ("只猫", [4, 3]),
        ("一只猫", [3]),
        ("一只狗", []),
        ("iphone手机", [5]),
        ("iPhone手", [5]),
        ("手机case", [5]),
        ("3.14", [6]),
        ("snake_case", [6]),
        ("don't", [6]),
        ("привет", [7]),
        ("ПРИ", [7]),
        ("हिन्दी", [8]),
        ("ไทย", [8]),
        ("AND", [9]),
        ("NEAR", [9]),
        ("words:", []),
        ('NOT "a*"', []),
    ],
)
async def test_what_is_found(books: Books, asked: str, numbers: list[int]) -> None:
    await said(
        books,
        "Hello, world!",
        "hello there",
        "我有一只猫。",
        "你有两只猫吗？",
        "我的iPhone手机case",
        "snake_case is 3.14, don't you think",
        "Привет",
        "हिन्दी ภาษาไทยง่าย",
        "this and that, NEAR or not",
    )
    assert await books.numbers(asked) == numbers


async def test_nothing_is_found_by_nothing(books: Books) -> None:
    await said(books, "hello")
    assert await books.numbers("?!") == []
    assert await books.numbers("hello", rooms={RoomId("nowhere"): 1}) == []


async def test_pages_go_on_where_the_last_one_ended(books: Books) -> None:
    await said(books, *(f"line {n}" for n in range(1, 8)))
    pages: list[list[int]] = []
    below: int | None = None
    while True:
        hits, below = await books.found("line", limit=3, below=below)
        pages.append(hits)
        if below is None:
            break
    assert pages == [[7, 6, 5], [4, 3, 2], [1]]
    assert await books.found("line", limit=7) == ([7, 6, 5, 4, 3, 2, 1], None)


async def test_a_page_goes_on_although_new_lines_come(books: Books) -> None:
    await said(books, *(f"line {n}" for n in range(1, 5)))
    _, below = await books.found("line", limit=2)
    await said(books, "line 5")
    assert (await books.found("line", limit=2, below=below))[0] == [2, 1]


async def test_lines_of_several_rooms_are_found_by_time(books: Books, db: Database) -> None:
    for room, number in ((ROOM, 1), (OTHER, 1), (ROOM, 2), (OTHER, 2)):
        await books.happen(Said(f"hello {number}"), room=room)
    for at, (room, seq) in enumerate([(ROOM, 1), (OTHER, 1), (ROOM, 2), (OTHER, 2)]):
        change = update(events).where(events.c.room == room, events.c.seq == seq).values(stored_at=1_000 + at)
        await db.write(lambda c, change=change: c.execute(change))  # type: ignore[misc]
    await books.index()
    assert await books.numbers("hello", rooms=BOTH) == [2, 2, 1, 1]
    assert await books.numbers("hello", rooms=BOTH, below=indexing.first_id(1_002)) == [1, 1]
    assert await books.numbers("hello", rooms={OTHER: 1}) == [2, 1]


async def test_only_what_may_be_read_is_found(books: Books) -> None:
    await said(books, *(f"line {n}" for n in range(1, 6)))
    await books.happen(Said("line elsewhere"), room=OTHER)
    await books.index()
    assert await books.numbers("line", rooms={ROOM: 4}) == [5, 4]
    assert await books.numbers("line", rooms={ROOM: 4, OTHER: 2}) == [5, 4]
    assert await books.numbers("line", rooms={ROOM: 6}) == []
    assert await books.numbers("line", rooms={OTHER: 1}) == [1]


async def test_a_page_is_full_although_much_may_not_be_read(books: Books) -> None:
    await said(books, *(f"line {n}" for n in range(1, 10)))
    await books.happen(*(Said(f"line {n}") for n in range(1, 10)), room=OTHER)
    await books.index()
    hits, below = await books.found("line", rooms={ROOM: 1, OTHER: 9}, limit=4)
    assert hits == [9, 9, 8, 7]
    assert (await books.found("line", rooms={ROOM: 1, OTHER: 9}, limit=9, below=below)) == ([6, 5, 4, 3, 2, 1], None)


async def test_by_author(books: Books) -> None:
    await books.happen(Said("hello"))
    await books.happen(Said("hello"), who=BELA)
    await books.index()
    assert await books.numbers("hello", who=BELA) == [2]
    assert await books.numbers("hello", who=ANNA) == [1]


async def test_with_a_link(books: Books) -> None:
    await said(books, "look at https://example.org", "look at that", "look http://a.b")
    assert await books.numbers("look", link=True) == [3, 1]
    await books.happen(Edited(EventId("e1"), "look at nothing"))
    assert await books.numbers("look", link=True) == [3]
    await books.index()
    assert await books.numbers("look", link=True) == [3]


async def test_in_more_rooms_than_are_marked(books: Books, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await said(books, "hello")
    await books.happen(Said("hello"), room=OTHER)
    third = RoomId("r3")
    await db.write(lambda c: rooms.create(c, Room(third, third, third, "", "", "invite", ANNA, 0), []))
    await books.happen(Said("hello"), Said("hello"), Said("hello"), room=third)
    await books.index()
    monkeypatch.setattr(search, "MARKED_ROOMS", 1)
    assert await books.numbers("hello", rooms=BOTH) == [1, 1]
    assert await books.numbers("hello", rooms={ROOM: 1}) == [1]


async def test_a_search_that_looks_at_too_much_says_where_to_go_on(
    books: Books, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await said(books, *(f"line {n}" for n in range(1, 10)))
    await books.happen(*(Said(f"line {n}") for n in range(1, 10)), room=OTHER)
    await books.index()
    monkeypatch.setattr(search, "LOOKED_AT", 4)
    scope = {ROOM: 1, OTHER: 99}
    found: list[int] = []
    below: int | None = None
    for _ in range(20):
        hits, below = await books.found("line", rooms=scope, limit=2, below=below)
        found += hits
        if below is None:
            break
    assert found == list(range(9, 0, -1))


LINES = [
    "我喜欢吃苹果，你呢？",
    "苹果手机 iPhone 15 发布了",
    "東京タワーへ行きました",
    "안녕하세요 여러분",
    "𠮷野家で食べた",
    "mixed 中文 and English文字",
]
RUNS = ["我喜欢吃苹果", "苹果手机", "東京タワーへ行きました", "안녕하세요", "여러분", "𠮷野家で食べた", "中文", "文字"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_every_part_of_a_run_is_found_in_the_database(furnished_lines: Books, data: st.DataObject) -> None:
    run = data.draw(st.sampled_from(RUNS))
    start = data.draw(st.integers(0, len(run) - 1))
    part = run[start : data.draw(st.integers(start + 1, len(run)))]
    wanted = [number for number, line in enumerate(LINES, 1) if part in line]
    assert wanted
    assert sorted(await furnished_lines.numbers(part)) == wanted


@pytest.fixture
async def furnished_lines(books: Books) -> Books:
    await said(books, *LINES)
    return books


async def test_lines_that_were_there_before_the_index(db: Database) -> None:
    await furnish(db)
    books = Books(db)
    await fill(db, *((event(seq, Said(f"old line {seq}")), seq, None) for seq in range(1, 6)))
    books.last[ROOM] = 5
    await said(books, "new line")
    assert await books.numbers("line") == [6, 5, 4, 3, 2, 1]
