"""The API of read markers."""

from __future__ import annotations

import msgspec

from bridge.web.api.log import Number
from bridge.web.api.operations import Call, Operation
from bridge.web.api.rooms import room_of
from bridge.web.parts import WebParts
from bridge.web.places import Places


class Mark(msgspec.Struct):
    """Up to which number the room is read. A marker goes back only with `unread`, which marks what comes after as not
    read; a number beyond the end of the log means its end."""

    seq: Number
    unread: bool = False


class BadgeShape(msgspec.Struct):
    """How far a room is read: the last number of its log, the marker, and how many lines of others came after it, and
    how many of them mention the reader; 100 stands for that or more."""

    room: str
    last_seq: int
    marker: int
    unread: int
    mentions: int


class MarkersApi:
    """The handler of /rooms/{room}/marker."""

    def __init__(self, parts: WebParts, places: Places) -> None:
        self._badges = parts.hub.badges
        self._places = places

    def operations(self) -> list[Operation]:
        """Return what it does."""
        return [
            Operation(
                "PUT", "/rooms/{room}/marker", "markRead", "Say how far you have read a room.", "log", self.mark,
                body=Mark, answer=BadgeShape, refusals=("no_such_room", "not_in_room"),
            )
        ]

    async def mark(self, call: Call) -> BadgeShape:
        """Set the visitor's marker; answer what is unread then."""
        room, body = room_of(call), call.body
        await self._places.visible(room, call.person)
        badge = await self._badges.mark(call.person, room, body.seq, unread=body.unread)
        return BadgeShape(**msgspec.structs.asdict(badge))
