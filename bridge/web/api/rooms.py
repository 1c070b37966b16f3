"""The API of rooms: the list, making and describing them, coming and going, who is there."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from bridge.model.errors import Refused
from bridge.model.ids import PersonId, RoomId
from bridge.web.api import shapes
from bridge.web.api.operations import Call, Made, Operation
from bridge.web.api.shapes import MemberShape, RoomShape
from bridge.web.avatars import PICTURES, Avatars
from bridge.web.parts import WebParts
from bridge.web.places import Places, no_such_room


class RoomList(msgspec.Struct):
    """Rooms, by name."""

    rooms: list[RoomShape]


class MemberList(msgspec.Struct):
    """People in a room, by the name that is shown."""

    members: list[MemberShape]


class NewRoom(msgspec.Struct):
    """A room to be made; it is public unless `public` is false."""

    name: Annotated[str, Meta(max_length=1024)]
    topic: Annotated[str, Meta(max_length=8192)] | None = None
    public: bool | None = None


class RoomChange(msgspec.Struct):
    """What is to change of a room; what is left out stays."""

    name: Annotated[str, Meta(max_length=1024)] | None = None
    topic: Annotated[str, Meta(max_length=8192)] | None = None


class RoomsApi:
    """Everything below /rooms, but for the log."""

    def __init__(self, parts: WebParts, places: Places, avatars: Avatars) -> None:
        self._view = parts.hub
        self._native = parts.native
        self._places = places
        self._avatars = avatars

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag, one = "rooms", "/rooms/{room}"
        hidden = ("no_such_room",)
        return [
            Operation("GET", "/rooms", "listRooms", "The rooms that one may see.", tag, self.list_all, answer=RoomList),
            Operation(
                "POST", "/rooms", "makeRoom", "Make a room; its maker is in it.", tag, self.found,
                body=NewRoom, answer=RoomShape, status=201, counts="change", door="full",
                refusals=("empty_name", "topic_too_long", "no_guests"),
            ),
            Operation("GET", one, "showRoom", "One room.", tag, self.show, answer=RoomShape, refusals=hidden),
            Operation(
                "PATCH", one, "changeRoom", "Change a room's name or topic.", tag, self.describe,
                body=RoomChange, answer=RoomShape, counts="change",
                refusals=(*hidden, "empty_name", "topic_too_long", "not_allowed"),
            ),
            Operation(
                "POST", f"{one}/join", "joinRoom", "Come into a public room.", tag, self.join,
                answer=RoomShape, counts="change", refusals=hidden,
            ),
            Operation(
                "POST", f"{one}/leave", "leaveRoom", "Leave a room.", tag, self.leave,
                counts="change", refusals=(*hidden, "not_in_room"),
            ),
            Operation(
                "GET", f"{one}/members", "listMembers", "Who is in a room, by name.", tag, self.members,
                answer=MemberList, refusals=hidden,
            ),
            Operation(
                "GET", f"{one}/members/{{person}}/avatar", "showMemberAvatar",
                "The picture of someone who is or was in a room.", tag, self.avatar,
                answers=PICTURES, also=(304,), refusals=(*hidden, "no_picture"),
            ),
        ]

    async def list_all(self, call: Call) -> RoomList:
        """Answer every room that the visitor may see."""
        return RoomList(await self._places.all(call.person))

    async def found(self, call: Call) -> Made:
        """Make a room; its maker is in it."""
        body: NewRoom = call.body
        made = await self._native.found_room(
            body.name, call.person, topic=body.topic or "", access="invite" if body.public is False else "public"
        )
        shape = await self._places.shape(made.id, call.person)
        return Made(shape, 201, {"Location": f"/api/v1/rooms/{made.id}"})

    async def show(self, call: Call) -> RoomShape:
        """Answer one room."""
        return await self._places.shape(room_of(call), call.person)

    async def describe(self, call: Call) -> RoomShape:
        """Change a room's name or topic."""
        body: RoomChange = call.body
        if body.name is None and body.topic is None:
            raise Refused("missing_field", "Give a name or a topic.", field="name")
        room = room_of(call)
        await self._places.visible(room, call.person)
        await self._native.describe(room, call.person, name=body.name, topic=body.topic)
        return await self._places.shape(room, call.person)

    async def join(self, call: Call) -> RoomShape:
        """Bring the visitor into a public room; who is there already stays."""
        room = room_of(call)
        await self._places.visible(room, call.person)
        await self._native.join(room, call.person)
        return await self._places.shape(room, call.person)

    async def leave(self, call: Call) -> None:
        """Take the visitor out of a room."""
        room = room_of(call)
        await self._places.visible(room, call.person)
        await self._native.leave(room, call.person)

    async def members(self, call: Call) -> MemberList:
        """Answer who is in a room, by name."""
        snapshot, _ = await self._places.seen(room_of(call), call.person)
        return MemberList([shapes.member(each, snapshot.room.id) for each in snapshot.members])

    async def avatar(self, call: Call) -> web.Response:
        """Answer the picture of someone who is or was in a room."""
        room = room_of(call)
        await self._places.visible(room, call.person)
        member = await self._view.member(room, PersonId(call.path["person"]))
        if member is None:
            raise no_such_room()
        return await self._avatars.show(call.request, member.avatar)


def room_of(call: Call) -> RoomId:
    """Return the room of the address."""
    return RoomId(call.path["room"])
