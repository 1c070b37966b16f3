"""What people do in the rooms themselves: found a room, come in, speak, leave, change a name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bridge.core.decide import NAME_CHARS, TEXT_BYTES, TOPIC_CHARS
from bridge.core.hub import Hub
from bridge.core.items import Dropped, Failed, Placed, Submission
from bridge.model.clock import now_ms
from bridge.model.errors import Refused
from bridge.model.events import Content, Described, Edited, Event, Joined, Left, Origin, Profiled, Removed, Said, Style
from bridge.model.ids import WEB, EventId, PersonId, RoomId, new_event_id, new_id, new_link_id, new_room_id
from bridge.model.people import Person
from bridge.model.rooms import Link, Room
from bridge.store import log, people, rooms
from bridge.text.markdown import to_html
from bridge.text.names import clean
from bridge.text.slugs import slugify

PERSON_NAME_CHARS = 64
IN_PLACE_CHARS = 500
OPENING_SECONDS = 15.0


class Native:
    """The rooms' own face, used by the page, the API and the commands; every refusal is a `Refused`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def found_room(self, name: str, creator: PersonId, *, topic: str = "", public: bool = True) -> Room:
        """Make a room with its maker in it; its chats on other networks can be joined when this returns,
        unless a network is away for longer."""
        cleaned = clean(name, limit=NAME_CHARS)
        if not cleaned:
            raise Refused("empty_name", "Give the room a name.", field="name")
        if len(topic) > TOPIC_CHARS:
            raise Refused("topic_too_long", f"A topic may have {TOPIC_CHARS} characters.", field="topic")
        room = Room(
            id=new_room_id(),
            slug="",
            name=cleaned,
            topic=topic.strip(),
            avatar="",
            access="public" if public else "invite",
            creator=creator,
            created_at=now_ms(),
        )
        hosts = self._hub.hosts(room)
        links = [Link(id=new_link_id(), room=room.id, network=network) for network in hosts]
        room = await self._insert(room, links)
        await self.join(room.id, creator)
        await self._hub.open_links(links, seconds=OPENING_SECONDS)
        return room

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

    async def join(self, room: RoomId, person: PersonId) -> None:
        """Bring a person into a room; someone who is there already stays."""
        who = await self._person(person)
        actor_member = await self._hub.member(room, person)
        if actor_member is not None and actor_member.joined:
            return
        await self._submit(room, person, Joined(who.name, who.avatar), new_id("join-"))

    async def leave(self, room: RoomId, person: PersonId) -> None:
        """Take a person out of a room."""
        await self._submit(room, person, Left(), new_id("left-"))

    async def say(
        self, room: RoomId, person: PersonId, text: str, *, style: Style = "text", client_id: str | None = None
    ) -> Placed:
        """Write a line; the same `client_id` from the same person in the same room is the same line for ever."""
        key = f"{person}:{client_id}" if client_id is not None else new_id("said-")
        content = Said(text=text, html=await _formatted(text), style=style)
        return await self._submit(room, person, content, key)

    async def edit(
        self,
        room: RoomId,
        person: PersonId,
        target: EventId,
        text: str,
        client_id: str | None,
        *,
        style: Style = "text",
    ) -> Placed:
        """Give one's own line a new wording."""
        key = f"{person}:{client_id}" if client_id is not None else new_id("edit-")
        content = Edited(target=target, text=text, html=await _formatted(text), style=style)
        return await self._submit(room, person, content, key)

    async def remove(
        self, room: RoomId, person: PersonId, target: EventId, reason: str, client_id: str | None
    ) -> Placed:
        """Take a line back: one's own, or as a moderator anyone's."""
        key = f"{person}:{client_id}" if client_id is not None else new_id("remove-")
        return await self._submit(room, person, Removed(target=target, reason=reason), key)

    async def describe(
        self, room: RoomId, person: PersonId, *, name: str | None = None, topic: str | None = None
    ) -> None:
        """Change a room's name or topic."""
        if topic is not None and len(topic) > TOPIC_CHARS:
            raise Refused("topic_too_long", f"A topic may have {TOPIC_CHARS} characters.", field="topic")
        await self._submit(room, person, Described(name=name, topic=topic), new_id("described-"))

    async def set_profile(self, person: PersonId, *, name: str | None = None, avatar: str | None = None) -> Person:
        """Change a person's name or avatar, here and on every network."""
        who = await self._person(person)
        if name is not None:
            cleaned = clean(name, limit=PERSON_NAME_CHARS)
            if not cleaned:
                raise Refused("empty_name", "A name needs a character that can be read.", field="name")
            who = msgspec.structs.replace(who, name=cleaned)
        if avatar is not None:
            who = msgspec.structs.replace(who, avatar=avatar)
        await self._hub.db.write(lambda connection: people.save(connection, who))
        self._hub.people.forget(person)
        # The names of admins are nobody else's, the new ones too.
        await self._hub.people.reload_reserved()
        for room in await self._hub.db.read(lambda connection: rooms.joined_by(connection, person)):
            await self._submit(room, person, Profiled(who.name, who.avatar), new_id("profiled-"))
        self._hub.refresh(person)
        return who

    async def deactivate(self, person: PersonId) -> None:
        """Take a person out of every room for good; the ghosts leave, the name is never given again."""
        who = await self._person(person)
        await self._hub.db.write(lambda c: people.save(c, msgspec.structs.replace(who, active=False)))
        self._hub.people.forget(person)
        for room in await self._hub.db.read(lambda connection: rooms.joined_by(connection, person)):
            await self.leave(room, person)

    async def _person(self, person: PersonId) -> Person:
        who = await self._hub.people.get(person)
        if who is None:
            raise Refused("no_such_person", "There is no such person.", status=404)
        return who

    async def _submit(self, room: RoomId, person: PersonId, content: Content, key: str) -> Placed:
        # PostgreSQL has no U+0000 in its texts, and what is looked up has to be what was written.
        origin = Origin(WEB, room, key.replace("\0", "\ufffd"))
        event = Event(id=new_event_id(), room=room, who=person, at=now_ms(), origin=origin, content=content)
        (result,) = await self._hub.submit(room, [Submission(event)])
        match result:
            case Placed():
                return result
            case Refused():
                # A repeat is answered as before, even if it would break a rule by now: its author has left, or
                # the line that it removed is gone.
                if (before := await self._placed_before(event.origin)) is not None:
                    return before
                raise result
            case Failed(error):
                raise error
            case Dropped():
                return Placed(0, event.id, fresh=False)

    async def _placed_before(self, origin: Origin) -> Placed | None:
        found = await self._hub.db.read(lambda connection: log.by_origins(connection, [origin]))
        return Placed(found[0].seq, found[0].event.id, fresh=False) if found else None


async def _formatted(text: str) -> str:
    """Return the HTML of a line's Markdown; a long line is converted in a thread, for it may take a while."""
    if len(text) > TEXT_BYTES:
        return ""  # it is refused anyway
    return to_html(text) if len(text) <= IN_PLACE_CHARS else await asyncio.to_thread(to_html, text)


def _creating(room: Room, links: list[Link]) -> Callable[[Connection], None]:
    return lambda connection: rooms.create(connection, room, links)
