"""SQLite: one writer thread that commits units in groups, and a few reading threads."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from bridge.store.database import Unit

T = TypeVar("T")
log = structlog.get_logger(__name__)

GROUP = 64
READERS = 3


class SqliteDatabase:
    """A SQLite file in WAL mode with `synchronous=FULL`: what is committed survives a power cut."""

    def __init__(self, path: Path) -> None:
        self._writes: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._write_engine = _engine(path, begin="BEGIN IMMEDIATE", readonly=False, size=1)
        self._read_engine = _engine(path, begin="BEGIN", readonly=True, size=READERS)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._thread = threading.Thread(target=self._run, name="db-write", daemon=True)
        self._closed = False
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Return nothing: a file does not go away for a while."""
        return ""

    async def usable(self, seconds: float) -> bool:
        """Return at once."""
        return True

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` in the next group; return its result after the commit."""
        if self._closed:
            raise RuntimeError("the database is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._writes.put(_Job(unit, future, loop))
        return await future

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` in a reading thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, unit)

    async def close(self) -> None:
        """Let the queue run empty, then close both engines."""
        if self._closed:
            return
        self._closed = True
        self._writes.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._readers.shutdown(wait=True)
        self._write_engine.dispose()
        self._read_engine.dispose()

    def _read(self, unit: Unit[T]) -> T:
        with self._read_engine.begin() as connection:
            return unit(connection)

    def _run(self) -> None:
        with self._write_engine.connect() as connection:
            while jobs := self._next_group():
                _settle(jobs, _commit(connection, jobs))

    def _next_group(self) -> list[_Job]:
        """Wait for one job, then take what else is there; an empty list means the end."""
        first = self._writes.get()
        if first is None:
            return []
        jobs = [first]
        while len(jobs) < GROUP:
            try:
                job = self._writes.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._writes.put(None)
                break
            jobs.append(job)
        return jobs


class _Job:
    """A unit, and the future of the coroutine that waits for it."""

    __slots__ = ("future", "loop", "unit")

    def __init__(self, unit: Unit[Any], future: asyncio.Future[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.unit = unit
        self.future = future
        self.loop = loop


_Outcome = tuple[Any, BaseException | None]


def _commit(connection: Connection, jobs: list[_Job]) -> list[_Outcome]:
    """Run every job in one transaction; one that fails does not touch the others.

    Nearly always none does, and then savepoints are not needed: where one fails, all is taken back and done again,
    each job in a savepoint of its own.
    """
    outcomes = _in_one_go(connection, jobs)
    if outcomes is not None:
        return outcomes
    outcomes = []
    try:
        with connection.begin():
            for job in jobs:
                outcomes.append(_run_in_savepoint(connection, job.unit))
    except Exception as error:  # the commit itself failed: nothing of this group is on disk
        log.error("database commit failed", units=len(jobs), error=str(error))
        return [(None, error)] * len(jobs)
    return outcomes


def _in_one_go(connection: Connection, jobs: list[_Job]) -> list[_Outcome] | None:
    """Run the jobs without savepoints; None, and nothing done, where one of several fails."""
    committing = False
    try:
        with connection.begin():
            outcomes: list[_Outcome] = [(job.unit(connection), None) for job in jobs]
            committing = True
    except Exception as error:  # handed to the caller through its future
        if committing:
            log.error("database commit failed", units=len(jobs), error=str(error))
        return [(None, error)] * len(jobs) if committing or len(jobs) == 1 else None
    return outcomes


def _run_in_savepoint(connection: Connection, unit: Unit[Any]) -> _Outcome:
    savepoint = connection.begin_nested()
    try:
        result = unit(connection)
    except Exception as error:  # handed to the caller through its future
        savepoint.rollback()
        return None, error
    savepoint.commit()
    return result, None


def _settle(jobs: list[_Job], outcomes: list[_Outcome]) -> None:
    """Wake the waiting coroutines, with one call per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], _Outcome]]] = {}
    for job, outcome in zip(jobs, outcomes, strict=True):
        by_loop.setdefault(job.loop, []).append((job.future, outcome))
    for loop, settled in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, settled)
        except RuntimeError:
            log.warning("event loop closed before its writes were reported", units=len(settled))


def _resolve(settled: list[tuple[asyncio.Future[Any], _Outcome]]) -> None:
    for future, (result, error) in settled:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


def _engine(path: Path, *, begin: str, readonly: bool, size: int) -> Engine:
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": 30},
    )
    _on(engine, "connect", lambda dbapi, _record: _configure(dbapi, readonly))
    _on(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _on(engine: Engine, name: str, handler: Callable[..., Any]) -> None:
    event.listen(engine, name, handler)


def _configure(dbapi: Any, readonly: bool) -> None:
    # The driver's own transaction handling breaks savepoints: SQLAlchemy's BEGIN is the only one.
    dbapi.isolation_level = None
    cursor = dbapi.cursor()
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY")
    # Most pages are written many times before the log is copied into the file: later and rarer is half the writing.
    for pragma in (*pragmas, "cache_size=-32768", "wal_autocheckpoint=8000"):
        cursor.execute(f"PRAGMA {pragma}")
    if readonly:
        cursor.execute("PRAGMA query_only=ON")
    cursor.close()
