"""Copies a whole database from SQLite to PostgreSQL: in one transaction there, in batches, nothing or all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, ClassVar, Final

import asyncpg
from sqlalchemy import Connection, LargeBinary, Table, create_engine, func, select, text

from bridge.model.errors import RialtoError
from bridge.store.postgres.connecting import connect, where, without_nul
from bridge.store.tables import metadata

BATCH: Final = 2_000
BATCH_OF_BYTES: Final = 50
MADE_ANEW: Final = frozenset({"indexed", "searchable"})
"""Tables of the full-text search, which each database has in a form of its own and makes from the log."""


class CopyFailed(RialtoError):
    """Nothing was copied; the text says why."""

    code: ClassVar[str] = "copy_failed"


async def copy(source: str, target: str, told: Callable[[str, int], None]) -> None:
    """Copy every row of the SQLite database `source` to the empty PostgreSQL database `target`.

    Both have the schema of this version, and nobody works on either. `told(table, rows)` is called after each
    table; raises `CopyFailed`, after which the target is as it was.
    """
    tables = [table for table in metadata.sorted_tables if table.name not in MADE_ANEW]
    connection = await connect(target, "rialto copy", statement_seconds=None)
    engine = create_engine(source, connect_args={"check_same_thread": False})
    try:
        with engine.connect() as old:
            async with connection.transaction():
                await _refuse_filled(connection, target)
                for table in tables:
                    told(table.name, await _copy_table(old, connection, table))
                for table in tables:
                    await _set_sequence(old, connection, table)
    finally:
        engine.dispose()
        await connection.close()


async def _refuse_filled(connection: asyncpg.Connection, target: str) -> None:
    for table in metadata.sorted_tables:
        if await connection.fetchval(f'SELECT EXISTS (SELECT FROM "{table.name}")'):
            raise CopyFailed(
                f"the database {where(target)} is not empty, it has rows in {table.name}: "
                "make a new one with createdb, and name that"
            )


async def _copy_table(old: Connection, new: asyncpg.Connection, table: Table) -> int:
    columns = [column.name for column in table.columns]
    try:
        async for rows in _batches(old, table):
            await new.copy_records_to_table(table.name, records=map(without_nul, rows), columns=columns)
    except asyncpg.PostgresError as error:
        raise CopyFailed(f"a row of {table.name} does not fit into PostgreSQL ({error})") from error
    had = await asyncio.to_thread(old.scalar, select(func.count()).select_from(table))
    has = await new.fetchval(f'SELECT count(*) FROM "{table.name}"')
    if had != has:
        raise CopyFailed(f"{had} rows of {table.name} became {has}: nothing was kept")
    return int(has)


async def _batches(old: Connection, table: Table) -> AsyncIterator[Sequence[Any]]:
    """Yield a table's rows in batches that fit into memory."""
    size = BATCH_OF_BYTES if any(isinstance(c.type, LargeBinary) for c in table.columns) else BATCH
    result = await asyncio.to_thread(old.execute, select(table))
    while rows := await asyncio.to_thread(result.fetchmany, size):
        yield [tuple(row) for row in rows]


async def _set_sequence(old: Connection, new: asyncpg.Connection, table: Table) -> None:
    """Let numbers go on after the highest that was ever given, also where its row is gone."""
    column = table.autoincrement_column
    if column is None or not table.kwargs.get("sqlite_autoincrement"):
        return
    last = old.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
    if last:
        await new.execute("SELECT setval(pg_get_serial_sequence($1, $2), $3)", table.name, column.name, last)
