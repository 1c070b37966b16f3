"""The API of rooms: finding, making, changing and deleting them, coming and going."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from bridge.core.decide_settings import SLOW_MOST
from bridge.core.rights import Action, refusal, standing
from bridge.model.errors import Refused
from bridge.model.ids import PersonId, RoomId
from bridge.model.rooms import History
from bridge.web import bodies
from bridge.web.api.operations import Call, Made, Operation
from bridge.web.api.shapes import RoomShape
from bridge.web.avatars import AVATAR_BYTES, PICTURES, Avatars
from bridge.web.door import Door
from bridge.web.parts import WebParts
from bridge.web.places import Places

MOST = 100
"""How many rooms or people a page may have."""

Query = Annotated[str, Meta(max_length=200)]
Id = Annotated[str, Meta(max_length=64)]
Slow = Annotated[int, Meta(ge=0, le=SLOW_MOST)]
AccessChoice = Literal["public", "invite"]

NOT_DONE = ("no_such_room", "not_allowed", "owners_only", "muted", "room_archived", "direct_room", "not_in_room")
"""How a change to a room may be refused whatever it is."""


class RoomList(msgspec.Struct):
    """Rooms, by name."""

    rooms: list[RoomShape]


class Directory(msgspec.Struct):
    """A page of rooms, by name; `next` is what to give as `after` for the page that follows, if there is one."""

    rooms: list[RoomShape]
    next: str | UnsetType = UNSET


class DirectoryQuery(msgspec.Struct):
    """Which rooms: those whose name, topic or slug holds `q`, from the one after the room `after` on."""

    q: Query = ""
    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 50


class NewRoom(msgspec.Struct):
    """A room to be made. It is public unless `access` says otherwise, and public rooms are on Matrix too where the
    operator wants that; `mirror` asks for it for an invite-only room, or says no for a public one. With `federate`
    false nobody of other Matrix servers can ever come in there."""

    name: Annotated[str, Meta(max_length=1024)]
    topic: Annotated[str, Meta(max_length=8192)] | None = None
    access: AccessChoice = "public"
    history: History = "all"
    slow_seconds: Slow = 0
    mirror: bool | None = None
    federate: bool = True


class RoomChange(msgspec.Struct):
    """What is to change of a room; what is left out stays. Each field is saved by itself. `mirror` true shows the
    room on Matrix from now on, for good; `federate` belongs to it."""

    name: Annotated[str, Meta(max_length=1024)] | None = None
    topic: Annotated[str, Meta(max_length=8192)] | None = None
    access: AccessChoice | None = None
    history: History | None = None
    slow_seconds: Slow | None = None
    archived: bool | None = None
    mirror: Literal[True] | None = None
    federate: bool = True


class RoomsApi:
    """Everything below /rooms, but for the log, the members and the invites."""

    def __init__(self, parts: WebParts, door: Door, places: Places, avatars: Avatars) -> None:
        self._view = parts.hub
        self._native = parts.native
        self._door = door
        self._places = places
        self._avatars = avatars

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag, one = "rooms", "/rooms/{room}"
        hidden = ("no_such_room",)
        return [
            Operation("GET", "/rooms", "listRooms", "The rooms that one is in.", tag, self.mine, answer=RoomList),
            Operation(
                "GET", "/directory", "findRooms", "The public rooms.", tag, self.directory,
                query=DirectoryQuery, answer=Directory, refusals=("no_guests",), door="full",
            ),
            Operation(
                "POST", "/rooms", "makeRoom", "Make a room; its maker is in it.", tag, self.found,
                body=NewRoom, answer=RoomShape, status=201, counts="change", door="full",
                refusals=("empty_name", "topic_too_long", "no_guests", "no_mirror", "busy"),
            ),
            Operation("GET", one, "showRoom", "One room.", tag, self.show, answer=RoomShape, refusals=hidden),
            Operation(
                "PATCH", one, "changeRoom", "Change a room's description or settings.", tag, self.change,
                body=RoomChange, answer=RoomShape, counts="change",
                refusals=(*NOT_DONE, "empty_name", "topic_too_long", "no_mirror"),
            ),
            Operation(
                "DELETE", one, "deleteRoom", "Delete a room for everybody and for good.", tag, self.delete,
                counts="change", refusals=NOT_DONE,
            ),
            Operation(
                "GET", f"{one}/avatar", "showRoomAvatar", "A room's picture.", tag, self.avatar,
                answers=PICTURES, also=(304,), refusals=(*hidden, "no_picture"),
            ),
            Operation(
                "PUT", f"{one}/avatar", "setRoomAvatar", "Take the body as the room's new picture.", tag,
                self.set_avatar, media=PICTURES, answer=RoomShape, refusals=(*NOT_DONE, "too_large", "not_an_image"),
            ),
            Operation(
                "DELETE", f"{one}/avatar", "dropRoomAvatar", "Let a room go without a picture.", tag,
                self.drop_avatar, answer=RoomShape, counts="change", refusals=NOT_DONE,
            ),
            Operation(
                "POST", f"{one}/join", "joinRoom", "Come into a public room.", tag, self.join,
                answer=RoomShape, counts="change", refusals=(*hidden, "room_archived", "guests_invited_only"),
            ),
            Operation(
                "POST", f"{one}/leave", "leaveRoom", "Leave a room.", tag, self.leave,
                counts="change", refusals=(*hidden, "not_in_room"),
            ),
        ]

    async def mine(self, call: Call) -> RoomList:
        """Answer the rooms that the visitor is in."""
        return RoomList(await self._places.mine(call.person))

    async def directory(self, call: Call) -> Directory:
        """Answer a page of the public rooms."""
        query: DirectoryQuery = call.query
        after = None if query.after is None else RoomId(query.after)
        found = await self._places.directory(
            call.person, query=query.q.strip(), after=after, limit=query.limit + 1
        )
        shown = found[: query.limit]
        return Directory(shown, shown[-1].id if len(found) > len(shown) else UNSET)

    async def found(self, call: Call) -> Made:
        """Make a room; its maker is in it."""
        body: NewRoom = call.body
        made = await self._native.found_room(
            body.name,
            call.person,
            topic=body.topic or "",
            access=body.access,
            history=body.history,
            slow_seconds=body.slow_seconds,
            mirror=body.mirror,
            federate=body.federate,
        )
        shape = await self._places.shape(made.id, call.person)
        return Made(shape, 201, {"Location": f"/api/v1/rooms/{made.id}"})

    async def show(self, call: Call) -> RoomShape:
        """Answer one room."""
        return await self._places.shape(room_of(call), call.person)

    async def change(self, call: Call) -> RoomShape:
        """Change what is given, each by itself: it is opened first, and archived last."""
        body: RoomChange = call.body
        room, person, native = room_of(call), call.person, self._native
        if body == RoomChange(federate=body.federate):
            raise Refused("missing_field", "Give something to change, such as a name or a topic.", field="name")
        await self._places.visible(room, person)
        if body.archived is False:
            await native.configure(room, person, archived=False)
        if body.name is not None or body.topic is not None:
            await native.describe(room, person, name=body.name, topic=body.topic)
        await native.configure(
            room, person, access=body.access, history=body.history, slow_seconds=body.slow_seconds
        )
        if body.mirror is not None:
            await native.mirror(room, person, federate=body.federate)
        if body.archived is True:
            await native.configure(room, person, archived=True)
        return await self._places.shape(room, person)

    async def delete(self, call: Call) -> None:
        """Delete a room."""
        room = room_of(call)
        await self._places.visible(room, call.person)
        await self._native.delete(room, call.person)

    async def avatar(self, call: Call) -> web.Response:
        """Answer a room's picture."""
        snapshot, _ = await self._places.seen(room_of(call), call.person)
        return await self._avatars.show(call.request, snapshot.room.avatar)

    async def set_avatar(self, call: Call) -> RoomShape:
        """Take the body as the room's new picture."""
        room = room_of(call)
        await self._may(room, call.person, "describe")
        data = await bodies.raw_bytes(call.request, AVATAR_BYTES)
        self._door.count_change(call.session)
        await self._native.describe(room, call.person, avatar=await self._avatars.keep(data))
        return await self._places.shape(room, call.person)

    async def drop_avatar(self, call: Call) -> RoomShape:
        """Let the room go without a picture."""
        room = room_of(call)
        await self._places.visible(room, call.person)
        await self._native.describe(room, call.person, avatar="")
        return await self._places.shape(room, call.person)

    async def _may(self, room: RoomId, person: PersonId, action: Action) -> None:
        """Raise `Refused` where a person may not do something, before the work is done for nothing."""
        place = await self._places.visible(room, person)
        state = await self._view.state(room)
        against = refusal(action, standing(place), state.room, admin=await self._view.is_admin(person))
        if against is not None:
            raise against

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


def room_of(call: Call) -> RoomId:
    """Return the room of the address."""
    return RoomId(call.path["room"])
