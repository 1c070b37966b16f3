"""Connections to PostgreSQL: how they are opened, what is set on them, and text that PostgreSQL cannot hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg
from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from bridge.store.postgres.away import Away, reason

CONNECT_SECONDS: Final = 10.0
STATEMENT_SECONDS: Final = 60.0
"""A statement that is not answered for so long is one that went nowhere: the connection is given up."""
LOCKS: Final = 0x52494C54
"""The first half of the key of every advisory lock of Rialto's; advisory locks belong to one database."""
SERVER_LOCK: Final = 1
WRITER_LOCK: Final = 2
MIGRATION_LOCK: Final = 3

_SESSION: Final = {
    "timezone": "UTC",
    # A server that cannot reach us any more is to let go of our locks.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


async def connect(url: str, name: str, *, statement_seconds: float | None = STATEMENT_SECONDS) -> asyncpg.Connection:
    """Open a connection that the server lists as `name`; `url` is as libpq reads it, with its options.

    Raises `Away` where nobody answers, and what the server says where it does not let us in.
    """
    try:
        return await asyncpg.connect(
            dsn=url,
            timeout=CONNECT_SECONDS,
            command_timeout=statement_seconds,
            server_settings={"application_name": name[:63], **_SESSION},
        )
    except OSError as error:
        raise Away(reason(error)) from error


def reading_engine(url: str, name: str, size: int) -> AsyncEngine:
    """Return an engine of `size` connections on which each transaction sees one snapshot and cannot write."""
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connect(url, name),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    )
    return _fit(engine)


def writing_engine(url: str, name: str) -> AsyncEngine:
    """Return an engine without a pool that leaves BEGIN and COMMIT to its user."""
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connect(url, name),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )
    return _fit(engine)


def migrating_engine(url: str) -> AsyncEngine:
    """Return an engine without a pool on which a statement may take as long as it takes."""
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connect(url, "rialto schema", statement_seconds=None),
        poolclass=NullPool,
    )
    return _fit(engine)


def where(url: str) -> str:
    """Return a database's address for people, without user, password and options."""
    parsed = make_url(url)
    host = parsed.host or str(parsed.query.get("host", "")) or "localhost"
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.database} at {host}{port}"


def _fit(engine: AsyncEngine) -> AsyncEngine:
    event.listen(engine.sync_engine, "before_cursor_execute", _before, retval=True)
    return engine


def _before(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
) -> tuple[str, Any]:
    if many:
        return statement, [without_nul(row) for row in parameters]
    return statement, without_nul(parameters)


def without_nul(row: Sequence[Any] | Mapping[str, Any] | None) -> Any:
    """Return a statement's values with U+FFFD in place of U+0000, which PostgreSQL has in no text."""
    if isinstance(row, tuple | list):
        for value in row:
            if type(value) is str and "\x00" in value:
                return tuple(_replaced(value) for value in row)
    return row


def _replaced(value: Any) -> Any:
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value
