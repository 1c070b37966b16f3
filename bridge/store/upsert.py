"""INSERT … ON CONFLICT for both databases, chosen by the connection's dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_or_ignore(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert `rows`; those that collide with a unique key are left out."""
    if rows:
        connection.execute(insert_for(connection.dialect.name, table).on_conflict_do_nothing(), list(rows))


def insert_or_update(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], *, update: Sequence[str]
) -> None:
    """Insert `rows`; where the primary key exists, set the columns `update` to the new values."""
    if not rows:
        return
    statement = insert_for(connection.dialect.name, table)
    statement = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in update},
    )
    connection.execute(statement, list(rows))


def insert_for(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that can be given an ON CONFLICT, in the form of the database named `dialect`."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
