"""Rows that other rows need: a person, a room, a link."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from bridge.model.events import Content, Event, Origin, Said
from bridge.model.ids import MATRIX, WEB, EventId, LinkId, PersonId, RoomId
from bridge.model.people import Person
from bridge.model.rooms import Link, Room
from bridge.store import log, people, rooms
from bridge.store.database import Database

ANNA, BELA = PersonId("p-anna"), PersonId("p-bela")
ROOM, OTHER = RoomId("r1"), RoomId("r2")
LINK = Link(LinkId("l1"), ROOM, MATRIX, "!chat", "ready")
OTHER_LINK = Link(LinkId("l2"), OTHER, MATRIX, "!other", "ready")


async def furnish(db: Database) -> None:
    """Put two people and two linked rooms there."""

    def unit(connection: Connection) -> None:
        for person, name in ((ANNA, "Anna"), (BELA, "Bela")):
            people.add(connection, Person(person, WEB, name))
        for room, link in ((ROOM, LINK), (OTHER, OTHER_LINK)):
            rooms.create(connection, Room(room, room, room, "", "", "public", ANNA, 0), [link])

    await db.write(unit)


def event(
    seq: int, content: Content | None = None, *, room: RoomId = ROOM, origin: Origin | None = None, who: PersonId = ANNA
) -> Event:
    """An event called `e<seq>` (in the other room `r2e<seq>`)."""
    name = f"e{seq}" if room == ROOM else f"{room}e{seq}"
    return Event(EventId(name), room, who, seq, origin or Origin(WEB, room, name), content or Said(f"line {seq}"))


async def fill(db: Database, *happened: tuple[Event, int, int | None]) -> None:
    """Append events with their numbers and their targets'."""
    await db.write(lambda c: log.append(c, happened))


async def lines(db: Database, count: int, *, room: RoomId = ROOM) -> None:
    """Append so many lines, numbered from 1."""
    await fill(db, *((event(seq, room=room), seq, None) for seq in range(1, count + 1)))
    await asyncio.sleep(0)
