"""Single values that belong to the installation."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select, update

from bridge.store.tables import meta
from bridge.store.upsert import insert_or_ignore


def get(connection: Connection, key: str) -> str | None:
    """Return a value, or None."""
    return connection.scalar(select(meta.c.value).where(meta.c.key == key))


def get_or_make(connection: Connection, key: str, make: Callable[[], str]) -> str:
    """Return a value; where there is none, keep and return what `make` gives."""
    insert_or_ignore(connection, meta, [{"key": key, "value": make()}])
    found = get(connection, key)
    assert found is not None
    return found


def put(connection: Connection, key: str, value: str) -> None:
    """Write a value."""
    insert_or_ignore(connection, meta, [{"key": key, "value": value}])
    connection.execute(update(meta).where(meta.c.key == key).values(value=value))
