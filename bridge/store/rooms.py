"""Rows of rooms, places in them, and links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bridge.model.ids import LinkId, NetworkId, PersonId, RoomId
from bridge.model.people import Member, Role
from bridge.model.rooms import Link, Room
from bridge.store.tables import events, links, memberships, people, rooms
from bridge.store.upsert import insert_or_update


def _room(row: Row[Any]) -> Room:
    return Room(
        id=row.id,
        slug=row.slug,
        name=row.name,
        topic=row.topic,
        avatar=row.avatar,
        access=row.access,
        creator=row.creator,
        created_at=row.created_at,
        last_seq=row.last_seq,
        history=row.history,
        slow_seconds=row.slow_seconds,
        direct=row.direct,
        archived_at=row.archived_at,
        deleted_at=row.deleted_at,
    )


def _link(row: Row[Any]) -> Link:
    return Link(
        id=row.id,
        room=row.room,
        network=row.network,
        chat=row.chat or "",
        state=row.state,
        described=row.described,
    )


def create(connection: Connection, room: Room, new_links: Sequence[Link]) -> None:
    """Insert a room with its links; raise `IntegrityError` where the slug is taken."""
    connection.execute(
        insert(rooms),
        {
            "id": room.id,
            "slug": room.slug,
            "name": room.name,
            "topic": room.topic,
            "avatar": room.avatar,
            "access": room.access,
            "history": room.history,
            "slow_seconds": room.slow_seconds,
            "direct": room.direct,
            "creator": room.creator,
            "created_at": room.created_at,
            "last_seq": 0,
        },
    )
    for link in new_links:
        connection.execute(
            insert(links),
            {
                "id": link.id,
                "room": link.room,
                "network": link.network,
                "chat": link.chat or None,
                "state": link.state,
                "described": link.described,
                "created_at": room.created_at,
            },
        )


def get(connection: Connection, room: RoomId) -> Room | None:
    """Return the room, or None."""
    row = connection.execute(select(rooms).where(rooms.c.id == room)).one_or_none()
    return None if row is None else _room(row)


def by_slug(connection: Connection, slug: str) -> Room | None:
    """Return the room with this slug, or None."""
    row = connection.execute(select(rooms).where(rooms.c.slug == slug)).one_or_none()
    return None if row is None else _room(row)


def visible_to(connection: Connection, person: PersonId | None) -> list[tuple[Room, Role | None]]:
    """Return every room that the person may see (public, or joined) with their role where it is joined, by name.

    None sees every room, joined in none (for the operator).
    """
    place = memberships.alias()
    joined = func.coalesce(place.c.joined, False)
    statement = (
        select(rooms, joined.label("here"), place.c.role)
        .outerjoin(place, (place.c.room == rooms.c.id) & (place.c.person == (person or "")))
        .order_by(func.lower(rooms.c.name), rooms.c.id)
    )
    if person is not None:
        statement = statement.where((rooms.c.access == "public") | joined.is_(True))
    return [(_room(row), row.role if row.here else None) for row in connection.execute(statement)]


def joined_by(connection: Connection, person: PersonId) -> list[RoomId]:
    """Return the rooms that a person is in."""
    statement = select(memberships.c.room).where(memberships.c.person == person, memberships.c.joined.is_(True))
    return [RoomId(room) for room in connection.scalars(statement)]


def is_joined(connection: Connection, link: LinkId, person: PersonId) -> bool:
    """Tell whether a person is in the room of a link."""
    statement = (
        select(memberships.c.joined)
        .join(links, links.c.room == memberships.c.room)
        .where(links.c.id == link, memberships.c.person == person)
    )
    return bool(connection.scalar(statement))


def members_of(connection: Connection, room: RoomId) -> list[Member]:
    """Return everyone who is or was in the room."""
    statement = (
        select(memberships, people.c.home)
        .join(people, people.c.id == memberships.c.person)
        .where(memberships.c.room == room)
    )
    return [
        Member(
            person=row.person,
            home=row.home,
            name=row.name,
            shown=row.shown,
            avatar=row.avatar,
            role=row.role,
            joined=row.joined,
            joined_seq=row.joined_seq,
        )
        for row in connection.execute(statement)
    ]


def member_counts(connection: Connection) -> dict[RoomId, int]:
    """Return how many people are in each room; a room without anyone is left out."""
    statement = (
        select(memberships.c.room, func.count())
        .where(memberships.c.joined.is_(True))
        .group_by(memberships.c.room)
    )
    return {RoomId(room): number for room, number in connection.execute(statement)}


def links_by_room(connection: Connection) -> dict[RoomId, list[Link]]:
    """Return all links, by room."""
    found: dict[RoomId, list[Link]] = {}
    for row in connection.execute(select(links).order_by(links.c.created_at, links.c.id)):
        found.setdefault(RoomId(row.room), []).append(_link(row))
    return found


def links_of(connection: Connection, room: RoomId) -> list[Link]:
    """Return the room's links."""
    return [_link(row) for row in connection.execute(select(links).where(links.c.room == room))]


def all_links(connection: Connection, network: NetworkId) -> list[Link]:
    """Return every link to one network, newest activity first."""
    newest = (
        select(events.c.room, func.max(events.c.stored_at).label("newest")).group_by(events.c.room).subquery()
    )
    statement = (
        select(links)
        .outerjoin(newest, newest.c.room == links.c.room)
        .where(links.c.network == network)
        .order_by(newest.c.newest.desc().nulls_last(), links.c.created_at.desc())
    )
    return [_link(row) for row in connection.execute(statement)]


def by_chat(connection: Connection, network: NetworkId, chat: str) -> Link | None:
    """Return the link to a chat, or None."""
    row = connection.execute(select(links).where(links.c.network == network, links.c.chat == chat)).one_or_none()
    return None if row is None else _link(row)


def save_room(connection: Connection, room: Room) -> None:
    """Write what may change in a room."""
    connection.execute(
        update(rooms)
        .where(rooms.c.id == room.id)
        .values(
            name=room.name,
            topic=room.topic,
            avatar=room.avatar,
            access=room.access,
            history=room.history,
            slow_seconds=room.slow_seconds,
            archived_at=room.archived_at,
            deleted_at=room.deleted_at,
            last_seq=room.last_seq,
        )
    )


def save_members(connection: Connection, room: RoomId, places: Iterable[Member]) -> None:
    """Write the given places in a room."""
    insert_or_update(
        connection,
        memberships,
        [
            {
                "room": room,
                "person": place.person,
                "name": place.name,
                "shown": place.shown,
                "avatar": place.avatar,
                "role": place.role,
                "joined": place.joined,
                "joined_seq": place.joined_seq,
            }
            for place in places
        ],
        update=("name", "shown", "avatar", "role", "joined", "joined_seq"),
    )


def save_link(connection: Connection, link: Link) -> None:
    """Write what may change in a link."""
    connection.execute(
        update(links)
        .where(links.c.id == link.id)
        .values(chat=link.chat or None, state=link.state, described=link.described)
    )


def set_described(connection: Connection, link: LinkId, description: str) -> None:
    """Remember which description a link's chat shows."""
    connection.execute(update(links).where(links.c.id == link).values(described=description))


def move_described(connection: Connection, link: LinkId, before: str, after: str) -> None:
    """Note that a chat which shows the description `before` shows `after` now; one that shows another (something
    of ours has not reached it yet) is left to be written."""
    connection.execute(update(links).where(links.c.id == link, links.c.described == before).values(described=after))


def link(connection: Connection, wanted: LinkId) -> Link | None:
    """Return a link, or None."""
    row = connection.execute(select(links).where(links.c.id == wanted)).one_or_none()
    return None if row is None else _link(row)
