"""PostgreSQL as a `Database`: units that wait together share a commit, and nobody hears of it before the server did."""

from __future__ import annotations

import asyncio
import contextvars
import secrets
from collections import deque
from typing import Any, Final, TypeVar

import structlog

from bridge.model.errors import DatabaseAway
from bridge.store.database import Unit
from bridge.store.postgres.away import Pauses, Standing, is_away
from bridge.store.postgres.connecting import connect, reading_engine, where
from bridge.store.postgres.session import Outcome
from bridge.store.postgres.writer import Writer

T = TypeVar("T")
log = structlog.get_logger(__name__)

GROUP: Final = 64
READERS: Final = 4
CLOSE_SECONDS: Final = 10.0
"""How long the end waits for a server that is away, while something is not written yet."""


class PostgresDatabase:
    """One connection that writes in groups of up to 64 units, and four that read; all of one event loop.

    While the server is away, writes and reads wait for it; `trouble` says why.
    """

    def __init__(self, url: str) -> None:
        name = f"rialto {secrets.token_hex(4)}"
        self._url = url
        self._where = where(url)
        self._standing = Standing(self._probe)
        self._writer = Writer(url, f"{name} writer", self._standing)
        self._readers = reading_engine(url, f"{name} reader", READERS)
        self._places = asyncio.Semaphore(READERS)
        self._jobs: deque[tuple[Unit[Any], asyncio.Future[Any]]] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def trouble(self) -> str:
        """Return why the server does not answer, empty while it does."""
        return f"{self._where}: {self._standing.trouble}" if self._standing.trouble else ""

    async def usable(self, seconds: float) -> bool:
        """Wait up to `seconds` for a server that is away; return whether it answers."""
        if self._standing.trouble:
            try:
                async with asyncio.timeout(seconds):
                    await self._standing.back()
            except TimeoutError:
                return False
        return True

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` in the next group; return its result after the commit."""
        if self._closed:
            raise RuntimeError("the database is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.append((unit, future))
        self._wake.set()
        if self._task is None:
            # Made by whoever writes first, and nobody's part: it takes nothing over from that task's context.
            self._task = asyncio.create_task(self._run(), name="db-write", context=contextvars.Context())
        return await future

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` on a snapshot; it is begun again where the server goes away in the middle."""
        pauses = Pauses()
        while True:
            if self._closed:
                raise RuntimeError("the database is closed")
            try:
                async with self._places, self._readers.begin() as connection:
                    return await connection.run_sync(unit)
            except Exception as error:
                if not is_away(error):
                    raise
                self._standing.lost(error)
            await pauses.rest()
            await self._standing.back()

    async def close(self) -> None:
        """Let the queue run empty, then close every connection. A server that is away is waited for a few seconds;
        what is not written then was never acknowledged."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
            if self._standing.trouble:
                self._task.cancel()
                await asyncio.wait([self._task])
        for _, future in self._jobs:
            _resolve(future, (None, DatabaseAway(self.trouble)))
        await self._standing.close()
        await self._writer.close()
        await self._readers.dispose()

    async def _probe(self) -> None:
        """Raise where the server does not let us in."""
        connection = await connect(self._url, "rialto")
        await connection.close()

    async def _run(self) -> None:
        while True:
            while not self._jobs:
                if self._closed:
                    return
                self._wake.clear()
                await self._wake.wait()
            # They stay in the queue until they are settled, so that who ends us in the middle finds them there.
            count = min(GROUP, len(self._jobs))
            outcomes = await self._writer.commit([self._jobs[number][0] for number in range(count)])
            for outcome in outcomes:
                _resolve(self._jobs.popleft()[1], outcome)


def _resolve(future: asyncio.Future[Any], outcome: Outcome) -> None:
    result, error = outcome
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
