"""Erases what was said in deleted rooms: in the background, a little at a time, from where a stop interrupted it."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog
from sqlalchemy import Connection

from bridge.model.ids import RoomId
from bridge.store import indexing, log, rooms
from bridge.store.database import Database

logger = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.02
"""Between two bites: other rooms' lines come first."""


class Eraser:
    """One task for all rooms; what is left to erase is found in the tables."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._more = asyncio.Event()

    def wake(self) -> None:
        """Look for rooms: one was deleted."""
        self._more.set()

    async def run(self) -> None:
        """Work until cancelled, beginning with what the last stop left."""
        while True:
            self._more.clear()
            for room in await self._db.read(rooms.unerased):
                await self._erase(room)
            await self._more.wait()

    async def _erase(self, room: RoomId) -> None:
        last: int | None = 0
        while last is not None:
            last = await self._db.write(partial(_bite, room=room, after=last))
            await asyncio.sleep(PAUSE_SECONDS)
        await self._db.write(lambda connection: rooms.erase(connection, room))
        logger.info("a deleted room is erased", room=room)


def _bite(connection: Connection, room: RoomId, after: int) -> int | None:
    """Erase some of a log, and what the full-text index knows of it; return the last number, None after the end."""
    last = log.erase(connection, room, after)
    if last is not None:
        indexing.drop(connection, room, range(after + 1, last + 1))
    return last
