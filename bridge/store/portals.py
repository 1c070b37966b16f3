"""Portals: which Matrix room and alias a link has, committed before the homeserver is asked for them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update

from bridge.model.ids import LinkId
from bridge.model.rooms import Portal
from bridge.store.tables import portals
from bridge.store.upsert import insert_or_ignore


def _portal(row: Row[Any]) -> Portal:
    return Portal(link=row.link, room=row.room, alias=row.alias, room_id=row.room_id)


def ensure(connection: Connection, portal: Portal) -> Portal:
    """Insert the portal unless its link has one; return what there is."""
    insert_or_ignore(
        connection,
        portals,
        [{"link": portal.link, "room": portal.room, "alias": portal.alias, "room_id": portal.room_id}],
    )
    return _portal(connection.execute(select(portals).where(portals.c.link == portal.link)).one())


def get(connection: Connection, link: LinkId) -> Portal | None:
    """Return a link's portal, or None."""
    row = connection.execute(select(portals).where(portals.c.link == link)).one_or_none()
    return None if row is None else _portal(row)


def set_room_id(connection: Connection, link: LinkId, room_id: str) -> None:
    """Remember which Matrix room the portal is."""
    connection.execute(update(portals).where(portals.c.link == link).values(room_id=room_id))
