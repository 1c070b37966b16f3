"""Putting lines into the full-text index: in bites, with what changes meanwhile, and what is taken out again."""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, select, text, update

from bridge.model.events import Edited, Joined, Removed, Said
from bridge.model.ids import EventId, RoomId
from bridge.store import indexing
from bridge.store.database import Database
from bridge.store.tables import events, indexed, rooms, searchable
from tests.unit.store.indexed import Books
from tests.unit.store.rows import OTHER, ROOM, furnish


@pytest.fixture
async def books(db: Database) -> Books:
    await furnish(db)
    return Books(db)


async def progress(db: Database, room: RoomId = ROOM) -> int | None:
    return await db.read(lambda c: c.scalar(select(indexed.c.seq).where(indexed.c.room == room)))


async def rows(db: Database) -> tuple[int, int]:
    """How many lines the index says that it has, and how many it has the words of."""
    return await db.read(
        lambda c: (
            c.scalar(select(func.count()).select_from(searchable)) or 0,
            c.scalar(text("SELECT count(*) FROM fulltext")) or 0,
        )
    )


async def test_lines_are_indexed_in_bites(books: Books, db: Database) -> None:
    await books.happen(*(Said(f"line number {n}") for n in range(1, 8)))
    assert await db.read(indexing.waiting) == 7
    first = await books.read(limit=3)
    assert (first.upto, first.entries, first.more) == (3, 3, True)
    assert first.lines[-1].text == "line number 3"
    await books.write([first])
    assert (await progress(db), await db.read(indexing.waiting)) == (3, 4)
    assert await books.numbers("line") == [3, 2, 1]
    await books.index(limit=3)
    assert await books.numbers("line") == [7, 6, 5, 4, 3, 2, 1]
    assert await db.read(lambda c: indexing.behind(c, 10)) == []
    assert (await books.read()).entries == 0


async def test_only_lines_are_indexed(books: Books, db: Database) -> None:
    await books.happen(Joined("Anna"), Said("hello"), Joined("hello"))
    await books.index()
    assert await books.numbers("hello") == [2]
    assert await rows(db) == (1, 1)
    assert await progress(db) == 3


async def test_a_long_text_makes_a_bite_of_its_own(books: Books) -> None:
    await books.happen(*(Said("word " * 10_000) for _ in range(4)))
    portion = await books.read()
    assert (portion.upto, portion.more) == (2, True)
    await books.index()
    assert await books.numbers("word") == [4, 3, 2, 1]


async def test_an_edit_indexes_its_line_anew(books: Books, db: Database) -> None:
    await books.happen(Said("the old words"), Said("other"))
    await books.index()
    await books.happen(Edited(EventId("e1"), "the new words"))
    # Until the index has come there, the line is found by neither.
    assert await books.numbers("old") == []
    assert await books.numbers("new") == []
    assert await books.numbers("words") == [1]
    await books.index()
    assert await books.numbers("old") == []
    assert await books.numbers("new words") == [1]
    assert await rows(db) == (2, 2)


async def test_an_edit_in_the_same_bite_as_its_line(books: Books, db: Database) -> None:
    await books.happen(Said("old"), Edited(EventId("e1"), "new"), Edited(EventId("e1"), "newest"))
    await books.index()
    assert await books.numbers("newest") == [1]
    assert await books.numbers("old") == []
    assert await rows(db) == (1, 1)


async def test_a_removed_line_is_out_at_once(books: Books, db: Database) -> None:
    await books.happen(Said("secret words"), Said("other words"))
    await books.index()
    await books.happen(Removed(EventId("e1")))
    assert await rows(db) == (1, 1)
    assert await books.numbers("words") == [2]
    await books.index()
    assert await rows(db) == (1, 1)
    assert await progress(db) == 3


async def test_what_was_removed_before_it_was_indexed_never_comes_in(books: Books, db: Database) -> None:
    await books.happen(Said("secret"), Removed(EventId("e1")))
    await books.index()
    assert await rows(db) == (0, 0)


async def test_what_changes_between_reading_and_writing(books: Books, db: Database) -> None:
    await books.happen(Said("first"), Said("second"), Said("third"))
    portion = await books.read()
    await books.happen(Removed(EventId("e1")), Edited(EventId("e2"), "changed"))
    await books.write([portion])
    # Neither the removed line nor the old wording came in.
    assert await rows(db) == (1, 1)
    assert await progress(db) == 3
    await books.index()
    assert await books.numbers("changed") == [2]
    assert await books.numbers("third") == [3]
    assert await books.numbers("first") == await books.numbers("second") == []
    assert await rows(db) == (2, 2)


async def test_a_known_line_that_changes_between_reading_and_writing(books: Books, db: Database) -> None:
    await books.happen(Said("one"), Said("two"))
    await books.index()
    await books.happen(Edited(EventId("e1"), "one more"), Edited(EventId("e2"), "two more"))
    portion = await books.read()
    await books.happen(Edited(EventId("e1"), "one at last"), Removed(EventId("e2")))
    await books.write([portion])
    await books.index()
    assert await books.numbers("last") == [1]
    assert await books.numbers("more") == []
    assert await rows(db) == (1, 1)


async def test_rows_and_progress_are_one_transaction(books: Books, db: Database) -> None:
    await books.happen(Said("hello"))
    portion = await books.read()

    def interrupted(connection: object) -> None:
        indexing.write(connection, [portion], [["hello"]])  # type: ignore[arg-type]
        raise RuntimeError("a stop")

    with pytest.raises(RuntimeError, match="a stop"):
        await db.write(interrupted)
    assert (await progress(db), await rows(db)) == (None, (0, 0))
    await books.index()
    assert await books.numbers("hello") == [1]


async def test_lines_of_one_moment_keep_their_order_and_have_rows_of_their_own(books: Books, db: Database) -> None:
    await books.happen(*(Said("same") for _ in range(40)))
    await books.happen(*(Said("same") for _ in range(40)), room=OTHER)
    await db.write(lambda c: c.execute(update(events).values(stored_at=1_000)))
    await books.index(limit=30)
    assert await rows(db) == (80, 80)
    assert await books.numbers("same") == list(range(40, 0, -1))


async def test_a_row_that_is_taken_is_left_alone(books: Books, db: Database) -> None:
    await books.happen(Said("mine"), Said("mine too"))
    wished = [line.id for line in (await books.read()).lines]
    taken = [wished[0], wished[0] + 1]
    rows_of_others = [{"id": row, "room": OTHER, "seq": row} for row in taken]
    await db.write(lambda c: c.execute(insert(searchable), rows_of_others))
    # And another room of the same bite has got the next one.
    given = {wished[0] + 2}
    assert [line.id for line in (await books.read(given=given)).lines] == [wished[0] + 3, wished[1]]
    assert given == {wished[0] + 2, wished[0] + 3, wished[1]}


async def test_a_deleted_room_is_passed_over(books: Books, db: Database) -> None:
    await books.happen(Said("hello"))
    await db.write(lambda c: c.execute(update(rooms).where(rooms.c.id == ROOM).values(deleted_at=5)))
    await books.index()
    assert (await progress(db), await rows(db)) == (1, (0, 0))


async def test_the_index_of_a_room_can_be_dropped(books: Books, db: Database) -> None:
    await books.happen(Said("hello"), Said("there"))
    await books.happen(Said("hello"), room=OTHER)
    await books.index()
    await db.write(lambda c: indexing.drop(c, ROOM, [1, 2, 99]))
    assert await rows(db) == (1, 1)
    assert await books.numbers("hello", rooms={ROOM: 1, OTHER: 1}) == [1]
