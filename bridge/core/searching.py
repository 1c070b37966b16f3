"""Searching as people do it: their words become a query, and nothing is found that they may not read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from bridge.core import rights
from bridge.core.ports import Line
from bridge.core.surroundings import as_member
from bridge.model.errors import Refused
from bridge.model.ids import LinkId, NetworkId, PersonId, RoomId
from bridge.model.search import Asked, Found
from bridge.store import outbox, people, rooms, search
from bridge.store.database import Database
from bridge.text.words import query, says


class Readers(Protocol):
    """Who may read what; the hub knows."""

    async def reads_from(self, room: RoomId, person: PersonId | None) -> int:
        """Return the first number of a room's log that a person may read; raise `Refused` where that is nothing."""
        ...


class Hits(msgspec.Struct, frozen=True):
    """A page of lines, newest first, with the networks of the links in them; `next` is where the following page
    begins, None where there is none."""

    lines: list[Line]
    networks: dict[LinkId, NetworkId]
    next: int | None = None


class Search:
    """Finds lines for a person."""

    def __init__(self, db: Database, readers: Readers) -> None:
        self._db = db
        self._readers = readers

    async def find(
        self,
        person: PersonId,
        text: str,
        *,
        room: RoomId | None = None,
        who: PersonId | None = None,
        link: bool = False,
        below: int | None = None,
        limit: int = 20,
    ) -> Hits:
        """Return the newest lines with these words: in a room that the person may read, or in all that they are in.

        `who` wrote them, `link` tells that they have a link, `below` where the page before ended. Raises `Refused`
        where there is nothing to look for, and for a room that is not the person's to read.
        """
        parts = query(text)
        if not parts:
            raise Refused("nothing_to_find", "Search for words: there are no letters or digits in this.", field="q")
        scope = await self._scope(person, room)
        asked = Asked(parts, scope, who=who, link=link, below=below)

        def unit(connection: Connection) -> Hits:
            # The rooms are not woken for this, however many there are: all is read from the tables.
            return _as_lines(connection, search.find(connection, asked, limit, partial(says, asked)))

        return await self._db.read(unit)

    async def _scope(self, person: PersonId, room: RoomId | None) -> Mapping[RoomId, int]:
        if room is not None:
            return {room: await self._readers.reads_from(room, person)}
        places = await self._db.read(lambda connection: rooms.places_of(connection, person))
        firsts = {room.id: rights.reads_from(room, member) for room, member in places}
        return {room: first for room, first in firsts.items() if first is not None}


def _as_lines(connection: Connection, found: Found) -> Hits:
    by_room: dict[RoomId, list[int]] = {}
    for hit in found.hits:
        by_room.setdefault(hit.event.room, []).append(hit.seq)
    authors = {hit.event.who for hit in found.hits}
    lines: list[Line] = []
    members, deliveries = {}, {}
    for room, numbers in by_room.items():
        members.update({(room, member.person): member for member in rooms.members_among(connection, room, authors)})
        deliveries.update({(room, seq): d for seq, d in outbox.of_events(connection, room, numbers).items()})
    known = people.get_many(connection, authors)
    for hit in found.hits:
        room, who = hit.event.room, hit.event.who
        author = members.get((room, who)) or as_member(who, known.get(who))
        lines.append(Line(hit, author, deliveries.get((room, hit.seq), [])))
    links = rooms.links_by_room(connection, by_room.keys())
    return Hits(lines, {link.id: link.network for each in links.values() for link in each}, found.next)
