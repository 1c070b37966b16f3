"""Rows of rooms, places in them, and links."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, or_, select, update

from bridge.model.clock import now_ms
from bridge.model.ids import LinkId, NetworkId, PersonId, RoomId
from bridge.model.people import Member, Role
from bridge.model.rooms import Link, Room
from bridge.store.bulk import update_rows
from bridge.store.tables import accounts, events, invites, links, markers, memberships, mentions, people, rooms
from bridge.store.upsert import insert_or_update

_CHANGING = (
    *("id", "name", "topic", "avatar", "access", "history"),
    *("slow_seconds", "archived_at", "deleted_at", "last_seq"),
)


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
        federate=row.federate,
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
        add_link(connection, link)


def add_link(connection: Connection, link: Link) -> None:
    """Insert a link."""
    connection.execute(
        insert(links),
        {
            "id": link.id,
            "room": link.room,
            "network": link.network,
            "chat": link.chat or None,
            "state": link.state,
            "described": link.described,
            "federate": link.federate,
            "created_at": now_ms(),
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


def everything(connection: Connection) -> list[Room]:
    """Return every room that is not deleted, by name (for the operator)."""
    statement = select(rooms).where(rooms.c.deleted_at.is_(None))
    return _by_name(connection, statement)


def of_person(connection: Connection, person: PersonId) -> list[Room]:
    """Return the rooms that a person is in, by name."""
    statement = (
        select(rooms)
        .join(memberships, memberships.c.room == rooms.c.id)
        .where(memberships.c.person == person, memberships.c.joined.is_(True), rooms.c.deleted_at.is_(None))
    )
    return _by_name(connection, statement)


def places_of(connection: Connection, person: PersonId) -> list[tuple[Room, Member]]:
    """Return the rooms that a person is in, with their place in each."""
    own = _members().where(memberships.c.person == person, memberships.c.joined.is_(True))
    members = {row.room: _member(row) for row in connection.execute(own)}
    return [(room, members[room.id]) for room in of_person(connection, person) if room.id in members]


def _by_name(connection: Connection, statement: Select[Any]) -> list[Room]:
    # Sorted here: what order a PostgreSQL database has depends on how it was made.
    found = [_room(row) for row in connection.execute(statement)]
    return sorted(found, key=lambda room: (room.name.casefold(), room.id))


def directory(
    connection: Connection, *, query: str = "", after: RoomId | None = None, limit: int = 50
) -> list[Room]:
    """Return up to `limit` rooms that everybody may come into, by name, from the one after `after` on; with `query`
    only those whose name, topic or slug holds it. Archived rooms are left out."""
    key = func.lower(rooms.c.name)
    statement = select(rooms).where(
        rooms.c.access == "public", rooms.c.archived_at.is_(None), rooms.c.deleted_at.is_(None)
    )
    if query:
        statement = statement.where(or_(*(_holds(each, query) for each in (rooms.c.name, rooms.c.topic, rooms.c.slug))))
    if after is not None:
        last = connection.scalar(select(key).where(rooms.c.id == after))
        if last is None:
            return []
        statement = statement.where(_beyond(key, rooms.c.id, last, after))
    return [_room(row) for row in connection.execute(statement.order_by(key, rooms.c.id).limit(limit))]


def direct(connection: Connection, key: str) -> Room | None:
    """Return the direct conversation of the two people of `key`, or None."""
    row = connection.execute(select(rooms).where(rooms.c.direct == key)).one_or_none()
    return None if row is None else _room(row)


def roles_of(connection: Connection, person: PersonId, wanted: Collection[RoomId]) -> dict[RoomId, Role]:
    """Return a person's role in those of these rooms that they are in."""
    statement = select(memberships.c.room, memberships.c.role).where(
        memberships.c.person == person, memberships.c.joined.is_(True), memberships.c.room.in_(list(wanted))
    )
    return {RoomId(row.room): row.role for row in connection.execute(statement)}


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
    return [_member(row) for row in connection.execute(_members().where(memberships.c.room == room))]


def _members() -> Select[Any]:
    return (
        select(memberships, people.c.home, accounts.c.kind)
        .join(people, people.c.id == memberships.c.person)
        .outerjoin(accounts, accounts.c.person == memberships.c.person)
    )


def _member(row: Row[Any]) -> Member:
    return Member(
        person=row.person,
        home=row.home,
        name=row.name,
        shown=row.shown,
        avatar=row.avatar,
        role=row.role,
        joined=row.joined,
        joined_seq=row.joined_seq,
        guest=row.kind == "guest",
    )


def members_among(connection: Connection, room: RoomId, wanted: Collection[PersonId]) -> list[Member]:
    """Return those of some people who are or were in the room."""
    statement = _members().where(memberships.c.room == room, memberships.c.person.in_(list(wanted)))
    return [_member(row) for row in connection.execute(statement)]


def search_members(
    connection: Connection, room: RoomId, *, query: str = "", after: PersonId | None = None, limit: int = 50
) -> list[Member]:
    """Return up to `limit` people who are in a room by the name that they are shown under, from the one after
    `after` on; with `query` only those whose name holds it."""
    key = func.lower(memberships.c.shown)
    statement = _members().where(memberships.c.room == room, memberships.c.joined.is_(True))
    if query:
        statement = statement.where(_holds(memberships.c.shown, query))
    if after is not None:
        last = connection.scalar(select(key).where(memberships.c.room == room, memberships.c.person == after))
        if last is None:
            return []
        statement = statement.where(_beyond(key, memberships.c.person, last, after))
    return [_member(row) for row in connection.execute(statement.order_by(key, memberships.c.person).limit(limit))]


def _holds(column: ColumnElement[str], query: str) -> ColumnElement[bool]:
    """Return the condition that a text holds `query`. SQLite knows the case of ASCII letters only: others are found
    as they are written."""
    return func.lower(column).contains(query.lower(), autoescape=True) | column.contains(query, autoescape=True)


def _beyond(key: ColumnElement[str], id: ColumnElement[str], last: str, after: str) -> ColumnElement[bool]:
    """Return the condition of what comes after a row, where rows are sorted by `key` and then `id`."""
    return (key > last) | ((key == last) & (id > after))


def member_counts(connection: Connection, wanted: Collection[RoomId] | None = None) -> dict[RoomId, int]:
    """Return how many people are in each of these rooms (of all); a room without anyone is left out."""
    statement = (
        select(memberships.c.room, func.count())
        .where(memberships.c.joined.is_(True))
        .group_by(memberships.c.room)
    )
    if wanted is not None:
        statement = statement.where(memberships.c.room.in_(list(wanted)))
    return {RoomId(room): number for room, number in connection.execute(statement)}


def links_by_room(connection: Connection, wanted: Collection[RoomId] | None = None) -> dict[RoomId, list[Link]]:
    """Return the links of these rooms (of all), by room."""
    found: dict[RoomId, list[Link]] = {}
    statement = select(links).order_by(links.c.created_at, links.c.id)
    if wanted is not None:
        statement = statement.where(links.c.room.in_(list(wanted)))
    for row in connection.execute(statement):
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


def save_rooms(connection: Connection, changed: Sequence[Room]) -> None:
    """Write what may change in rooms."""
    update_rows(connection, rooms, _CHANGING, [tuple(getattr(room, name) for name in _CHANGING) for room in changed])


def empty(connection: Connection, room: RoomId) -> None:
    """Let nobody be in a room any more."""
    connection.execute(
        update(memberships).where(memberships.c.room == room, memberships.c.joined.is_(True)).values(joined=False)
    )


def unerased(connection: Connection) -> list[RoomId]:
    """Return the deleted rooms of which something is left to erase: a room's name goes last."""
    statement = select(rooms.c.id).where(rooms.c.deleted_at.is_not(None), rooms.c.name != "")
    return [RoomId(room) for room in connection.scalars(statement)]


def erase(connection: Connection, room: RoomId) -> None:
    """Erase what a deleted room was called and who was in it; its ID and its slug stay taken."""
    for table in (mentions, markers, invites, memberships):
        connection.execute(delete(table).where(table.c.room == room))
    connection.execute(update(links).where(links.c.room == room).values(described=""))
    connection.execute(update(rooms).where(rooms.c.id == room).values(name="", topic="", avatar=""))


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
