"""Commits groups of units, through restarts of the server: what is answered is what is on disk."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

import asyncpg
import structlog

from bridge.store.postgres.away import Pauses, Standing, is_away
from bridge.store.postgres.connecting import writing_engine
from bridge.store.postgres.session import Outcome, Session, Units

log = structlog.get_logger(__name__)


MOST_TRIES = 6
"""How often a connection may break in the middle of the same units before they are no longer run together."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A commit that was sent and not answered: its mark, and what it would have come to."""

    mark: str
    outcomes: list[Outcome]


class Writer:
    """Owns the one session that writes."""

    def __init__(self, url: str, name: str, standing: Standing) -> None:
        """`name` is this process's alone: by it a session of ours that lingers is known."""
        self._engine = writing_engine(url, name)
        self._name = name
        self._standing = standing
        self._session: Session | None = None

    async def commit(self, units: Units) -> list[Outcome]:
        """Run units in one transaction and return what came of each, however long the server is away.

        A connection that breaks before the commit is sent undoes everything, and the units are run again. One that
        breaks after it leaves a doubt, which the next session settles: it finds the group's mark, or it does not.
        """
        pauses = Pauses()
        doubt: _Doubt | None = None
        apart = False
        tries = 0
        while True:
            session = None
            try:
                session = await self._opened()
                if doubt is not None and await session.last_commit() == doubt.mark:
                    log.info("a commit whose answer was lost had taken effect", units=len(units))
                    return doubt.outcomes
                doubt = None
                outcomes = await (session.run_apart(units) if apart else session.run(units))
                if all(error is not None for _, error in outcomes):
                    return outcomes
                doubt = _Doubt(secrets.token_hex(8), outcomes)
                refusal = await _commit(session, doubt.mark)
                if refusal is None:
                    return outcomes
                doubt = None
                if apart or not isinstance(refusal, asyncpg.InFailedSQLTransactionError):
                    return _failed(units, refusal)
                # A unit caught a failure of the database and went on: which one it is shows when they run apart.
                apart = True
                continue
            except asyncio.CancelledError:
                await self._drop()
                raise
            except Exception as error:
                await self._drop()
                if doubt is None and not is_away(error):
                    # A mistake of ours, or a schema that is not there: another try would not help.
                    return _failed(units, error)
                self._standing.lost(error)
                tries += session is not None
                if doubt is None and tries >= MOST_TRIES:
                    return await self._one_by_one(units, error)
            await pauses.rest()
            await self._standing.back()

    async def _one_by_one(self, units: Units, error: Exception) -> list[Outcome]:
        """Commit each unit alone; one that breaks the connection each time, on a server that answers, fails."""
        if len(units) == 1:
            return _failed(units, error)
        return [(await self.commit([unit]))[0] for unit in units]

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
        await self._engine.dispose()

    async def _opened(self) -> Session:
        if self._session is None:
            self._session = await Session.open(self._engine, self._name)
        return self._session

    async def _drop(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.drop()


async def _commit(session: Session, mark: str) -> Exception | None:
    """Commit; return the server's refusal, after which nothing is done. Raises where it is not known."""
    try:
        await session.commit(mark)
    except asyncpg.PostgresError as error:
        if is_away(error):
            raise
        await session.roll_back()
        refusal: Exception = error
        return refusal
    return None


def _failed(units: Units, error: Exception) -> list[Outcome]:
    log.error("database commit failed", units=len(units), error=str(error))
    return [(None, error)] * len(units)
