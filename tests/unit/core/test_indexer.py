"""The background index: new lines, old lines, stops and crashes in the middle, and whom it lets go first."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, func, select, text

from bridge.core import indexer as indexer_module
from bridge.core.indexer import BATCH, rest_after
from bridge.model.ids import PersonId
from bridge.model.rooms import Room
from bridge.model.search import Asked
from bridge.store import indexing, search
from bridge.store.database import open_database
from bridge.store.tables import indexed, rooms, searchable
from bridge.text.words import query, says
from tests.rigs.installation import Installation


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Installation]:
    async with Installation(tmp_path) as made:
        yield made


@pytest.fixture
async def anna(world: Installation) -> PersonId:
    return await world.person("Anna")


@pytest.fixture
async def room(world: Installation, anna: PersonId) -> Room:
    return await world.room(anna)


async def found(world: Installation, words: str, *places: Room, limit: int = 5_000) -> list[str]:
    """The texts of all lines that are found, newest first."""
    asked = Asked(query(words), {place.id: 1 for place in places})
    page = await world.db.read(lambda c: search.find(c, asked, limit, partial(says, asked)))
    return [hit.present.text for hit in page.hits]  # type: ignore[union-attr]


def emptied(connection: Connection) -> None:
    """Let the index be as it is after an upgrade from a version that had none."""
    connection.execute(text("DELETE FROM fulltext"))
    connection.execute(delete(searchable))
    connection.execute(delete(indexed))


def progress(connection: Connection) -> tuple[int, int]:
    """How far the only room is indexed, and how many lines are in the index, at one moment."""
    done = connection.scalar(select(indexed.c.seq)) or 0
    return done, connection.scalar(text("SELECT count(*) FROM fulltext")) or 0


async def test_what_is_said_is_found_soon(world: Installation, anna: PersonId, room: Room) -> None:
    await world.native.say(room.id, anna, "hello world")
    await world.native.say(room.id, anna, "我有一只猫")
    await world.indexed()
    assert await found(world, "hello", room) == ["hello world"]
    assert await found(world, "猫", room) == ["我有一只猫"]


async def test_edits_and_removals_follow(world: Installation, anna: PersonId, room: Room) -> None:
    first = await world.native.say(room.id, anna, "first words")
    second = await world.native.say(room.id, anna, "second words")
    await world.indexed()
    await world.native.edit(room.id, anna, first.id, "changed words", None)
    await world.native.remove(room.id, anna, second.id, "", None)
    assert await found(world, "second", room) == await found(world, "first", room) == []
    await world.indexed()
    assert await found(world, "words", room) == ["changed words"]


async def test_old_lines_of_many_rooms_are_found_after_an_upgrade(world: Installation, anna: PersonId) -> None:
    places = [await world.room(anna, name=f"Room {n}") for n in range(5)]
    for number in range(60):
        await asyncio.gather(*(world.native.say(place.id, anna, f"line {number}") for place in places))
    await world.stop()
    await world.start()
    await world.stop()
    await world.start()
    await world.indexed()
    assert len(await found(world, "line", *places)) == 300
    await world.db.write(emptied)
    assert await found(world, "line", *places) == []
    await world.restart()
    await world.indexed()
    for place in places:
        assert await found(world, "line", place) == [f"line {n}" for n in reversed(range(60))]


async def test_more_rooms_than_are_kept_in_memory(
    world: Installation, anna: PersonId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer_module, "ROOMS_AT_ONCE", 3)
    places = [await world.room(anna, name=f"Room {n}") for n in range(10)]
    await world.indexed()
    await asyncio.gather(*(world.native.say(place.id, anna, "hello") for place in places))
    await world.indexed()
    assert len(await found(world, "hello", *places)) == 10
    await world.db.write(emptied)
    await world.restart()
    await world.indexed()
    assert len(await found(world, "hello", *places)) == 10


async def test_a_write_that_fails_is_done_again(
    world: Installation, anna: PersonId, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, failures = indexing.write, iter([RuntimeError("the disk is full"), RuntimeError("still")])

    def failing(connection: Connection, *more: object) -> None:
        write(connection, *more)  # type: ignore[arg-type]
        if (failure := next(failures, None)) is not None:
            raise failure

    monkeypatch.setattr(indexing, "write", failing)
    await world.native.say(room.id, anna, "hello")
    await world.indexed()
    assert await found(world, "hello", room) == ["hello"]


async def test_stops_in_the_middle(world: Installation, anna: PersonId, room: Room) -> None:
    count = 3 * BATCH
    await asyncio.gather(*(world.native.say(room.id, anna, f"line {n}") for n in range(count)))
    for _ in range(6):
        await world.restart()
        await asyncio.sleep(0.01)
        done, rows = await world.db.read(progress)
        # The first number is Anna's coming in.
        assert rows == max(0, done - 1)
    await world.indexed()
    assert await found(world, "line", room) == [f"line {n}" for n in reversed(range(count))]


async def test_killed_in_the_middle_nothing_is_lost_and_nothing_twice(
    world: Installation, anna: PersonId, room: Room
) -> None:
    count = 5 * BATCH
    await asyncio.gather(*(world.native.say(room.id, anna, f"line {n}") for n in range(count)))
    await world.indexed()
    await world.db.write(emptied)
    await world.stop()
    assert await index_in_a_process(world, "indexed:2") == -9
    world.db = open_database(world.url)
    done = await world.db.read(lambda c: c.scalar(select(indexed.c.seq)))
    assert done == 2 * BATCH
    assert len(await found(world, "line", room)) == 2 * BATCH - 1
    await world.db.close()
    assert await index_in_a_process(world, "indexed:1") == -9
    assert await index_in_a_process(world, "") == 0
    await world.start()
    assert await found(world, "line", room) == [f"line {n}" for n in reversed(range(count))]
    assert await world.db.read(lambda c: c.scalar(select(func.count()).select_from(searchable))) == count


async def index_in_a_process(world: Installation, crash_at: str) -> int:
    """Index in another process; return its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.core.indexing_process",
        world.url,
        env={**os.environ, "RIALTO_CRASH_AT": crash_at},
    )
    return await process.wait()


def test_it_rests_longer_while_rooms_are_written_to() -> None:
    assert rest_after(0.01, busy=True) == pytest.approx(0.24)
    assert rest_after(0.01, busy=False) == pytest.approx(0.01)


async def test_rooms_that_were_deleted_are_done(world: Installation, anna: PersonId, room: Room) -> None:
    await world.native.say(room.id, anna, "hello")
    await world.indexed()
    await world.db.write(emptied)
    await world.db.write(lambda c: c.execute(rooms.update().values(deleted_at=1)))
    await world.restart()
    await world.indexed()
    assert await found(world, "hello", room) == []


async def test_a_line_that_is_said_while_its_room_is_being_read(
    world: Installation, anna: PersonId, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.indexed()
    read, reads, said = indexing.read, threading.Event(), threading.Event()

    def slow(connection: Connection, *more: object) -> indexing.Portion:
        portion = read(connection, *more)  # type: ignore[arg-type]
        reads.set()
        said.wait(10)
        return portion

    if world.url.startswith("sqlite"):
        monkeypatch.setattr(indexing, "read", slow)
    await world.native.say(room.id, anna, "first line")
    if world.url.startswith("sqlite"):
        await asyncio.to_thread(reads.wait, 10)
    await world.native.say(room.id, anna, "second line")
    said.set()
    await world.indexed()
    assert await found(world, "line", room) == ["second line", "first line"]
