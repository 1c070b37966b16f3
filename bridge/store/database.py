"""The door to the database: units of work go in, and their results come out after the commit.

A unit is a plain function of a synchronous SQLAlchemy `Connection`. On SQLite units run in one writer
thread, many to a commit, each in its own savepoint; on PostgreSQL the same functions run through
`AsyncConnection.run_sync`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection, make_url

T = TypeVar("T")
Unit: TypeAlias = Callable[[Connection], T]


class Database(Protocol):
    """What every part of Rialto knows of the database."""

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` inside a transaction; return its result once that is on disk, raise what it raised."""
        ...

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` on a snapshot of what is committed; it must not write."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then close every connection."""
        ...


def open_database(url: str) -> Database:
    """Open the database at `url` (`sqlite:///file`); its schema must be there (see `schema.upgrade`)."""
    from bridge.store.sqlite import SqliteDatabase

    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise ValueError(f"database: {parsed.get_backend_name()!r} is not supported; use sqlite:///PATH")
    if not parsed.database:
        raise ValueError("database: name a file, as in sqlite:///rialto.db")
    return SqliteDatabase(Path(parsed.database))
