"""createRoom: presets, the alias as a lock, and rooms that are left half made when a test asks for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

from tests.fakes.homeserver import authority
from tests.fakes.homeserver.calls import Call, Reply, Requester, Route
from tests.fakes.homeserver.errors import MatrixError, bad_request
from tests.fakes.homeserver.membership import Memberships
from tests.fakes.homeserver.timeline import Timeline
from tests.fakes.homeserver.world import Content, Room, World

_PRESETS = {
    "public_chat": ("public", False),
    "private_chat": ("invite", True),
    "trusted_private_chat": ("invite", True),
}
_USER_ID = re.compile(r"@[^:]*:.+")
# How many turns of the event loop lie between looking whether an alias is free and taking it: requests that
# arrive together all pass the look, as they do on Synapse.
_RACE_TURNS = 20


class CreateRoom:
    """The createRoom call. `cut_after` = n makes the next room stop after n events and its connection break."""

    def __init__(self, world: World, timeline: Timeline, memberships: Memberships) -> None:
        self._world = world
        self._timeline = timeline
        self._memberships = memberships
        self.cut_after: int | None = None

    def routes(self) -> list[Route]:
        """What this part answers."""
        return [Route("POST", "/createRoom", self._create)]

    async def _create(self, call: Call) -> Reply:
        body, requester = call.body(), call.requester
        version = str(body.get("room_version", self._world.room_version))
        if version not in {str(number) for number in range(1, 13)}:
            message = "Your homeserver does not support this room version"
            raise bad_request(message, "M_UNSUPPORTED_ROOM_VERSION")
        for invited in body.get("invite", []):
            if not _USER_ID.fullmatch(str(invited)):
                raise bad_request(f"Invalid user_id: {invited}")
        alias = self._free_alias(body, requester)
        preset = body.get("preset") or ("public_chat" if body.get("visibility") == "public" else "private_chat")
        if preset not in _PRESETS:
            raise bad_request(f"'{preset}' is not a valid preset")
        creation = self._creation(body, requester.user_id, version, preset)
        creators = frozenset({requester.user_id, *creation.get("additional_creators", [])})
        levels = self._levels(body, requester.user_id, version, preset)
        authority.check_levels(version, creators, levels)
        if alias is not None:
            for _ in range(_RACE_TURNS):
                await asyncio.sleep(0)
            if alias in self._world.aliases:
                raise MatrixError(409, "M_UNKNOWN", f"Room alias {alias} already exists")
        room = self._new_room(requester.user_id, version, creators, creation)
        if alias is not None:
            self._world.aliases[alias] = (room.room_id, requester.user_id)
        room.published = body.get("visibility") == "public"
        steps = self._steps(room, requester.user_id, body, creation, levels, alias, preset)
        cut, self.cut_after = self.cut_after, None
        for number, _ in enumerate(steps, 1):
            if number == cut:
                if call.request.transport is not None:
                    call.request.transport.abort()
                break
        return {"room_id": room.room_id}

    def _free_alias(self, body: Content, requester: Requester) -> str | None:
        local = body.get("room_alias_name")
        if local is None:
            return None
        if re.search(r"[\s:#]", local):
            raise bad_request("Invalid characters in room alias")
        alias = f"#{local}:{self._world.server_name}"
        check_alias_owner(self._world, requester, alias)
        if alias in self._world.aliases:
            raise bad_request("Room alias already taken", "M_ROOM_IN_USE")
        return alias

    def _creation(self, body: Content, sender: str, version: str, preset: str) -> Content:
        content: Content = {**body.get("creation_content", {}), "room_version": version}
        if int(version) < 11:
            content["creator"] = sender
        if int(version) >= 12 and preset == "trusted_private_chat" and body.get("invite"):
            content["additional_creators"] = [*content.get("additional_creators", []), *body["invite"]]
        return content

    def _new_room(self, sender: str, version: str, creators: frozenset[str], creation: Content) -> Room:
        opaque = self._world.opaque("room")
        # From version 12 on the room ID is the ID of the create event with another sigil.
        room_id = f"!{opaque}" if int(version) >= 12 else f"!{opaque[:18]}:{self._world.server_name}"
        event_id = f"${opaque}" if int(version) >= 12 else None
        room = Room(room_id, version, creators)
        self._world.rooms[room_id] = room
        self._timeline.append(room, sender, "m.room.create", creation, state_key="", event_id=event_id)
        return room

    def _levels(self, body: Content, sender: str, version: str, preset: str) -> Content:
        for event in body.get("initial_state", []):
            if event["type"] == "m.room.power_levels":
                given: Content = event["content"]
                return given
        events = dict.fromkeys(("m.room.avatar", "m.room.canonical_alias", "m.room.name"), 50)
        high = ("m.room.encryption", "m.room.history_visibility", "m.room.power_levels", "m.room.server_acl")
        events |= dict.fromkeys(high, 100) | {"m.room.tombstone": 150 if int(version) >= 12 else 100}
        if preset == "public_chat":
            events["m.call.invite"] = 50
        users = {} if int(version) >= 12 else {sender: 100}
        if int(version) < 12 and preset == "trusted_private_chat":
            users |= dict.fromkeys(body.get("invite", []), 100)
        levels: Content = {
            "users": users,
            "users_default": 0,
            "events": events,
            "events_default": 0,
            "state_default": 50,
            "ban": 50,
            "kick": 50,
            "redact": 50,
            "invite": 50 if preset == "public_chat" else 0,
            "historical": 100,
        }
        override: Content = body.get("power_level_content_override", {})
        return levels | override

    def _steps(
        self,
        room: Room,
        sender: str,
        body: Content,
        creation: Content,
        levels: Content,
        alias: str | None,
        preset: str,
    ) -> Iterator[Any]:
        """Make the room event by event, in Synapse's order; each step is done when it is yielded."""
        yield creation
        yield self._memberships.change(room, sender, sender, "join")
        given = body.get("initial_state", [])
        initial = {(event["type"], event.get("state_key", "")): event["content"] for event in given}
        initial.pop(("m.room.power_levels", ""), None)
        join_rule, guests = _PRESETS[preset]
        state: dict[tuple[str, str], Content] = {("m.room.power_levels", ""): levels}
        if alias is not None:
            state["m.room.canonical_alias", ""] = {"alias": alias}
        state["m.room.join_rules", ""] = {"join_rule": join_rule}
        state["m.room.history_visibility", ""] = {"history_visibility": "shared"}
        if guests:
            state["m.room.guest_access", ""] = {"guest_access": "can_join"}
        state |= initial
        if body.get("name"):
            state["m.room.name", ""] = {"name": body["name"]}
        if body.get("topic"):
            topic = body["topic"]
            state["m.room.topic", ""] = {"topic": topic, "m.topic": {"m.text": [{"body": topic}]}}
        for (type, state_key), content in state.items():
            yield self._timeline.append(room, sender, type, content, state_key=state_key)
        extra = {"is_direct": True} if body.get("is_direct") else {}
        for invited in body.get("invite", []):
            yield self._memberships.change(room, sender, invited, "invite", extra=extra)


def check_alias_owner(world: World, requester: Requester, alias: str) -> None:
    """400 M_EXCLUSIVE when the alias belongs to somebody else's namespace, or an appservice's to none of its own."""
    service = requester.appservice
    if service is not None:
        if not service.owns_alias(alias):
            raise bad_request("This application service has not reserved this kind of alias.", "M_EXCLUSIVE")
    elif any(other.owns_alias(alias) for other in world.appservices.values()):
        raise bad_request("This alias is reserved by an application service.", "M_EXCLUSIVE")
