"""Installations to measure: rooms with a linked Matrix chat, and people in them, put into a new database at once."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, insert

from bridge.model.clock import now_ms
from bridge.model.ids import MATRIX, WEB, LinkId, PersonId, RoomId
from bridge.model.people import Person
from bridge.model.rooms import Room
from bridge.store import schema
from bridge.store.tables import accounts, faces, links, memberships, people, rooms, sessions
from bridge.web.accounts import token_hash

SERVER = "localhost"


@dataclass(frozen=True, slots=True)
class Chat:
    """One linked room: its ID here, that of its chat, and the user IDs of those who are in it."""

    room: RoomId
    chat: str
    users: tuple[str, ...]


def populate(path: Path, *, room_count: int, person_count: int, members: int) -> list[Chat]:
    """Make a database at `path` with so many rooms, each linked to a ready Matrix chat and with so many Matrix
    people of all in it."""
    schema.upgrade(f"sqlite:///{path}")
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            return _fill(connection, room_count, person_count, members)
    finally:
        engine.dispose()


def _fill(connection: Connection, room_count: int, person_count: int, members: int) -> list[Chat]:
    at = now_ms()
    known = [
        (Person(PersonId(f"p{number:016}"), MATRIX, f"User {number}"), f"@user{number}:{SERVER}")
        for number in range(person_count)
    ]
    _insert_people(connection, [who for who, _ in known], at)
    connection.execute(
        insert(faces),
        [
            {
                "person": who.id,
                "network": MATRIX,
                "remote_id": user,
                "ghost": False,
                "registered": True,
                "device": False,
            }
            for who, user in known
        ],
    )
    chats: list[Chat] = []
    places: list[tuple[RoomId, Person]] = []
    for number in range(room_count):
        inside = [known[(number * members + place) % person_count] for place in range(members)]
        room = RoomId(f"r{number:016}")
        chats.append(Chat(room, f"!chat{number}:{SERVER}", tuple(user for _, user in inside)))
        places += [(room, who) for who, _ in inside]
    _insert_rooms(connection, chats, known[0][0].id, at)
    connection.execute(insert(memberships), list(_places(places)))
    return chats


def _insert_rooms(connection: Connection, chats: Iterable[Chat], creator: PersonId, at: int) -> None:
    made = [
        Room(chat.room, f"room-{number}", f"Room {number}", "", "", "public", creator, at)
        for number, chat in enumerate(chats)
    ]
    connection.execute(insert(rooms), [_room(room) for room in made])
    connection.execute(
        insert(links),
        [
            {
                "id": LinkId("l" + room.id[1:]),
                "room": room.id,
                "network": MATRIX,
                "chat": chat.chat,
                "state": "ready",
                "described": room.description,
                "created_at": at,
            }
            for room, chat in zip(made, chats, strict=True)
        ],
    )


def _insert_people(connection: Connection, who: Iterable[Person], at: int) -> None:
    rows = [{"id": one.id, "home": one.home, "name": one.name, "active": True, "created_at": at} for one in who]
    connection.execute(insert(people), rows)


def _room(room: Room) -> dict[str, object]:
    return {
        "id": room.id,
        "slug": room.slug,
        "name": room.name,
        "topic": "",
        "avatar": "",
        "access": room.access,
        "creator": room.creator,
        "created_at": room.created_at,
        "last_seq": 0,
    }


def _places(places: Iterable[tuple[RoomId, Person]]) -> Iterator[dict[str, object]]:
    for room, who in places:
        yield {
            "room": room,
            "person": who.id,
            "name": who.name,
            "shown": who.name,
            "avatar": "",
            "role": "member",
            "joined": True,
        }


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with an account, and a token that signs them in."""

    person: PersonId
    token: str


def gathering(path: Path, count: int) -> tuple[RoomId, list[Visitor]]:
    """Make a database at `path` with one room of so many people of the web, each signed in; no chat is linked."""
    schema.upgrade(f"sqlite:///{path}")
    engine = create_engine(f"sqlite:///{path}")
    at, room = now_ms(), RoomId("r-gathering")
    visitors = [Visitor(PersonId(f"p{number:016}"), secrets.token_urlsafe(32)) for number in range(count)]
    who = [Person(visitor.person, WEB, f"User {number}") for number, visitor in enumerate(visitors)]
    try:
        with engine.begin() as connection:
            _insert_people(connection, who, at)
            connection.execute(insert(accounts), [_account(number, one, at) for number, one in enumerate(visitors)])
            connection.execute(insert(sessions), [_session(number, one, at) for number, one in enumerate(visitors)])
            connection.execute(insert(rooms), [_room(Room(room, "gathering", "R", "", "", "public", who[0].id, at))])
            connection.execute(insert(memberships), list(_places((room, one) for one in who)))
    finally:
        engine.dispose()
    return room, visitors


def _account(number: int, visitor: Visitor, at: int) -> dict[str, object]:
    return {
        "id": f"a{number:016}",
        "person": visitor.person,
        "name": f"user{number}",
        "skeleton": f"user{number}",
        "password": "",
        "kind": "full",
        "admin": number == 0,
        "active": True,
        "created_at": at,
    }


def _session(number: int, visitor: Visitor, at: int) -> dict[str, object]:
    return {
        "token_hash": token_hash(visitor.token),
        "id": f"s{number:016}",
        "account": f"a{number:016}",
        "created_at": at,
        "used_at": at,
    }


def look(path: Path, question: str) -> int:
    """Return the one number that a question to a database has for an answer, seen from outside."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        (found,) = connection.execute(question).fetchone()
    return int(found or 0)
