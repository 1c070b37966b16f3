"""What is done to a database before it is opened: bringing its schema up to date, and saying why that cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from bridge.app.lock import BadDatabase, reaching
from bridge.store import schema

T = TypeVar("T")
TRIES = 6
"""A PostgreSQL server that is just restarted is worth a second look."""


async def up_to_date(url: str) -> None:
    """Bring the schema to this version; the caller holds the lock. Raises `SchemaTooNew` or `BadDatabase`."""
    await examined(url, lambda: schema.upgrade(url))


async def examined(url: str, work: Callable[[], T]) -> T:
    """Return what `work`, which waits for the database, gives; raise `BadDatabase` where it cannot be used."""
    if make_url(url).get_backend_name() == "postgresql":
        return await reaching(url, lambda: asyncio.to_thread(work), tries=TRIES)
    try:
        return await asyncio.to_thread(work)
    except DBAPIError as error:
        raise BadDatabase(f"the database cannot be used ({error.orig}): `rialto doctor` looks at it") from error
