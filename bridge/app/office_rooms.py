"""The rooms' part of the operator's office."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, get_args

import msgspec

from bridge.app.parts import Parts
from bridge.model.errors import Refused
from bridge.model.ids import MATRIX, RoomId
from bridge.model.people import Role
from bridge.model.rooms import Room
from bridge.store import rooms
from bridge.web.accounts.tokens import invite_url

Arguments: TypeAlias = dict[str, Any]


class RoomsOffice:
    """Operations on rooms, as an admin of the server who is in none of them: the bot does what is done."""

    def __init__(self, made: Parts) -> None:
        self._made = made
        self._native = made.native

    def operations(self) -> dict[str, Callable[[Arguments], Awaitable[Any]]]:
        """Return the operations by name."""
        return {
            "room create": self._create,
            "room list": self._list,
            "room archive": self._archive,
            "room invite": self._invite,
            "room role": self._role,
            "room delete": self._delete,
        }

    async def _create(self, arguments: Arguments) -> Any:
        owner = await self._made.accounts.named(arguments["owner"])
        room = await self._native.found_room(
            arguments["name"],
            owner.person,
            topic=arguments.get("topic", ""),
            access=arguments.get("access", "public"),
            mirror=arguments.get("mirror"),
            federate=bool(arguments.get("federate", True)),
        )
        snapshot = await self._made.hub.snapshot(room.id)
        assert snapshot is not None
        # A room that is on no other network has no alias.
        alias = next((view.address for view in snapshot.links if view.link.network == MATRIX), "")
        return {"id": room.id, "name": room.name, "alias": alias}

    async def _list(self, _arguments: Arguments) -> Any:
        found = await self._made.db.read(rooms.everything)
        return [await self._listed(room) for room in found]

    async def _listed(self, room: Room) -> dict[str, Any]:
        snapshot = await self._made.hub.snapshot(room.id)
        return {
            "id": room.id,
            "name": room.name,
            "access": room.access,
            "archived": room.archived,
            "members": 0 if snapshot is None else len(snapshot.members),
            "events": room.last_seq,
            "links": [
                {"network": view.link.network, "state": view.link.state, "address": view.address}
                for view in ([] if snapshot is None else snapshot.links)
            ],
        }

    async def _archive(self, arguments: Arguments) -> Any:
        room = await self._room(arguments)
        await self._native.configure(room.id, self._made.people.bot, archived=not arguments.get("undo"))
        return {"name": room.name}

    async def _invite(self, arguments: Arguments) -> Any:
        room = await self._room(arguments)
        if room.access == "direct" or room.archived:
            raise Refused("bad_field", "Nobody can be invited to this room.", field="room", status=409)
        made, token = await self._made.accounts.invites.make(
            None,
            room=room.id,
            guests=bool(arguments.get("guests")),
            expires_in=arguments.get("expires_in"),
            max_uses=arguments.get("max_uses"),
        )
        url = invite_url(self._made.settings.web.url, token)
        return {"id": made.id, "name": room.name, "url": url, "expires_at": made.expires_at}

    async def _role(self, arguments: Arguments) -> Any:
        room = await self._room(arguments)
        if arguments["role"] not in get_args(Role):
            raise Refused("bad_field", f"A role is one of: {', '.join(get_args(Role))}.", field="role")
        account = await self._made.accounts.named(arguments["login"])
        role = msgspec.convert(arguments["role"], Role)
        await self._native.rank(room.id, self._made.people.bot, account.person, role)
        return {"name": room.name}

    async def _delete(self, arguments: Arguments) -> Any:
        room = await self._room(arguments)
        await self._native.delete(room.id, self._made.people.bot)
        return {"name": room.name}

    async def _room(self, arguments: Arguments) -> Room:
        """Return the room that is meant, by its ID or its slug."""
        wanted = arguments["room"]
        found = await self._made.db.read(lambda c: rooms.get(c, RoomId(wanted)) or rooms.by_slug(c, wanted))
        if found is None or found.deleted:
            raise Refused("no_such_room", f"There is no room {wanted!r}: rialto room list", field="room", status=404)
        return found
