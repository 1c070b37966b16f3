"""The API of typing: kept in memory, and told to those who follow the room over the socket."""

from __future__ import annotations

import msgspec

from bridge.web.api.operations import Call, Operation
from bridge.web.api.rooms import room_of
from bridge.web.places import Places
from bridge.web.socket.feed import Feeds


class TypingNow(msgspec.Struct):
    """Whether one types; it is over by itself after six seconds."""

    typing: bool


class TypingApi:
    """The handler of /rooms/{room}/typing."""

    def __init__(self, places: Places, feeds: Feeds) -> None:
        self._places = places
        self._feeds = feeds

    def operations(self) -> list[Operation]:
        """Return what it does."""
        return [
            Operation(
                "PUT", "/rooms/{room}/typing", "type", "Say that you type, or do no more.", "log", self.type,
                body=TypingNow, counts="change",
                refusals=("no_such_room", "not_in_room", "muted", "room_archived"),
            )
        ]

    async def type(self, call: Call) -> None:
        """Note that the visitor types, or does no more."""
        room, body = room_of(call), call.body
        await self._places.visible(room, call.person)
        await self._feeds.type(room, call.person, typing=body.typing)
