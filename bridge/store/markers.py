"""Read markers, and how much of each room a person has not read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, case, func, literal, select

from bridge.model.ids import PersonId, RoomId
from bridge.store.tables import events, markers, memberships, mentions, rooms
from bridge.store.upsert import insert_or_update

MOST = 100
"""Counts are exact below this, and end here."""


class Badge(msgspec.Struct, frozen=True):
    """How far a person has read a room: the last number of its log, the number of the last entry that was read, and
    how many lines of others, and how many that mention the person, came after it; `MOST` stands for that or more."""

    room: RoomId
    last_seq: int
    marker: int
    unread: int
    mentions: int


def badges(connection: Connection, person: PersonId, wanted: Collection[RoomId] | None = None) -> list[Badge]:
    """Return the badges of the rooms that a person is in: of all, or of those that are wanted."""
    place = _places(person, wanted).subquery()
    unread = (
        select(literal(1))
        .where(events.c.room == place.c.room, events.c.seq > place.c.marker, events.c.kind == "said")
        .where(events.c.who != person, events.c.removed_at.is_(None))
    )
    mentioned = select(literal(1)).where(
        mentions.c.person == person, mentions.c.room == place.c.room, mentions.c.seq > place.c.marker
    )
    counts = select(
        place, _upto_most(unread, place).label("unread"), _upto_most(mentioned, place).label("mentions")
    )
    return [
        Badge(RoomId(row.room), row.last_seq, row.marker, row.unread, row.mentions)
        for row in connection.execute(counts)
    ]


def mark(connection: Connection, person: PersonId, room: RoomId, seq: int, at: int, *, back: bool) -> Badge | None:
    """Set a person's marker to `seq`, or to the end of the log where that comes before; return the badge then.

    A marker that is further stays, unless it may go `back`. None where the person is not in the room.
    """
    before = badges(connection, person, [room])
    if not before:
        return None
    wished = min(seq, before[0].last_seq)
    if wished > before[0].marker or (back and wished < before[0].marker):
        insert_or_update(
            connection,
            markers,
            [{"person": person, "room": room, "seq": wished, "at": at}],
            update=("seq", "at"),
        )
        return badges(connection, person, [room])[0]
    return before[0]


def _places(person: PersonId, wanted: Collection[RoomId] | None) -> Select[Any]:
    """Select the rooms that a person is in, with the marker; who came in later has read what was before."""
    read = func.coalesce(markers.c.seq, 0)
    marker = case((read > memberships.c.joined_seq, read), else_=memberships.c.joined_seq)
    statement = (
        select(memberships.c.room, rooms.c.last_seq, marker.label("marker"))
        .join(rooms, rooms.c.id == memberships.c.room)
        .outerjoin(markers, (markers.c.person == memberships.c.person) & (markers.c.room == memberships.c.room))
        .where(memberships.c.person == person, memberships.c.joined.is_(True))
    )
    return statement if wanted is None else statement.where(memberships.c.room.in_(wanted))


def _upto_most(rows: Select[Any], place: Any) -> Any:
    """Return how many rows there are, as far as counted, for each row of `place`."""
    few = rows.limit(MOST).correlate(place).subquery()
    return select(func.count()).select_from(few).correlate(place).scalar_subquery()
