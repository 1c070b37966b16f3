"""Fills the full-text index in the background: a little at a time, after everybody else, through stops and crashes.

How far each room's log is indexed is written together with its lines, so nothing is lost and nothing done twice. Rooms
that are behind are found in the tables at the start, those whose log grows are named by the hub. A line costs intake
nothing but what the writing thread and the interpreter are busy for, and that share is bounded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import islice

from sqlalchemy import Connection

from bridge.model.crash import crash_point
from bridge.model.ids import RoomId
from bridge.store import indexing
from bridge.store.database import Database
from bridge.store.indexing import Portion
from bridge.text.words import words

BATCH = 128
"""Entries of the log in one bite: about five milliseconds of the writing thread."""
ROOMS = 64
"""Rooms in one bite at most."""
GATHER_SECONDS = 0.25
"""New lines wait so long for others to be indexed with them."""
SHARE_BUSY = 0.04
"""How much of the time goes to the index while rooms are written to."""
SHARE_IDLE = 0.5
ROOMS_AT_ONCE = 1_000
"""So many rooms that are behind are kept in memory; more are looked for when these are done."""


class Indexer:
    """One task for all rooms; what it has to do is in the tables."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._rooms: dict[RoomId, None] = {}
        self._more = asyncio.Event()
        self._look = True
        self._busy = False
        self._resting = False

    def grew(self, room: RoomId) -> None:
        """Note that a room's log has new entries, and that somebody is writing."""
        self._busy = True
        if len(self._rooms) < ROOMS_AT_ONCE:
            self._rooms[room] = None
        else:
            self._look = True
        self._more.set()

    async def run(self) -> None:
        """Work until cancelled, beginning with what the last stop left."""
        self._look = True
        while True:
            if self._look and not self._rooms:
                await self._find()
            if not self._rooms:
                await self._wait()
            spent = await self._step(self._next())
            busy, self._busy = self._busy, False
            await asyncio.sleep(rest_after(spent, busy=busy))

    async def _find(self) -> None:
        """Look for rooms that are behind."""
        # Put off before it is read: whoever finds the queue full from now on has it done again.
        self._look = False
        found = await self._db.read(lambda c: indexing.behind(c, ROOMS_AT_ONCE))
        self._look = self._look or len(found) == ROOMS_AT_ONCE
        self._rooms.update((room, None) for room in found)

    async def _wait(self) -> None:
        self._more.clear()
        await self._more.wait()
        await asyncio.sleep(GATHER_SECONDS)

    def _next(self) -> list[RoomId]:
        """Take the rooms of the next bite out of the queue, before they are read: what is said in one of them from
        now on puts it in again."""
        wanted = list(islice(self._rooms, ROOMS))
        for room in wanted:
            del self._rooms[room]
        return wanted

    async def _step(self, wanted: Sequence[RoomId]) -> float:
        """Take a bite; return the seconds of the processor that it took, not those in which it waited for its turn."""
        try:
            portions, reading = await self._db.read(lambda c: _timed_read(c, wanted))
            cut, cutting = await asyncio.to_thread(_timed_cut, portions)
            writing = await self._db.write(lambda c: _timed_write(c, portions, cut))
        except BaseException:
            self._look = True
            raise
        crash_point("indexed")
        done = {portion.room for portion in portions if not portion.more}
        self._rooms.update((room, None) for room in wanted if room not in done)
        return reading + cutting + writing


def rest_after(spent: float, *, busy: bool) -> float:
    """Return how long to rest after a bite of so many seconds; `busy` while rooms are written to."""
    share = SHARE_BUSY if busy else SHARE_IDLE
    return spent * (1 - share) / share


def _timed_read(connection: Connection, wanted: Sequence[RoomId]) -> tuple[list[Portion], float]:
    """Read portions of rooms, as many as make a bite."""
    began = time.thread_time()
    portions: list[Portion] = []
    given: set[int] = set()
    left, chars = BATCH, indexing.ENOUGH_CHARS
    for room in wanted:
        portion = indexing.read(connection, room, left, given)
        portions.append(portion)
        left -= portion.entries
        chars -= sum(len(line.text) for line in portion.lines)
        if left <= 0 or chars <= 0:
            break
    return portions, time.thread_time() - began


def _timed_cut(portions: list[Portion]) -> tuple[list[list[str]], float]:
    began = time.thread_time()
    cut = [words(line.text) for portion in portions for line in portion.lines]
    return cut, time.thread_time() - began


def _timed_write(connection: Connection, portions: list[Portion], cut: list[list[str]]) -> float:
    began = time.thread_time()
    indexing.write(connection, portions, cut)
    return time.thread_time() - began
