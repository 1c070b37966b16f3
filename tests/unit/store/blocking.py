"""Ways to keep the writer of either database busy, so that what comes meanwhile is one group; and what is on disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading

import asyncpg
from sqlalchemy import Connection, make_url, text

from bridge.store.database import Database
from bridge.store.postgres.session import MARK

KEY = 77
"""The advisory lock on which a unit waits."""


class Blocked:
    """A unit that is being run until it is freed."""

    def __init__(self, db: Database, url: str) -> None:
        self._db = db
        self._url = url
        self._entered = threading.Event()
        self._free = threading.Event()
        self._other: asyncpg.Connection | None = None
        self.job: asyncio.Future[None]

    async def entered(self) -> None:
        """Begin, and return when the writer waits in the unit."""
        if self._url.startswith("sqlite"):
            self.job = asyncio.ensure_future(self._db.write(self._wait))
            assert await asyncio.to_thread(self._entered.wait, 20)
            return
        self._other = await asyncpg.connect(self._url)
        await self._other.execute(f"SELECT pg_advisory_lock({KEY})")
        self.job = asyncio.ensure_future(self._db.write(_wait_in_the_server))
        async with asyncio.timeout(20):
            while not await self._other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.005)

    async def free(self) -> None:
        """Let the writer go on."""
        self._free.set()
        if self._other is not None:
            await self._other.close()
        await self.job

    def _wait(self, _connection: Connection) -> None:
        self._entered.set()
        assert self._free.wait(20)


def _wait_in_the_server(connection: Connection) -> None:
    connection.execute(text(f"SELECT pg_advisory_xact_lock({KEY})"))


async def on_disk(url: str) -> dict[str, str]:
    """The rows of `meta` that another process sees, but for the committer's own."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(str(make_url(url).database))) as other:
            return dict(other.execute("SELECT key, value FROM meta"))
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT key, value FROM meta WHERE key <> $1", MARK)
    finally:
        await connection.close()
    return {row["key"]: row["value"] for row in rows}
