"""Whether PostgreSQL answers: which failures mean that it is away, and who waits until it is back."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger(__name__)

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0

_AWAY_STATES = frozenset(
    {
        "25P03",  # it ended an idle transaction
        "40001",  # not to be run beside another transaction
        "40P01",  # a deadlock
        "53300",  # too many connections
        "57P01",  # it is shut down
        "57P02",  # it crashed
        "57P03",  # it is starting
        "57P05",  # it ended an idle session
    }
)


class Away(Exception):
    """PostgreSQL cannot be worked with at present; the text says why."""


def cause(error: BaseException) -> BaseException:
    """Return what lies under SQLAlchemy's wrapping of a failure."""
    while isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig.__cause__ or error.orig
        if not isinstance(error, DBAPIError):
            break
    return error


def is_away(error: BaseException) -> bool:
    """Tell whether a statement failed for the state of the server or of the connection, not for what it said."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    under = cause(error)
    if isinstance(under, Away | ConnectionError | TimeoutError | asyncpg.PostgresConnectionError):
        return True
    if isinstance(under, asyncpg.PostgresError):
        state = under.sqlstate or ""
        fatal = getattr(under, "severity_en", "") in ("FATAL", "PANIC")
        return fatal or state in _AWAY_STATES or state.startswith("08")
    # The driver is confused by a server that says goodbye between two statements. Of what it refuses on purpose,
    # only a connection that is gone is not the statement's fault.
    gone = isinstance(under, asyncpg.InterfaceError) and "clos" in str(under)
    return gone or isinstance(under, asyncpg.InternalClientError)


def is_refusal(error: BaseException) -> bool:
    """Tell whether the server answers, and does not let us in: a wrong password, no such database."""
    state = getattr(cause(error), "sqlstate", None) or ""
    return state[:2] in ("28", "3D")


def reason(error: BaseException) -> str:
    """Return why the database cannot be worked with, in a line."""
    under = cause(error)
    if isinstance(under, TimeoutError):
        return "no answer in time"
    if isinstance(under, ConnectionRefusedError):
        return "it refuses connections"
    if isinstance(under, asyncpg.InternalClientError | asyncpg.InterfaceError):
        return "the connection broke"
    return " ".join(str(under).split()) or type(under).__name__


class Pauses:
    """Growing pauses between tries."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE

    async def rest(self) -> None:
        """Wait for the next pause."""
        pause, self._next = self._next, min(self._next * 2, LONGEST_PAUSE)
        await asyncio.sleep(pause)


class Standing:
    """What is known of the server. While it is away one task looks for it, and everyone else waits for that task."""

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        """`probe` raises for as long as the server does not answer."""
        self._probe = probe
        self._answers = asyncio.Event()
        self._answers.set()
        self._looking: asyncio.Task[None] | None = None
        self.trouble = ""
        """Why the server does not answer; empty while it does."""

    def lost(self, error: BaseException) -> None:
        """Note that the server went away."""
        self._answers.clear()
        if not self.trouble:
            log.warning("PostgreSQL does not answer: everything waits for it", reason=reason(error))
        self.trouble = reason(error)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(
                self._look(), name="look for PostgreSQL", context=contextvars.Context()
            )

    async def back(self) -> None:
        """Return when the server answers."""
        await self._answers.wait()

    async def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        pauses = Pauses()
        while True:
            await pauses.rest()
            try:
                await self._probe()
            except Exception as error:  # whatever keeps us from connecting is the reason to tell
                self.trouble = reason(error)
                continue
            log.info("PostgreSQL answers again")
            self.trouble = ""
            self._answers.set()
            return
