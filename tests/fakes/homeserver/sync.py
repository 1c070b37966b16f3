"""The /sync of ordinary clients: what happened since a token, waiting for it when nothing has."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.errors import MatrixError, bad_request
from tests.fakes.homeserver.formats import stripped
from tests.fakes.homeserver.rooms import visible
from tests.fakes.homeserver.timeline import Timeline
from tests.fakes.homeserver.world import Content, Event, Memory, Room, World

_TIMELINE_LIMIT = 10


class Sync:
    """Handlers for /sync and its filters. Tokens are `s<stream position>_<ephemeral position>`."""

    def __init__(self, world: World, memory: Memory, timeline: Timeline) -> None:
        self._world = world
        self._memory = memory
        self._timeline = timeline

    def routes(self) -> list[Route]:
        """What this part answers."""
        return [
            Route("GET", "/sync", self._sync),
            Route("POST", "/user/{user}/filter", self._put_filter),
            Route("GET", "/user/{user}/filter/{filter}", self._get_filter),
        ]

    async def _put_filter(self, call: Call) -> Reply:
        filters = call.user().filters
        filters.append(call.body())
        return {"filter_id": str(len(filters) - 1)}

    async def _get_filter(self, call: Call) -> Reply:
        return self._filter(call, call.path["filter"])

    def _filter(self, call: Call, given: str | None) -> Content:
        if not given:
            return {}
        if given.startswith("{"):
            inline: Content = json.loads(given)
            return inline
        if not given.isdecimal() or int(given) >= len(call.user().filters):
            raise bad_request("No such filter", "M_INVALID_PARAM")
        return call.user().filters[int(given)]

    async def _sync(self, call: Call) -> Reply:
        if not call.user().registered:
            raise MatrixError(500, "M_UNKNOWN", "Internal server error")
        since = _token(call.request.query.get("since"))
        chosen = self._filter(call, call.request.query.get("filter"))
        limit = int(chosen.get("room", {}).get("timeline", {}).get("limit", _TIMELINE_LIMIT))
        full = call.request.query.get("full_state") == "true"
        if since is None or full:
            return self._answer(call, since, limit, full)
        with suppress(TimeoutError):
            async with asyncio.timeout(call.number("timeout", 0) / 1000):
                while not (answer := self._answer(call, since, limit, full)).get("rooms"):
                    await self._timeline.change()
                return answer
        return self._answer(call, since, limit, full)

    def _answer(self, call: Call, since: tuple[int, int] | None, limit: int, full: bool) -> dict[str, Any]:
        rooms: dict[str, dict[str, Any]] = {"join": {}, "invite": {}, "leave": {}}
        for room in self._world.rooms.values():
            history = room.memberships.get(call.user_id)
            if not history:
                continue
            changed_at, membership = history[-1]
            fresh = since is None or changed_at > since[0]
            if membership == "join":
                shown = self._joined(room, call, since, limit, full)
                if shown is not None:
                    rooms["join"][room.room_id] = shown
            elif membership == "invite" and fresh:
                rooms["invite"][room.room_id] = {"invite_state": {"events": _invite_state(room, call.user_id)}}
            elif membership in ("leave", "ban") and since is not None and fresh:
                rooms["leave"][room.room_id] = self._left(room, call, since, limit)
        answer: dict[str, Any] = {
            "next_batch": f"s{len(self._world.events)}_{self._world.ephemeral_position}",
            "device_one_time_keys_count": {"signed_curve25519": 0},
            "device_unused_fallback_key_types": [],
        }
        filled = {kind: named for kind, named in rooms.items() if named}
        return answer | ({"rooms": filled} if filled else {})

    def _window(self, room: Room, call: Call, after: int, limit: int) -> tuple[list[Event], bool]:
        events = [event for event in room.events if event.position > after and visible(room, event, call.user_id)]
        return events[-limit:], len(events) > limit

    def _joined(
        self, room: Room, call: Call, since: tuple[int, int] | None, limit: int, full: bool
    ) -> dict[str, Any] | None:
        # Somebody who has just come is shown the room from its beginning, somebody who was there what is new.
        was_in = since is not None and room.membership(call.user_id, since[0]) == "join"
        start = since[0] if since is not None and was_in else 0
        events, limited = self._window(room, call, start, limit)
        ephemeral = self._ephemeral(room, since[1] if since is not None else 0)
        if was_in and not full and not events and not ephemeral:
            return None
        first = events[0].position if events else len(self._world.events) + 1
        state = _state_before(room, 0 if full else start, first)
        return {
            "timeline": self._timeline_of(events, limited, call),
            "state": {"events": [self._timeline.show(event, whole=False) for event in state]},
            "account_data": {"events": []},
            "ephemeral": {"events": ephemeral},
            "unread_notifications": {"notification_count": 0, "highlight_count": 0},
            "summary": {},
        }

    def _left(self, room: Room, call: Call, since: tuple[int, int], limit: int) -> dict[str, Any]:
        events, limited = self._window(room, call, since[0], limit)
        shown = self._timeline_of(events, limited, call)
        return {"timeline": shown, "state": {"events": []}, "account_data": {"events": []}}

    def _timeline_of(self, events: list[Event], limited: bool, call: Call) -> dict[str, Any]:
        shown = [
            self._timeline.show(event, whole=False, viewer=call.user_id, key=call.requester.key) for event in events
        ]
        before = events[0].position - 1 if events else len(self._world.events)
        return {"events": shown, "limited": limited, "prev_batch": f"s{before}_0"}

    def _ephemeral(self, room: Room, after: int) -> list[Content]:
        found: list[Content] = []
        if self._memory.typing_changed.get(room.room_id, 0) > after:
            found.append({"type": "m.typing", "content": {"user_ids": self._memory.typing[room.room_id]}})
        receipts: dict[str, dict[str, Content]] = {}
        for position, content in room.receipts:
            if position > after:
                for event_id, kinds in content.items():
                    receipts.setdefault(event_id, {}).setdefault("m.read", {}).update(kinds["m.read"])
        return found + ([{"type": "m.receipt", "content": receipts}] if receipts else [])


def _token(token: str | None) -> tuple[int, int] | None:
    if token is None:
        return None
    position, _, ephemeral = token[1:].partition("_")
    if token[:1] != "s" or not position.isdecimal() or not ephemeral.isdecimal():
        raise bad_request("Invalid stream token")
    return int(position), int(ephemeral)


def _state_before(room: Room, after: int, before: int) -> list[Event]:
    """State set after one position and before another: what the timeline itself does not show."""
    state: dict[tuple[str, str], Event] = {}
    for event in room.events:
        if event.state_key is not None and after < event.position < before:
            state[event.type, event.state_key] = event
    return list(state.values())


def _invite_state(room: Room, user_id: str) -> list[Content]:
    invite = room.state["m.room.member", user_id]
    return [*(invite.stripped_state or []), stripped(invite)]
