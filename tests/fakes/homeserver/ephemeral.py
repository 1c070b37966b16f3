"""Typing, receipts and presence: never stored, seen in /sync and pushed to application services that want them."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.homeserver import authority
from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.errors import bad_request, not_found, not_in_room
from tests.fakes.homeserver.timeline import Timeline
from tests.fakes.homeserver.world import Content, Memory, Room, World

# Told of (content of the transaction, users whom it concerns).
Push = Callable[[Content, list[str]], None]


class Ephemeral:
    """Handlers for what does not last."""

    def __init__(self, world: World, memory: Memory, timeline: Timeline, push: Push) -> None:
        self._world = world
        self._memory = memory
        self._timeline = timeline
        self._push = push

    def routes(self) -> list[Route]:
        """What this part answers."""
        return [
            Route("PUT", "/rooms/{room}/typing/{user}", self._typing),
            Route("POST", "/rooms/{room}/receipt/{kind}/{event}", self._receipt),
            Route("POST", "/rooms/{room}/read_markers", self._read_markers),
            Route("PUT", "/presence/{user}/status", self._put_presence),
            Route("GET", "/presence/{user}/status", self._presence),
        ]

    def _room(self, call: Call) -> Room:
        room = self._world.rooms.get(call.path["room"])
        if room is None:
            raise not_in_room(call.user_id, call.path["room"])
        return room

    async def _typing(self, call: Call) -> Reply:
        user_id, room = call.path["user"], self._room(call)
        if user_id != call.user_id:
            raise bad_request("Cannot set another user's typing state", "M_FORBIDDEN")
        authority.check_joined(room, user_id)
        before = self._memory.typing.get(room.room_id, [])
        others = [user for user in before if user != user_id]
        after = [*others, user_id] if call.wanted("typing") else others
        if set(after) != set(before):
            self._memory.typing[room.room_id] = after
            self._memory.typing_changed[room.room_id] = self._next()
            content = {"type": "m.typing", "room_id": room.room_id, "content": {"user_ids": after}}
            self._push(content, room.users())
            self._timeline.wake()
        return {}

    async def _receipt(self, call: Call) -> Reply:
        kind, room = call.path["kind"], self._room(call)
        if kind not in ("m.read", "m.read.private", "m.fully_read"):
            raise bad_request(f"Receipt type must be a known one, not {kind}", "M_INVALID_PARAM")
        if kind == "m.read":
            self._read(room, call.user_id, call.path["event"])
        return {}

    async def _read_markers(self, call: Call) -> Reply:
        room, event_id = self._room(call), call.body().get("m.read")
        if event_id is not None:
            self._read(room, call.user_id, str(event_id))
        return {}

    def _read(self, room: Room, user_id: str, event_id: str) -> None:
        content = {event_id: {"m.read": {user_id: {"ts": self._timeline.now()}}}}
        room.receipts.append((self._next(), content))
        self._push({"type": "m.receipt", "room_id": room.room_id, "content": content}, [user_id, *room.users()])
        self._timeline.wake()

    async def _put_presence(self, call: Call) -> Reply:
        user_id = call.path["user"]
        if user_id != call.user_id:
            raise bad_request("Can only set your own presence state", "M_FORBIDDEN")
        content = {"presence": call.wanted("presence"), "last_active_ago": 0, "currently_active": True}
        if call.body().get("status_msg"):
            content["status_msg"] = call.body()["status_msg"]
        self._memory.presence[user_id] = content
        shared = {user for room in self._world.rooms.values() if user_id in (users := room.users()) for user in users}
        self._push({"type": "m.presence", "sender": user_id, "content": content}, [user_id, *shared])
        return {}

    async def _presence(self, call: Call) -> Reply:
        if call.path["user"] not in self._world.users:
            raise not_found("No such user")
        return self._memory.presence.get(call.path["user"], {"presence": "offline"})

    def _next(self) -> int:
        self._world.ephemeral_position += 1
        return self._world.ephemeral_position
