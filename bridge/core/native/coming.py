"""How people come and go, and what they are called meanwhile."""

from __future__ import annotations

import msgspec

from bridge.core.native.desk import Desk
from bridge.model.errors import Refused
from bridge.model.events import Joined, Left, Profiled
from bridge.model.ids import PersonId, RoomId, new_id
from bridge.model.people import Person
from bridge.store import people, rooms
from bridge.text.names import clean

PERSON_NAME_CHARS = 64


class Coming:
    """Joins, leaves and profiles."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._hub = desk.hub

    async def join(self, room: RoomId, person: PersonId) -> None:
        """Bring a person into a room that is open to them; someone who is there already stays."""
        await self._join(room, person, admitted=False)

    async def admit(self, room: RoomId, person: PersonId) -> None:
        """Bring a person into a room who was let in by an invite, whatever its access."""
        await self._join(room, person, admitted=True)

    async def _join(self, room: RoomId, person: PersonId, *, admitted: bool) -> None:
        who = await self._desk.person(person)
        member = await self._hub.member(room, person)
        if member is None or not member.joined:
            await self._desk.submit(room, person, Joined(who.name, who.avatar), new_id("join-"), admitted=admitted)

    async def leave(self, room: RoomId, person: PersonId) -> None:
        """Take a person out of a room."""
        await self._desk.submit(room, person, Left(), new_id("left-"))

    async def set_profile(self, person: PersonId, *, name: str | None = None, avatar: str | None = None) -> Person:
        """Change a person's name or avatar, here and on every network."""
        who = await self._desk.person(person)
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
            await self._desk.submit(room, person, Profiled(who.name, who.avatar), new_id("profiled-"))
        self._hub.refresh(person)
        return who

    async def deactivate(self, person: PersonId) -> None:
        """Take a person out of every room for good; the ghosts leave, the name is never given again."""
        who = await self._desk.person(person)
        await self._hub.db.write(lambda c: people.save(c, msgspec.structs.replace(who, active=False)))
        self._hub.people.forget(person)
        for room in await self._hub.db.read(lambda connection: rooms.joined_by(connection, person)):
            await self.leave(room, person)
