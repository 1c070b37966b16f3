"""How rooms come to be: made by somebody, found as the one conversation of two people, shown on other networks."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bridge.core.decide_settings import NAME_CHARS, SLOW_MOST, TOPIC_CHARS
from bridge.core.items import LinkAdd
from bridge.core.native.desk import Desk
from bridge.core.rights import refusal, standing
from bridge.model.clock import now_ms
from bridge.model.errors import Refused
from bridge.model.events import Event, Joined, Origin, Told
from bridge.model.ids import RIALTO, WEB, PersonId, RoomId, new_event_id, new_id, new_link_id, new_room_id
from bridge.model.rooms import Access, History, Link, Room, direct_key
from bridge.store import rooms
from bridge.text.names import clean
from bridge.text.slugs import slugify

OPENING_SECONDS = 15.0


class Founding:
    """Makes rooms and their links."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._hub = desk.hub

    async def found_room(
        self,
        name: str,
        creator: PersonId,
        *,
        topic: str = "",
        access: Access = "public",
        history: History = "all",
        slow_seconds: int = 0,
        mirror: bool | None = None,
        federate: bool = True,
    ) -> Room:
        """Make a room with its maker in it; its chats on other networks can be joined when this returns, unless a
        network is away for longer.

        `mirror` None shows public rooms on other networks where the operator wants that, True asks for it for an
        invite-only room too, False for no room. `federate` False keeps people of other servers out of these chats.
        """
        cleaned = clean(name, limit=NAME_CHARS)
        if not cleaned:
            raise Refused("empty_name", "Give the room a name.", field="name")
        if len(topic) > TOPIC_CHARS:
            raise Refused("topic_too_long", f"A topic may have {TOPIC_CHARS} characters.", field="topic")
        if not 0 <= slow_seconds <= SLOW_MOST:
            raise Refused("bad_field", f"slow_seconds must be from 0 to {SLOW_MOST}.", field="slow_seconds")
        if access == "direct":
            raise Refused("bad_field", "access must be public or invite.", field="access")
        if await self._desk.is_guest(creator):
            raise _no_guests()
        room = Room(
            id=new_room_id(),
            slug="",
            name=cleaned,
            topic=topic.strip(),
            avatar="",
            access=access,
            creator=creator,
            created_at=now_ms(),
            history=history,
            slow_seconds=slow_seconds,
        )
        links = [] if mirror is False else self._links(room, asked=mirror is True, federate=federate)
        room = await self._insert(room, links)
        who = await self._desk.person(creator)
        await self._desk.submit(room.id, creator, Joined(who.name, who.avatar), new_id("join-"))
        await self._hub.open_links(links, seconds=OPENING_SECONDS)
        return room

    def _links(self, room: Room, *, asked: bool, federate: bool) -> list[Link]:
        hosts = self._hub.hosts(room, asked=asked)
        if asked and not hosts:
            raise Refused("no_mirror", "This server shows no rooms on other networks.", field="mirror", status=409)
        return [Link(id=new_link_id(), room=room.id, network=network, federate=federate) for network in hosts]

    async def _insert(self, room: Room, links: list[Link]) -> Room:
        """Insert the room under the first free slug made of its name."""
        wished = slugify(room.name)
        slugs = [wished, f"{wished}-2", f"{wished}-3"] if wished else []
        for slug in [*slugs, *(new_id(f"{wished}-" if wished else "room-")[-40:].lstrip("-") for _ in range(3))]:
            made = msgspec.structs.replace(room, slug=slug)
            try:
                await self._hub.db.write(_creating(made, links))
            except IntegrityError:
                continue
            return made
        raise Refused("busy", "No alias was free for the room: try again.", status=503)

    async def mirror(self, room: RoomId, person: PersonId, *, federate: bool = True) -> None:
        """Show a room on the other networks from now on; what was said before is not sent there. A room that is
        there already stays as it is."""
        shown, members = await self._desk.room(room)
        who = standing(members.get(person))
        if (against := refusal("configure", who, shown, admin=await self._hub.is_admin(person))) is not None:
            raise against
        for link in self._links(shown, asked=True, federate=federate):
            told = Event(
                id=new_event_id(),
                room=room,
                who=self._hub.people.bot,
                at=now_ms(),
                origin=Origin(RIALTO, room, f"mirrored:{link.id}"),
                content=Told("mirrored", {"network": link.network}),
            )
            placed = await self._desk.send(room, LinkAdd(link, person, told))
            if placed.fresh:
                await self._hub.open_links([link], seconds=OPENING_SECONDS)

    async def direct(self, person: PersonId, other: PersonId) -> Room:
        """Return the one conversation of two people with accounts here, which is made where it is missing; who asks
        is in it afterwards, and the other too unless they have left it."""
        if person == other:
            raise Refused("bad_field", "Choose somebody else to write to.", field="person")
        if await self._desk.is_guest(person):
            raise _no_guests()
        whom = await self._hub.people.get(other)
        if whom is None or whom.home != WEB or not whom.active or await self._desk.is_guest(other):
            raise Refused(
                "no_such_person", "Only people with an account here can be written to.", field="person", status=404
            )
        room = await self._direct_room(direct_key(person, other), person)
        _, members = await self._desk.room(room.id)
        for each in (person, other):
            member = members.get(each)
            if member is None or (each == person and not member.joined):
                who = await self._desk.person(each)
                await self._desk.submit(room.id, each, Joined(who.name, who.avatar), new_id("join-"), admitted=True)
        return room

    async def _direct_room(self, key: str, creator: PersonId) -> Room:
        def find(connection: Connection) -> Room | None:
            return rooms.direct(connection, key)

        for _ in range(3):
            if (found := await self._hub.db.read(find)) is not None:
                return found
            made = Room(
                id=new_room_id(),
                slug=new_id("direct-"),
                name="",
                topic="",
                avatar="",
                access="direct",
                creator=creator,
                created_at=now_ms(),
                direct=key,
            )
            try:
                await self._hub.db.write(_creating(made, []))
            except IntegrityError:
                # The other one was quicker.
                continue
            return made
        raise Refused("busy", "The conversation could not be made: try again.", status=503)


def _no_guests() -> Refused:
    return Refused("no_guests", "Guests may not do this: make an account first.", status=403)


def _creating(room: Room, links: list[Link]) -> Callable[[Connection], None]:
    return lambda connection: rooms.create(connection, room, links)
