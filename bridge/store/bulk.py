"""Many rows at once by statements that are compiled once: for what is written hundreds of times a second.

Rows are tuples and go to the driver as they are, without a dictionary, a cache key and a bind processor for each. On
SQLite many of them share one statement: between two statements the writing thread gives the interpreter away, and a
busy event loop gives it back late. Only for columns whose Python type is the driver's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, Table, bindparam, delete, exists, select, update
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Delete, Insert, Update

from bridge.store.upsert import insert_for

Row: TypeAlias = tuple[Any, ...]

SIZES = (128, 32, 8, 1)
"""How many rows a statement of SQLite takes: few sizes, so that the driver keeps them all prepared."""


def insert_rows(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Row],
    *,
    ignore: bool = False,
    unless_in: Table | None = None,
) -> int:
    """Insert `rows`, whose values are those of `columns`; return how many the database says were new.

    `ignore` leaves out those that collide with a unique key, which else raise `IntegrityError`; `unless_in` those
    whose primary key in another table, of columns with the same names, is taken there.
    """
    if connection.dialect.name != "sqlite":
        return _run(connection, _insert(connection.dialect, table, columns, ignore, unless_in), columns, rows)
    return sum(
        connection.exec_driver_sql(_insert_together(table, columns, ignore, unless_in, size), values).rowcount
        for values, size in _chunks(rows)
    )


def delete_rows(connection: Connection, table: Table, column: str, values: Sequence[Any]) -> None:
    """Delete the rows in which `column` has one of these values."""
    if connection.dialect.name != "sqlite":
        statement = _delete(table, column)
        _run(connection, statement, (column,), [(value,) for value in values])
        return
    for start in range(0, len(values), SIZES[0]):
        some = tuple(values[start : start + SIZES[0]])
        size = next(size for size in reversed(SIZES) if size >= len(some))
        # One of them more than once does no harm.
        connection.exec_driver_sql(_delete_together(table, column, size), some + some[-1:] * (size - len(some)))


def update_rows(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Give the columns of each row their new values; the first of `columns` is the primary key."""
    if connection.dialect.name != "sqlite":
        _run(connection, _update(table, columns), tuple(f"new_{name}" for name in columns), rows)
        return
    for values, size in _chunks(rows):
        connection.exec_driver_sql(_update_together(table, columns, size), values)


def _chunks(rows: Sequence[Row]) -> Iterator[tuple[Row, int]]:
    """Give the values of the rows of one statement after the other, and how many rows these are."""
    start = 0
    for size in SIZES:
        while len(rows) - start >= size:
            yield tuple(chain.from_iterable(rows[start : start + size])), size
            start += size


def _run(
    connection: Connection, statement: Insert | Update | Delete, names: tuple[str, ...], rows: Sequence[Row]
) -> int:
    if not rows:
        return 0
    text, order = _text(connection.dialect, statement, names)
    if order != tuple(range(len(names))):
        placed = itemgetter(*order)
        rows = [placed(row) for row in rows]
    return connection.exec_driver_sql(text, list(rows)).rowcount


@lru_cache(maxsize=256)
def _insert_together(table: Table, columns: tuple[str, ...], ignore: bool, unless_in: Table | None, size: int) -> str:
    named, one = ", ".join(columns), f"({', '.join('?' * len(columns))})"
    text = f"INSERT INTO {table.name} ({named}) VALUES {', '.join([one] * size)}"
    if unless_in is not None:
        same = " AND ".join(f"{unless_in.name}.{key.name} = new.{key.name}" for key in unless_in.primary_key.columns)
        text = (
            f"WITH new ({named}) AS (VALUES {', '.join([one] * size)}) INSERT INTO {table.name} ({named}) "
            f"SELECT * FROM new WHERE NOT EXISTS (SELECT 1 FROM {unless_in.name} WHERE {same})"
        )
    return f"{text} ON CONFLICT DO NOTHING" if ignore else text


@lru_cache(maxsize=64)
def _update_together(table: Table, columns: tuple[str, ...], size: int) -> str:
    (key, *changed), one = columns, f"({', '.join('?' * len(columns))})"
    return (
        f"WITH new ({', '.join(columns)}) AS (VALUES {', '.join([one] * size)}) "
        f"UPDATE {table.name} SET {', '.join(f'{name} = new.{name}' for name in changed)} "
        f"FROM new WHERE {table.name}.{key} = new.{key}"
    )


@lru_cache(maxsize=64)
def _delete_together(table: Table, column: str, size: int) -> str:
    return f"DELETE FROM {table.name} WHERE {column} IN ({', '.join('?' * size)})"


@lru_cache(maxsize=64)
def _insert(
    dialect: Dialect, table: Table, columns: tuple[str, ...], ignore: bool, unless_in: Table | None
) -> Insert:
    values = {name: bindparam(name, type_=table.c[name].type) for name in columns}
    statement = insert_for(dialect.name, table)
    if unless_in is None:
        statement = statement.values(values)
    else:
        taken = exists().where(*(key == values[key.name] for key in unless_in.primary_key.columns))
        statement = statement.from_select(list(columns), select(*values.values()).where(~taken))
    return statement.on_conflict_do_nothing() if ignore else statement


@lru_cache(maxsize=64)
def _update(table: Table, columns: tuple[str, ...]) -> Update:
    key, *changed = columns
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in changed}
    return update(table).where(table.c[key] == bindparam(f"new_{key}")).values(values)


@lru_cache(maxsize=64)
def _delete(table: Table, column: str) -> Delete:
    return delete(table).where(table.c[column] == bindparam(column))


@lru_cache(maxsize=64)
def _text(
    dialect: Dialect, statement: Insert | Update | Delete, names: tuple[str, ...]
) -> tuple[str, tuple[int, ...]]:
    """Return what the driver is given, and which value of a row each of its placeholders is for."""
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled.string, tuple(names.index(name) for name in compiled.positiontup or ())
