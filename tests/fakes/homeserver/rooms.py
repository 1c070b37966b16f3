"""Rooms as callers see them: membership calls, state, members, history."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.errors import bad_request, forbidden, not_found
from tests.fakes.homeserver.membership import Memberships
from tests.fakes.homeserver.timeline import Timeline
from tests.fakes.homeserver.world import Content, Event, Room, World

_LARGEST_PAGE = 1000


class Rooms:
    """Handlers for reading rooms and moving people in and out of them."""

    def __init__(self, world: World, timeline: Timeline, memberships: Memberships) -> None:
        self._world = world
        self._timeline = timeline
        self._memberships = memberships

    def routes(self) -> list[Route]:
        """What this part answers."""
        room = "/rooms/{room}"
        return [
            *(Route("POST", f"{room}/{action}", self._action) for action in ("invite", "kick", "ban", "unban")),
            Route("POST", f"{room}/leave", self._leave),
            Route("POST", f"{room}/forget", self._forget),
            Route("GET", f"{room}/joined_members", self._joined_members),
            Route("GET", f"{room}/members", self._members),
            Route("GET", "/joined_rooms", self._joined_rooms),
            Route("GET", f"{room}/state", self._state),
            Route("GET", f"{room}/state/{{type}}", self._state_event),
            Route("GET", f"{room}/state/{{type}}/{{key:.*}}", self._state_event),
            Route("GET", f"{room}/event/{{event}}", self._event),
            Route("GET", f"{room}/messages", self._messages),
        ]

    async def _action(self, call: Call) -> Reply:
        target, reason = str(call.wanted("user_id")), call.body().get("reason")
        room = self._world.rooms.get(call.path["room"])
        if room is None:
            raise forbidden(f"{call.user_id} not in room {call.path['room']}.")
        match call.request.path.rpartition("/")[2]:
            case "kick":
                self._memberships.kick(room, call.user_id, target, reason)
            case "unban":
                self._memberships.unban(room, call.user_id, target)
            case action:
                self._memberships.change(room, call.user_id, target, action, reason=reason)
        return {}

    async def _leave(self, call: Call) -> Reply:
        room = self._world.rooms.get(call.path["room"])
        if room is None:
            raise forbidden(f"{call.user_id} not in room {call.path['room']}.")
        self._memberships.change(room, call.user_id, call.user_id, "leave", reason=call.body().get("reason"))
        return {}

    async def _forget(self, call: Call) -> Reply:
        room = call.room_known()
        if room.membership(call.user_id) not in ("leave", "ban"):
            raise bad_request(f"User {call.user_id} in room {room.room_id}")
        return {}

    async def _joined_members(self, call: Call) -> Reply:
        room = self._world.rooms.get(call.path["room"])
        if room is None or room.membership(call.user_id) != "join":
            service = call.requester.appservice
            # An application service may look through any of its users that are in the room.
            if service is None or room is None or not any(service.owns_user(user) for user in room.users()):
                who = "Appservice" if service else f"User {call.user_id}"
                raise forbidden(f"{who} not in room" if service else f"{who} not in room {call.path['room']}")
        joined = {}
        for user in room.users():
            content = room.get("m.room.member", user)
            joined[user] = {"display_name": content.get("displayname"), "avatar_url": content.get("avatar_url")}
        return {"joined": joined}

    async def _members(self, call: Call) -> Reply:
        room, query = call.room_seen(), call.request.query
        chosen = [
            self._timeline.show(event)
            for (type, _), event in room.state.items()
            if type == "m.room.member"
            and query.get("membership", event.membership) == event.membership
            and query.get("not_membership") != event.membership
        ]
        return {"chunk": chosen}

    async def _joined_rooms(self, call: Call) -> Reply:
        rooms = self._world.rooms.values()
        return {"joined_rooms": [room.room_id for room in rooms if room.membership(call.user_id) == "join"]}

    async def _state(self, call: Call) -> Reply:
        state = state_for(call.room_seen(), call.user_id)
        return web.json_response([self._timeline.show(event) for event in state.values()])

    async def _state_event(self, call: Call) -> Reply:
        key = (call.path["type"], call.path.get("key", ""))
        event = state_for(call.room_seen(), call.user_id).get(key)
        if event is None:
            raise not_found("Event not found.")
        if call.request.query.get("format") == "event":
            return self._timeline.show(event, whole=False) | {"room_id": event.room_id}
        return event.content

    async def _event(self, call: Call) -> Reply:
        room, event = self._world.rooms.get(call.path["room"]), self._world.by_id.get(call.path["event"])
        if room is None or event is None or event.room_id != room.room_id or not visible(room, event, call.user_id):
            raise not_found("Event not found.")
        return self._shown(event, call)

    async def _messages(self, call: Call) -> Reply:
        direction = call.request.query.get("dir", "f")
        if direction not in ("b", "f"):
            raise bad_request("Query parameter 'dir' must be one of ['b', 'f']", "M_INVALID_PARAM")
        limit = min(call.number("limit", 10), _LARGEST_PAGE)
        room = call.room_seen()
        last = len(self._world.events)
        start = position(call.request.query.get("from"), last if direction == "b" else 0)
        seen = [event for event in room.events if visible(room, event, call.user_id)]
        if direction == "b":
            page = [event for event in reversed(seen) if event.position <= start][:limit]
            end = page[-1].position - 1 if page else start
        else:
            page = [event for event in seen if event.position > start][:limit]
            end = page[-1].position if page else start
        answer: dict[str, Any] = {"chunk": [self._shown(event, call) for event in page], "start": f"t{start}-{start}"}
        # No end where nothing more follows; a page that reaches the end still has one, and the next is empty.
        return answer | ({"end": f"t{end}-{end}"} if page else {})

    def _shown(self, event: Event, call: Call) -> Content:
        return self._timeline.show(event, viewer=call.user_id, key=call.requester.key)


def position(token: str | None, default: int) -> int:
    """The stream position in a token of /messages or /sync; 400 for anything else."""
    if token is None:
        return default
    number = token[1:].partition("-")[0].partition("_")[0]
    if token[:1] not in ("t", "s") or not number.isdecimal():
        raise bad_request("'from' parameter is invalid")
    return int(number)


def visible(room: Room, event: Event, user_id: str) -> bool:
    """Whether the room's history visibility and the user's comings and goings let the user read the event."""
    if event.hidden:
        return False
    now, then = room.membership(user_id), room.membership(user_id, event.position)
    if then == "join" or (event.type == "m.room.member" and event.state_key == user_id):
        return True
    left = now in ("leave", "ban") and any(kind == "join" for _, kind in room.memberships.get(user_id, []))
    if now != "join" and not left:
        return False
    if left and event.position > room.memberships[user_id][-1][0]:
        return False
    visibility = room.get("m.room.history_visibility").get("history_visibility", "shared")
    return visibility in ("shared", "world_readable") or (visibility == "invited" and then == "invite")


def state_for(room: Room, user_id: str) -> dict[tuple[str, str], Event]:
    """The room's state as the user may read it: the present one, or as it was when the user left."""
    if room.membership(user_id) == "join":
        return room.state
    until = room.memberships[user_id][-1][0]
    state: dict[tuple[str, str], Event] = {}
    for event in room.events:
        if event.position <= until and event.state_key is not None:
            state[event.type, event.state_key] = event
    return state
