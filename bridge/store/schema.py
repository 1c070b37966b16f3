"""The schema's life: create it, bring it up to date, refuse one that is newer than this Rialto.

These functions wait for the database: within an event loop they are run in a thread (`asyncio.to_thread`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, make_url, text

from bridge.model.errors import SchemaTooNew

T = TypeVar("T")
_SCRIPTS = Path(__file__).parent / "migrations"


def newest() -> str:
    """Return the revision that this Rialto works with."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    assert head is not None
    return head


def upgrade(url: str) -> None:
    """Bring the schema at `url` to this version, in one transaction; raise `SchemaTooNew` where a newer Rialto
    wrote it. Of two that begin at once, the second waits and finds it done."""
    inside(url, _upgrade, begin="BEGIN IMMEDIATE")


def known_or_raise(url: str) -> None:
    """Raise `SchemaTooNew` unless this version knows the schema at `url`; an empty database is known."""
    inside(url, known_or_raise_on)


def known_or_raise_on(connection: Connection) -> None:
    """Do the same on a connection."""
    present = revision_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    if present is not None and present not in known:
        raise SchemaTooNew(
            f"the database is at schema {present}, which this Rialto does not know: "
            "run the newer Rialto that wrote it, or restore a backup"
        )


def revision(url: str) -> str | None:
    """Return the schema's revision, or None for an empty database."""
    return inside(url, revision_of)


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the schema that a connection sees, or None where there is none."""
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        from bridge.store.postgres.connecting import LOCKS, MIGRATION_LOCK

        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCKS}, {MIGRATION_LOCK})"))
    known_or_raise_on(connection)
    command.upgrade(config(connection), "head")


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; whatever touches a database needs the connection to it."""
    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def inside(url: str, work: Callable[[Connection], T], *, begin: str = "BEGIN") -> T:
    """Return what `work` gives on the database at `url`, in a transaction of its own that `begin` begins (SQLite)."""
    if make_url(url).get_backend_name() == "postgresql":
        return asyncio.run(_inside_postgresql(url, work))
    engine = create_engine(url)
    # The driver commits before DDL by itself: an interrupted migration would leave half of it behind.
    event.listen(engine, "connect", lambda dbapi, _: setattr(dbapi, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    try:
        with engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()


async def _inside_postgresql(url: str, work: Callable[[Connection], T]) -> T:
    from bridge.store.postgres.connecting import migrating_engine

    engine = migrating_engine(url)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()
