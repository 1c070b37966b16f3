"""The session that writes: it runs a group of units in one transaction, and knows what its last commit was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.store.database import Unit
from bridge.store.postgres.away import Away, is_away, reason
from bridge.store.postgres.connecting import WRITER_LOCK
from bridge.store.postgres.locks import take

FENCE_SECONDS: Final = 5.0
MARK: Final = "last_commit"
"""The key in `meta` under which each group leaves a mark, in the same transaction."""

_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

Outcome: TypeAlias = tuple[Any, Exception | None]
Units: TypeAlias = Sequence[Unit[Any]]


class Session:
    """A connection that holds the writer's lock: while it lives, no other session of Rialto's writes here."""

    def __init__(self, connection: AsyncConnection, raw: asyncpg.Connection) -> None:
        self._connection = connection
        self._raw = raw

    @classmethod
    async def open(cls, engine: AsyncEngine, name: str) -> Session:
        """Connect, and wait until an earlier session of ours has ended; raise `Away` where that does not happen.

        Only then is it certain what became of a commit that the earlier session had sent.
        """
        try:
            connection = await engine.connect()
        except Exception as error:  # whatever keeps us from connecting may be mended meanwhile
            raise Away(reason(error)) from error
        try:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            if await raw.fetchval("SELECT pg_is_in_recovery()"):
                raise Away("it is a standby, which takes no writes")
            if not await take(raw, WRITER_LOCK, name, seconds=FENCE_SECONDS):
                raise Away("another connection writes to it, and has not ended yet")
            await raw.execute(
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') = 'off'"
            )
            await raw.execute("INSERT INTO meta (key, value) VALUES ($1, '') ON CONFLICT DO NOTHING", MARK)
        except BaseException:
            await connection.invalidate()
            await connection.close()
            raise
        return cls(connection, raw)

    @property
    def broken(self) -> bool:
        """Tell whether the connection is gone."""
        return bool(self._raw.is_closed())

    async def run(self, units: Units) -> list[Outcome]:
        """Run units in a transaction that is left open if any of them succeeded; raise what `is_away` knows.

        Savepoints cost a round trip each, and units hardly ever fail: they are run without, and where one of
        several fails all of them are run once more, each in its savepoint.
        """
        await self._begin(_BEGIN)
        outcomes: list[Outcome] = []
        for unit in units:
            result, error = await self._try(unit)
            outcomes.append((result, error))
            if error is not None:
                await self.roll_back()
                return outcomes if len(units) == 1 else await self.run_apart(units)
        return outcomes

    async def run_apart(self, units: Units) -> list[Outcome]:
        """Do the same with a savepoint for each unit, so that one that fails leaves nothing and fails alone."""
        await self._begin(f"{_BEGIN}; SAVEPOINT unit")
        outcomes: list[Outcome] = []
        for unit in units:
            result, error = await self._try(unit)
            if error is None:
                error = await self._release()
            if error is not None:
                result = None
                await self._raw.execute("ROLLBACK TO SAVEPOINT unit")
            outcomes.append((result, error))
        if all(error is not None for _, error in outcomes):
            await self.roll_back()
        return outcomes

    async def roll_back(self) -> None:
        """Undo what `run` left open."""
        await self._raw.execute("ROLLBACK")

    async def commit(self, mark: str) -> None:
        """Commit what `run` left open and leave the mark (of hexadecimal digits), in one round trip.

        Where the server refuses it, nothing was done; after every other failure it is not known.
        """
        await self._raw.execute(f"UPDATE meta SET value = '{mark}' WHERE key = '{MARK}'; COMMIT")

    async def last_commit(self) -> str:
        """Return the mark of the last group that was committed."""
        return str(await self._raw.fetchval("SELECT value FROM meta WHERE key = $1", MARK))

    async def close(self) -> None:
        """End the session in order."""
        await self._connection.close()

    async def drop(self) -> None:
        """End the session at once, whatever state it is in."""
        self._raw.terminate()
        await self._connection.invalidate()
        await self._connection.close()

    async def _begin(self, begin: str) -> None:
        # SQLAlchemy sends nothing here; it keeps a connection that broke from being replaced in the middle.
        if self._connection.in_transaction():
            await self._connection.rollback()
        _ = await self._connection.begin()
        await self._raw.execute(begin)

    async def _try(self, unit: Unit[Any]) -> Outcome:
        try:
            return await self._connection.run_sync(unit), None
        except Exception as error:  # handed to the caller through its future
            if is_away(error) or self.broken:
                raise Away(reason(error)) from error
            return None, error

    async def _release(self) -> Exception | None:
        """End a unit's savepoint and begin the next one's."""
        try:
            await self._raw.execute("RELEASE SAVEPOINT unit; SAVEPOINT unit")
        except asyncpg.InFailedSQLTransactionError as error:
            # The unit caught a failure of the database and went on, on a transaction that was broken by it.
            refusal: Exception = error
            return refusal
        return None
