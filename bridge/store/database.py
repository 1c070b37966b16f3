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
    """What every part of Rialto knows of the database.

    A unit may be run more than once before its effect is kept once, when a server goes away in the middle: it
    changes nothing but the database.
    """

    @property
    def trouble(self) -> str:
        """Return why the database does not answer at present, for people; empty while it does."""
        ...

    async def usable(self, seconds: float) -> bool:
        """Wait up to `seconds` for a database that does not answer; return whether it does."""
        ...

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` inside a transaction; return its result once that is on disk, raise what it raised.

        A database that is away is waited for, however long that takes.
        """
        ...

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` on a snapshot of what is committed; it must not write. A database that is away is waited for."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then close every connection."""
        ...


def open_database(url: str) -> Database:
    """Open the database at `url` (`sqlite:///file` or `postgresql://…`); its schema must be there (see
    `schema.upgrade`). One for PostgreSQL belongs to the event loop in which it is first used."""
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise ValueError(f"database: {kind!r} is not supported; use sqlite:///PATH or postgresql://HOST/NAME")
    if not parsed.database:
        raise ValueError("database: name a file, as in sqlite:///rialto.db, or a database of the PostgreSQL server")
    if kind == "sqlite":
        from bridge.store.sqlite import SqliteDatabase

        return SqliteDatabase(Path(parsed.database))
    from bridge.store.postgres import PostgresDatabase

    return PostgresDatabase(url)
