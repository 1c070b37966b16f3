"""Many rows at once by a statement that is compiled once: for what is written hundreds of times a second.

Rows are tuples and go to the driver as they are, without a dictionary, a cache key and a bind processor for each:
half the cost of `connection.execute(insert(table), rows)`. Only for columns whose Python type is the driver's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, Table, bindparam, delete, exists, select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Delete, Insert, Update

from bridge.store.upsert import insert_for

Row: TypeAlias = tuple[Any, ...]
_Statement: TypeAlias = Insert | Update | Delete
_Text: TypeAlias = tuple[str, Callable[[Row], Row] | None]
"""What the driver is given, and how a row's values are put where its placeholders are (None: as they stand)."""


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
    return _run(connection, _insert(connection.dialect, table, columns, ignore, unless_in), rows)


def delete_rows(connection: Connection, table: Table, column: str, values: Sequence[Any]) -> None:
    """Delete the rows in which `column` has one of these values."""
    _run(connection, _delete(connection.dialect, table, column), [(value,) for value in values])


def run_many(connection: Connection, statement: Update, names: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Run an UPDATE of the module level for each row; `names` are the bind parameters that its values are for."""
    _run(connection, _text(connection.dialect, statement, names), rows)


def _run(connection: Connection, text: _Text, rows: Sequence[Row]) -> int:
    if not rows:
        return 0
    statement, placed = text
    return connection.exec_driver_sql(statement, list(rows if placed is None else map(placed, rows))).rowcount


@lru_cache(maxsize=64)
def _insert(
    dialect: Dialect, table: Table, columns: tuple[str, ...], ignore: bool, unless_in: Table | None
) -> _Text:
    values = {name: bindparam(name, type_=table.c[name].type) for name in columns}
    statement = insert_for(dialect.name, table)
    if unless_in is None:
        statement = statement.values(values)
    else:
        taken = exists().where(*(key == values[key.name] for key in unless_in.primary_key.columns))
        statement = statement.from_select(list(columns), select(*values.values()).where(~taken))
    return _text(dialect, statement.on_conflict_do_nothing() if ignore else statement, columns)


@lru_cache(maxsize=64)
def _delete(dialect: Dialect, table: Table, column: str) -> _Text:
    return _text(dialect, delete(table).where(table.c[column] == bindparam(column)), (column,))


@lru_cache(maxsize=64)
def _text(dialect: Dialect, statement: _Statement, names: tuple[str, ...]) -> _Text:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    wanted = tuple(compiled.positiontup or ())
    if wanted == names:
        return compiled.string, None
    placed = [names.index(name) for name in wanted]
    return compiled.string, itemgetter(*placed)
