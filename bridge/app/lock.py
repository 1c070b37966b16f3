"""One server for one database: a lock on a file beside it, and on PostgreSQL one in the database too."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

import structlog
from sqlalchemy import make_url

from bridge.model.errors import RialtoError

if TYPE_CHECKING:
    from bridge.store.postgres.locks import ServerLock

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Busy(Exception):
    """Another process works on the database."""


class BadDatabase(RialtoError):
    """The database cannot be used: its file is damaged or is none, its server does not let us in."""

    code: ClassVar[str] = "bad_database"


class Hold:
    """The right to work on a database; it is there while the context manager that gave it is."""

    def __init__(self, lock: ServerLock | None = None, where: str = "") -> None:
        self._lock = lock
        self._where = where

    async def keep(self) -> None:
        """Hold on to it until cancelled; raise `Busy` when another Rialto has it."""
        if self._lock is None:
            await asyncio.Event().wait()
            return
        await self._lock.keep()
        raise Busy(f"another Rialto took the database {self._where} while the connection to it was broken")


def beside(database_url: str, config: Path) -> Path:
    """Return the path, without an ending, beside which lock and socket of a database lie."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(url.database)
    return config


@asynccontextmanager
async def held(database_url: str, config: Path, *, patience: float = 0, wait: bool = False) -> AsyncIterator[Hold]:
    """Hold the database while inside; raise `Busy` where someone else holds it for longer than `patience` seconds.

    A PostgreSQL server that does not answer is waited for where `wait` says so; else, and where it refuses us,
    `BadDatabase` is raised.
    """
    path = beside(database_url, config)
    with await _file_lock(path.with_name(path.name + ".lock"), patience):
        if make_url(database_url).get_backend_name() == "postgresql":
            async with held_on_server(database_url, patience, wait=wait) as hold:
                yield hold
        else:
            yield Hold()


async def _file_lock(path: Path, patience: float) -> ExitStack:
    """Lock a file; closing the stack that is returned lets go of it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with ExitStack() as stack:
        stack.callback(os.close, file)
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= until:
                    raise Busy(f"another Rialto works on this database ({path} is locked)") from None
                await asyncio.sleep(0.05)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        return stack.pop_all()


@asynccontextmanager
async def held_on_server(url: str, patience: float = 0, *, wait: bool = False) -> AsyncIterator[Hold]:
    """Hold the lock in the PostgreSQL database itself, as `held` does; the file alone keeps out this machine's
    processes only."""
    from bridge.store.postgres.connecting import where
    from bridge.store.postgres.locks import ServerLock

    lock = ServerLock(url)
    if not await reaching(url, lambda: lock.take(seconds=patience), tries=None if wait else 1):
        raise Busy(f"another Rialto works on this database ({where(url)})")
    try:
        yield Hold(lock, where(url))
    finally:
        await lock.release()


async def reaching(url: str, work: Callable[[], Awaitable[T]], *, tries: int | None = None) -> T:
    """Do `work` on a PostgreSQL server, again where it is away, `tries` times or without end; raise `BadDatabase`
    where it refuses us or did not come back."""
    from bridge.store.postgres.away import Pauses, is_away, is_refusal, reason
    from bridge.store.postgres.connecting import where

    pauses, told = Pauses(), ""
    for number in itertools.count(1):
        try:
            return await work()
        except RialtoError:
            raise
        except Exception as error:
            why = reason(error)
            if number == tries or is_refusal(error) or not is_away(error):
                text = f"the database {where(url)} cannot be used ({why}): `rialto doctor` looks at it"
                raise BadDatabase(text) from error
        if why != told:
            log.warning("the database is waited for", database=where(url), reason=why)
            told = why
        await pauses.rest()
    raise AssertionError("the count has no end")
