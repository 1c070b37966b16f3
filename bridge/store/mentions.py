"""Which lines mean whom among the people of the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, literal, select

from bridge.model.ids import WEB, PersonId, RoomId
from bridge.store.tables import accounts, memberships, mentions, people
from bridge.store.upsert import insert_or_ignore


def add(connection: Connection, room: RoomId, meant: Iterable[tuple[int, PersonId]]) -> None:
    """Note who is meant by which line."""
    insert_or_ignore(connection, mentions, [{"person": person, "room": room, "seq": seq} for seq, person in meant])


def add_everybody(connection: Connection, room: RoomId, seq: int, but: PersonId) -> None:
    """Note that a line means everybody of the page who is in the room, `but` its author."""
    meant = (
        select(memberships.c.person, literal(room), literal(seq))
        .join(people, people.c.id == memberships.c.person)
        .where(memberships.c.room == room, memberships.c.joined.is_(True), memberships.c.person != but)
        .where(people.c.home == WEB)
    )
    connection.execute(insert(mentions).from_select(["person", "room", "seq"], meant))


def drop(connection: Connection, room: RoomId, numbers: Sequence[int]) -> None:
    """Note that lines mean nobody any more."""
    connection.execute(delete(mentions).where(mentions.c.room == room, mentions.c.seq.in_(numbers)))


def logins_in(connection: Connection, room: RoomId) -> dict[PersonId, str]:
    """Return the login names of those who are in a room, of each who has one."""
    statement = (
        select(accounts.c.person, accounts.c.name)
        .join(memberships, memberships.c.person == accounts.c.person)
        .where(memberships.c.room == room, memberships.c.joined.is_(True))
    )
    return {PersonId(row.person): row.name for row in connection.execute(statement)}
