"""What `rialto db` does: look at a database, bring its schema up to date, copy it from SQLite to PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, func, inspect, make_url, select, text

from bridge.app.database import examined, up_to_date
from bridge.app.lock import BadDatabase, held, held_on_server, reaching
from bridge.settings import Settings
from bridge.store import schema
from bridge.store.tables import events, people, rooms

PATIENCE = 2.0
"""Seconds in which a command that has just ended lets go of the database."""
COUNTED: tuple[Table, ...] = (rooms, people, events)


@dataclass(frozen=True, slots=True)
class Status:
    """A database as it is: the server's version, the schema's revision (None: there is none), the counts of rows."""

    version: str
    revision: str | None
    bytes: int
    rows: dict[str, int]


async def status(url: str) -> Status:
    """Look at a database; raise `BadDatabase` where it cannot be reached."""
    _refuse_missing(url)
    return await examined(url, lambda: schema.inside(url, _look))


async def upgrade(settings: Settings) -> tuple[str | None, str]:
    """Bring the schema up to date; return its revision before and after. Raises `Busy`, `SchemaTooNew`,
    `BadDatabase`."""
    url = settings.database_url
    async with held(url, settings.path, patience=PATIENCE):
        before = await examined(url, lambda: schema.revision(url))
        await up_to_date(url)
    return before, schema.newest()


async def copy(settings: Settings, target: str, told: Callable[[str, int], None]) -> None:
    """Copy the installation's SQLite database to PostgreSQL; raise `Busy`, `BadDatabase`, `SchemaTooNew` or
    `CopyFailed`. `told(table, rows)` is called for each table."""
    from bridge.store.postgres.copying import copy as copy_rows

    source = settings.database_url
    if make_url(source).get_backend_name() != "sqlite":
        raise BadDatabase("the present database is no SQLite file: pg_dump and pg_restore copy PostgreSQL's")
    _refuse_missing(source)
    async with held(source, settings.path, patience=PATIENCE), held_on_server(target, PATIENCE):
        present = await examined(source, lambda: schema.revision(source))
        if present != schema.newest():
            await examined(source, lambda: schema.known_or_raise(source))
            raise BadDatabase(f"the present database is at schema {present}: `rialto db upgrade` comes first")
        await up_to_date(target)
        await reaching(target, lambda: copy_rows(source, target, told), tries=1)


def _refuse_missing(url: str) -> None:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        raise BadDatabase(f"there is no file {parsed.database} yet: the first start makes it, and `rialto db upgrade`")


def _look(connection: Connection) -> Status:
    version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
    if connection.dialect.name == "postgresql":
        version, size = f"PostgreSQL {version}", "SELECT pg_database_size(current_database())"
    else:
        version, size = f"SQLite {version}", "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    present = set(inspect(connection).get_table_names())
    rows = {
        table.name: connection.scalar(select(func.count()).select_from(table)) or 0
        for table in COUNTED
        if table.name in present
    }
    return Status(version, schema.revision_of(connection), connection.scalar(text(size)) or 0, rows)
