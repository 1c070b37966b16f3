"""The committer: batches of rooms that are ready at the same time are written with the same statements."""

from __future__ import annotations

import asyncio
from collections import deque

from sqlalchemy import Connection

from bridge.core.batch import Batch, write_together
from bridge.store.database import Database


class _Entry:
    """A batch on its way to disk; `written` is set after the commit."""

    __slots__ = ("batch", "written")

    def __init__(self, batch: Batch, written: asyncio.Future[None]) -> None:
        self.batch = batch
        self.written = written


class Committer:
    """Writes what rooms have decided. Many rooms share each statement, and one's conflict is its own."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: deque[_Entry] = deque()
        self._called = False
        self._tasks: set[asyncio.Task[None]] = set()

    def write(self, batch: Batch) -> asyncio.Future[None]:
        """Write a batch; the future is done after the commit, or with what `Batch.write` raised."""
        entry = _Entry(batch, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if not self._called:
            self._called = True
            task = asyncio.create_task(self._together(), name="committer")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return entry.written

    async def _together(self) -> None:
        taken: list[_Entry] = []
        try:
            await self._db.write(lambda connection: self._unit(connection, taken))
        except Exception as error:
            if not taken:  # it was not even begun: the database is closed
                self._called = False
                taken.extend(self._drained())
            if len(taken) == 1:
                _settle(taken[0], error)
            else:
                await asyncio.gather(*(self._alone(entry) for entry in taken))
            return
        for entry in taken:
            _settle(entry, None)

    def _unit(self, connection: Connection, taken: list[_Entry]) -> None:
        """Runs when its turn in the database has come: whatever has been handed in until then goes with it."""
        if not taken:
            # In this order: what comes in between is either taken here or calls the next unit.
            self._called = False
            taken.extend(self._drained())
        write_together(connection, [entry.batch for entry in taken])

    def _drained(self) -> list[_Entry]:
        # Bounded, for the event loop may add while this runs in the writing thread; `popleft` is atomic.
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    async def _alone(self, entry: _Entry) -> None:
        try:
            await self._db.write(entry.batch.write)
        except Exception as error:
            _settle(entry, error)
        else:
            _settle(entry, None)


def _settle(entry: _Entry, error: Exception | None) -> None:
    if entry.written.done():
        return
    if error is None:
        entry.written.set_result(None)
    else:
        entry.written.set_exception(error)
