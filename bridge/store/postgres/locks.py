"""Advisory locks: who may work on a database, and how a session of ours that lingers makes way for its successor."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import Final

import asyncpg
import structlog

from bridge.store.postgres.away import Away, Pauses, reason
from bridge.store.postgres.connecting import LOCKS, SERVER_LOCK, connect

log = structlog.get_logger(__name__)

CHECK_SECONDS: Final = 5.0
OTHERS_SECONDS: Final = 10.0
"""How long another may have our lock, after our connection broke: a command has it for a moment only."""
_FAILURES: Final = (Away, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def take(connection: asyncpg.Connection, lock: int, name: str, *, seconds: float) -> bool:
    """Take one of the locks for the session of `connection`; return whether it was free within `seconds`.

    Other sessions called `name`, which are this process's own and of no use any more, are ended for it.
    """
    if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCKS, lock):
        return True
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()",
        name,
    )
    try:
        async with asyncio.timeout(seconds):
            await connection.execute("SELECT pg_advisory_lock($1, $2)", LOCKS, lock)
    except TimeoutError:
        return False
    return True


class ServerLock:
    """The lock that a server, or a command without one, holds on a connection of its own while it works."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = f"rialto {secrets.token_hex(4)} lock"
        self._connection: asyncpg.Connection | None = None

    async def take(self, *, seconds: float) -> bool:
        """Take the lock; return whether it was free within `seconds`. Raises what connecting raises."""
        connection = await connect(self._url, self._name)
        try:
            taken = await take(connection, SERVER_LOCK, self._name, seconds=seconds)
        except BaseException:
            connection.terminate()
            raise
        if not taken:
            await connection.close()
            return False
        self._connection = connection
        return True

    async def keep(self) -> None:
        """Hold the lock through restarts of the server; return when somebody else has it for good."""
        while True:
            if await self._held():
                await asyncio.sleep(CHECK_SECONDS)
                continue
            log.warning("the lock on the database was lost with its connection: it is taken again")
            if not await self._again():
                return

    async def release(self) -> None:
        """Let go of the lock."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(*_FAILURES):
                await connection.close(timeout=2)

    async def _held(self) -> bool:
        if self._connection is None:
            return False
        try:
            await self._connection.execute("SELECT 1", timeout=CHECK_SECONDS)
        except _FAILURES:
            self._connection.terminate()
            self._connection = None
            return False
        return True

    async def _again(self) -> bool:
        pauses = Pauses()
        while True:
            try:
                return await self.take(seconds=OTHERS_SECONDS)
            except _FAILURES as error:
                log.debug("the lock cannot be taken yet", reason=reason(error))
            await pauses.rest()

