"""Small binary objects, named by the hash of their bytes (avatars)."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from bridge.model.clock import now_ms
from bridge.store.tables import blobs
from bridge.store.upsert import insert_or_ignore

REFERENCE = "blob:"
"""Begins the reference of a blob in `avatar` columns; its ID follows."""


class Blob(msgspec.Struct, frozen=True):
    """Bytes with their media type; `remote` is the network's name for an uploaded copy, if there is one."""

    id: str
    media_type: str
    data: bytes
    remote: str | None = None


def put(connection: Connection, blob: Blob) -> None:
    """Keep a blob; one with the same ID stays as it is."""
    insert_or_ignore(
        connection,
        blobs,
        [{"id": blob.id, "media_type": blob.media_type, "data": blob.data, "created_at": now_ms()}],
    )


def get(connection: Connection, blob: str) -> Blob | None:
    """Return a blob, or None."""
    row: Row[Any] | None = connection.execute(select(blobs).where(blobs.c.id == blob)).one_or_none()
    return None if row is None else Blob(row.id, row.media_type, row.data, row.remote)


def set_remote(connection: Connection, blob: str, remote: str) -> None:
    """Remember where a copy was uploaded to."""
    connection.execute(update(blobs).where(blobs.c.id == blob).values(remote=remote))
