"""Sends, redactions and state, with the transaction IDs remembered exactly as long as Synapse remembers them."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.errors import bad_request, not_in_room
from tests.fakes.homeserver.membership import Memberships
from tests.fakes.homeserver.timeline import Timeline
from tests.fakes.homeserver.world import Event, Memory, World


class Sending:
    """Handlers that put events into rooms."""

    def __init__(self, world: World, memory: Memory, timeline: Timeline, memberships: Memberships) -> None:
        self._world = world
        self._memory = memory
        self._timeline = timeline
        self._memberships = memberships

    def routes(self) -> list[Route]:
        """What this part answers."""
        room = "/rooms/{room}"
        return [
            Route("PUT", f"{room}/send/{{type}}/{{txn}}", self._send),
            Route("PUT", f"{room}/redact/{{event}}/{{txn}}", self._redact),
            Route("PUT", f"{room}/state/{{type}}", self._put_state),
            Route("PUT", f"{room}/state/{{type}}/{{key:.*}}", self._put_state),
        ]

    async def _send(self, call: Call) -> Reply:
        content = call.body(may_be_empty=False)
        return self._once(
            call,
            lambda: self._timeline.send(
                call.path["room"],
                call.user_id,
                call.path["type"],
                content,
                ts=call.ts,
                sent_as=(call.requester.key, call.path["txn"]),
            ),
        )

    async def _redact(self, call: Call) -> Reply:
        content = call.body()
        return self._once(
            call,
            lambda: self._timeline.redact(
                call.path["room"],
                call.user_id,
                call.path["event"],
                content,
                ts=call.ts,
                sent_as=(call.requester.key, call.path["txn"]),
            ),
        )

    def _once(self, call: Call, effect: Callable[[], Event]) -> Reply:
        """Do it once for each transaction ID.

        Two memories: one of whole answers, by path and requester, that a restart clears (for an application
        service the user is not in its key); one of event IDs by room, user, device and transaction ID that stays.
        """
        asked = (call.request.path, call.requester.key)
        if asked in self._memory.answers:
            return self._memory.answers[asked]
        device = call.requester.device_id
        kept = (call.path["room"], call.user_id, device, call.path["txn"]) if device else None
        if kept in self._world.device_sends:
            event_id = self._world.device_sends[kept]
        else:
            event_id = effect().event_id
            if kept is not None:
                self._world.device_sends[kept] = event_id
        answer = {"event_id": event_id}
        self._memory.answers[asked] = answer
        return answer

    async def _put_state(self, call: Call) -> Reply:
        content = call.body(may_be_empty=False)
        room_id, type, key = call.path["room"], call.path["type"], call.path.get("key", "")
        if type != "m.room.member":
            event = self._timeline.put_state(room_id, call.user_id, type, key, content, ts=call.ts)
            return {"event_id": event.event_id}
        room = self._world.rooms.get(room_id)
        if room is None:
            raise not_in_room(call.user_id, room_id)
        membership = content.get("membership")
        if not isinstance(membership, str):
            raise bad_request("Member event does not have membership", "M_BAD_JSON")
        extra = {name: value for name, value in content.items() if name != "membership"}
        event = self._memberships.change(room, call.user_id, key, membership, extra=extra, ts=call.ts)
        return {"event_id": event.event_id}
