"""Aliases, joining by them, and the list of public rooms."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.homeserver import authority
from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.create_room import check_alias_owner
from tests.fakes.homeserver.errors import MatrixError, bad_request, forbidden, not_found
from tests.fakes.homeserver.membership import Memberships
from tests.fakes.homeserver.queries import Queries
from tests.fakes.homeserver.world import Room, World

# The ID of a version-12 room, or of an older one with its server's name.
_ROOM_ID = re.compile(r"![A-Za-z0-9_-]{43}|![^:]+:.+")


class Directory:
    """Handlers for the room directory; unknown aliases of a namespace are asked of its application service."""

    def __init__(self, world: World, memberships: Memberships, queries: Queries) -> None:
        self._world = world
        self._memberships = memberships
        self._queries = queries

    def routes(self) -> list[Route]:
        """What this part answers."""
        return [
            Route("POST", "/join/{room}", self._join),
            Route("POST", "/rooms/{room}/join", self._join),
            Route("GET", "/directory/room/{alias}", self._get, auth=False),
            Route("PUT", "/directory/room/{alias}", self._put),
            Route("DELETE", "/directory/room/{alias}", self._delete),
            Route("GET", "/rooms/{room}/aliases", self._aliases),
            Route("GET", "/directory/list/room/{room}", self._visibility, auth=False),
            Route("PUT", "/directory/list/room/{room}", self._set_visibility),
            Route("GET", "/publicRooms", self._public),
            Route("POST", "/publicRooms", self._public),
        ]

    async def _join(self, call: Call) -> Reply:
        wanted = call.path["room"]
        if wanted.startswith("#"):
            wanted = await self._resolve(wanted)
        elif not _ROOM_ID.fullmatch(wanted):
            raise bad_request(f"{wanted} was not legal room ID or room alias")
        room = self._world.rooms.get(wanted)
        if room is None:
            message = "Can't join remote room because no servers that are in the room have been provided."
            raise not_found(message, "M_UNKNOWN")
        self._memberships.change(room, call.user_id, call.user_id, "join", reason=call.body().get("reason"))
        return {"room_id": room.room_id}

    async def _resolve(self, alias: str) -> str:
        if alias not in self._world.aliases:
            await self._queries.alias(alias)
        if alias not in self._world.aliases:
            raise not_found(f"Room alias {alias} not found")
        return self._world.aliases[alias][0]

    async def _get(self, call: Call) -> Reply:
        alias = call.path["alias"]
        if not alias.startswith("#") or ":" not in alias:
            raise bad_request("Room alias invalid", "M_INVALID_PARAM")
        return {"room_id": await self._resolve(alias), "servers": [self._world.server_name]}

    async def _put(self, call: Call) -> Reply:
        alias, room_id = call.path["alias"], call.wanted("room_id")
        check_alias_owner(self._world, call.requester, alias)
        if room_id not in self._world.rooms:
            raise bad_request("Room does not exist")
        if alias in self._world.aliases:
            raise MatrixError(409, "M_UNKNOWN", f"Room alias {alias} already exists")
        self._world.aliases[alias] = (room_id, call.user_id)
        return {}

    async def _delete(self, call: Call) -> Reply:
        alias = call.path["alias"]
        service = call.requester.appservice
        if service is not None and service.owns_alias(alias):
            self._world.aliases.pop(alias, None)
            return {}
        if alias not in self._world.aliases:
            raise not_found("Unknown room alias")
        room_id, maker = self._world.aliases[alias]
        if maker != call.user_id and not _may_list(self._world.rooms[room_id], call.user_id):
            raise forbidden("You don't have permission to delete the alias.")
        del self._world.aliases[alias]
        return {}

    async def _aliases(self, call: Call) -> Reply:
        room = call.room_seen()
        return {"aliases": [alias for alias, (room_id, _) in self._world.aliases.items() if room_id == room.room_id]}

    async def _visibility(self, call: Call) -> Reply:
        room = self._world.rooms.get(call.path["room"])
        if room is None:
            raise not_found("Unknown room")
        return {"visibility": "public" if room.published else "private"}

    async def _set_visibility(self, call: Call) -> Reply:
        room = self._world.rooms.get(call.path["room"])
        if room is None:
            raise not_found("Unknown room")
        if not _may_list(room, call.user_id):
            message = "This server requires you to be a moderator in the room to edit its room list entry"
            raise forbidden(message)
        room.published = call.body().get("visibility", "public") == "public"
        return {}

    async def _public(self, call: Call) -> Reply:
        term = ""
        if call.request.method == "POST":
            term = str(call.body().get("filter", {}).get("generic_search_term") or "").casefold()
        listed = [_listing(room) for room in self._world.rooms.values() if room.published and room.users()]
        found = [item for item in listed if term in " ".join(map(str, item.values())).casefold()]
        return {"chunk": found, "total_room_count_estimate": len(listed)}


def _may_list(room: Room, user_id: str) -> bool:
    need = authority.send_level(room, "m.room.canonical_alias", state=True)
    return room.membership(user_id) == "join" and authority.user_level(room, user_id) >= need


def _listing(room: Room) -> dict[str, Any]:
    item: dict[str, Any] = {
        "room_id": room.room_id,
        "num_joined_members": len(room.users()),
        "world_readable": room.get("m.room.history_visibility").get("history_visibility") == "world_readable",
        "guest_can_join": room.get("m.room.guest_access").get("guest_access") == "can_join",
        "join_rule": room.get("m.room.join_rules").get("join_rule"),
    }
    named = {
        "name": room.get("m.room.name").get("name"),
        "topic": room.get("m.room.topic").get("topic"),
        "canonical_alias": room.get("m.room.canonical_alias").get("alias"),
        "avatar_url": room.get("m.room.avatar").get("url"),
    }
    return item | {key: value for key, value in named.items() if value}
