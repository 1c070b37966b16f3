"""The committer: rooms share statements, never failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from bridge.core import committer as committer_module
from bridge.core.batch import Batch, write_together
from bridge.core.items import Placed, Submission
from bridge.model.events import Event, Origin, Said
from bridge.model.ids import MATRIX, PersonId, new_event_id
from bridge.model.rooms import Room
from bridge.store.database import Unit
from tests.fakes.tidy import TidyNetwork
from tests.rigs.installation import Installation

T = TypeVar("T")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Installation]:
    async with Installation(tmp_path, TidyNetwork()) as made:
        yield made


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many batches each common unit wrote, in order."""
    counts: list[int] = []

    def counted(connection: Connection, batches: list[Batch]) -> None:
        counts.append(len(batches))
        write_together(connection, batches)

    monkeypatch.setattr(committer_module, "write_together", counted)
    return counts


class Busy:
    """A database in which a unit's turn comes only after the `async with`."""

    def __init__(self, world: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        self._db = world.db
        self._free = asyncio.Event()
        monkeypatch.setattr(world.hub._committer, "_db", self)

    async def write(self, unit: Unit[T]) -> T:
        await self._free.wait()
        return await self._db.write(unit)

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        # Whoever was about to hand something in has done so.
        for _round in range(50):
            await asyncio.sleep(0)
        self._free.set()


async def say(world: Installation, room: Room, who: PersonId, text: str) -> Placed:
    return await world.native.say(room.id, who, text)


async def test_rooms_that_are_ready_meanwhile_share_one_unit(
    world: Installation, together: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await world.person("Anna")
    rooms = [await world.room(anna, name=f"Room {number}") for number in range(20)]
    await world.idle()
    together.clear()
    async with Busy(world, monkeypatch):
        said = [asyncio.ensure_future(say(world, room, anna, f"in {room.id}")) for room in rooms]
        assert together == []
    placed = await asyncio.gather(*said)
    assert together == [len(rooms)]
    for room, place in zip(rooms, placed, strict=True):
        (line,) = await world.hub.page(room.id, after=place.seq - 1, limit=1)
        assert line.entry.event.content == Said(f"in {room.id}")


async def test_one_rooms_conflict_is_its_own(
    world: Installation, together: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room that does not know that it has an event already, among others that are written with it."""
    anna = await world.person("Anna")
    rooms = [await world.room(anna, name=f"Room {number}") for number in range(3)]
    origin = Origin(MATRIX, "!elsewhere", "$once")

    def submission(room: Room) -> Submission:
        return Submission(Event(new_event_id(), room.id, anna, 1, origin, Said("once")))

    (first,) = await world.hub.submit(rooms[0].id, [submission(rooms[0])])
    assert isinstance(first, Placed)
    together.clear()
    async with Busy(world, monkeypatch):
        others = [asyncio.ensure_future(say(world, room, anna, "fine")) for room in rooms[1:]]
        repeat = asyncio.ensure_future(world.hub.submit(rooms[0].id, [submission(rooms[0])]))
    assert await repeat == [Placed(first.seq, first.id, fresh=False)]
    assert [place.fresh for place in await asyncio.gather(*others)] == [True, True]
    assert together[0] == 3, "they were tried together"
    for room in rooms[1:]:
        assert Said("fine") in await world.log(room.id)


async def test_a_database_that_is_closed_fails_what_is_handed_in(world: Installation) -> None:
    anna = await world.person("Anna")
    room = await world.room(anna)
    await world.idle()
    await world.db.close()
    with pytest.raises(RuntimeError, match="closed"):
        await asyncio.wait_for(say(world, room, anna, "too late"), 20)
