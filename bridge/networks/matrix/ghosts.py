"""Ghosts: registered, given a device and a profile, brought into rooms; every step idempotent and remembered."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

import msgspec

from bridge.model.crash import crash_point
from bridge.model.errors import NotJoined, Rejected
from bridge.model.ids import MATRIX, PersonId
from bridge.model.people import Ghost, Member, Person
from bridge.model.rooms import Link
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.naming import DEVICE, Naming
from bridge.store import blobs, people
from bridge.store.database import Database


class Ghosts:
    """The homeserver's side of the people who are not from there."""

    def __init__(self, client: HomeserverClient, naming: Naming, db: Database) -> None:
        self._client = client
        self._naming = naming
        self._db = db
        self._turns: WeakValueDictionary[PersonId, asyncio.Lock] = WeakValueDictionary()

    async def seat(self, link: Link, member: Member, *, renamed: bool) -> None:
        """Bring the member's ghost into the room, shown as `member.shown`; raise `Rejected` where it may not."""
        user_id = await self.ready(member.person)
        try:
            await self._client.join(link.chat, user_id)
        except NotJoined:
            raise
        except Rejected as error:
            if error.status != 403:
                raise
            await self._invite(link.chat, user_id)
            await self._client.join(link.chat, user_id)
        crash_point("ghost_joined")
        if renamed or member.shown != member.name:
            await self._show_as(link.chat, user_id, member.shown)

    async def _invite(self, room_id: str, user_id: str) -> None:
        """Let a ghost in that may not come by itself; raise `Rejected` in words that people in the room understand."""
        try:
            await self._client.invite(room_id, user_id)
        except Rejected as error:
            if "banned" not in str(error):
                raise
            raise Rejected("banned from the Matrix room", status=error.status, errcode=error.errcode) from error

    async def _show_as(self, room_id: str, user_id: str, shown: str) -> None:
        """Give a ghost its name in one room, where that is not the name of its profile."""
        present = await self._client.get_state_event(room_id, "m.room.member", user_id)
        if present is None or present.get("displayname") != shown:
            content = {**(present or {}), "membership": "join", "displayname": shown}
            await self._client.put_state(room_id, "m.room.member", user_id, content, user_id=user_id)

    async def unseat(self, link: Link, person: PersonId, reason: str) -> None:
        """Take the person's ghost out of the room, or by the bot's power somebody from Matrix itself; who is not in
        it is left alone."""
        user_id = await self._db.read(lambda connection: people.own_face(connection, person, MATRIX))
        if user_id is not None:
            await self._kick(link.chat, user_id, reason)
            return
        try:
            await self._client.leave(link.chat, self._naming.ghost(person), reason or None)
        except Rejected as error:
            if error.status not in (403, 404):
                raise

    async def _kick(self, room_id: str, user_id: str, reason: str) -> None:
        """Send a Matrix user out; raise `Rejected` where the bot has no power over them."""
        place = await self._client.get_state_event(room_id, "m.room.member", user_id)
        if (place or {}).get("membership") == "join":
            await self._client.kick(room_id, user_id, reason=reason or None)

    async def refresh(self, person: PersonId) -> None:
        """Bring the profile of a ghost that exists up to date."""
        async with self._turn(person):
            ghost, who = await self._load(person)
            if ghost.registered and who is not None:
                await self._profile(ghost, who)

    async def ready(self, person: PersonId) -> str:
        """Return the ghost's user ID once it is registered, with its device and the person's profile."""
        async with self._turn(person):
            return await self._made(person)

    def _turn(self, person: PersonId) -> asyncio.Lock:
        """Return the lock of a ghost: homeservers put a new profile over the names that a ghost has in single
        rooms, so none may be set behind the back of somebody who goes on to set such a name."""
        return self._turns.setdefault(person, asyncio.Lock())

    async def _made(self, person: PersonId) -> str:
        ghost, who = await self._load(person)
        if not ghost.registered:
            await self._client.register(self._naming.localpart(person))
            crash_point("ghost_registered")
            ghost = await self._save(msgspec.structs.replace(ghost, registered=True))
        if not ghost.device:
            await self._client.put_device(ghost.remote_id, DEVICE, "Rialto")
            ghost = await self._save(msgspec.structs.replace(ghost, device=True))
        if who is not None:
            await self._profile(ghost, who)
        return ghost.remote_id

    async def _load(self, person: PersonId) -> tuple[Ghost, Person | None]:
        user_id = self._naming.ghost(person)
        who = await self._db.read(lambda connection: people.get(connection, person))
        return await self._db.write(lambda c: people.ghost(c, person, MATRIX, user_id)), who

    async def _save(self, ghost: Ghost) -> Ghost:
        await self._db.write(lambda connection: people.save_ghost(connection, ghost))
        return ghost

    async def _profile(self, ghost: Ghost, who: Person) -> None:
        if ghost.name_set != who.name:
            await self._client.set_displayname(ghost.remote_id, who.name)
            ghost = await self._save(msgspec.structs.replace(ghost, name_set=who.name))
        if (ghost.avatar_set or "") != who.avatar:
            await self._client.set_avatar_url(ghost.remote_id, await self.uploaded(who.avatar))
            await self._save(msgspec.structs.replace(ghost, avatar_set=who.avatar))

    async def uploaded(self, avatar: str) -> str:
        """Return the mxc address of an avatar of ours, uploaded once; "" for none."""
        if avatar.startswith("matrix:"):
            return avatar.removeprefix("matrix:")
        name = avatar.removeprefix(blobs.REFERENCE)
        blob = await self._db.read(lambda connection: blobs.get(connection, name)) if name else None
        if blob is None:
            return ""
        if blob.remote is None:
            mxc = await self._client.upload(blob.data, blob.media_type)
            await self._db.write(lambda connection: blobs.set_remote(connection, name, mxc))
            return mxc
        return blob.remote
