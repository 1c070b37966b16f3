"""The API of rooms: the list, making and describing them, coming and going, who is there."""

from __future__ import annotations

from aiohttp import web

from bridge.model.errors import Refused
from bridge.model.ids import PersonId, RoomId
from bridge.model.rooms import Access
from bridge.web import bodies, shapes
from bridge.web.avatars import Avatars
from bridge.web.door import Door
from bridge.web.parts import WebParts
from bridge.web.places import Places, no_such_room


class RoomsApi:
    """Handlers under /api/v1/rooms, but for the log."""

    def __init__(self, parts: WebParts, door: Door, places: Places, avatars: Avatars) -> None:
        self._view = parts.hub
        self._native = parts.native
        self._door = door
        self._places = places
        self._avatars = avatars

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/api/v1/rooms", self.list_all)
        router.add_post("/api/v1/rooms", self.found)
        router.add_get("/api/v1/rooms/{room}", self.show)
        router.add_patch("/api/v1/rooms/{room}", self.describe)
        router.add_post("/api/v1/rooms/{room}/join", self.join)
        router.add_post("/api/v1/rooms/{room}/leave", self.leave)
        router.add_get("/api/v1/rooms/{room}/members", self.members)
        router.add_get("/api/v1/rooms/{room}/members/{person}/avatar", self.avatar)

    async def list_all(self, request: web.Request) -> web.Response:
        """Answer every room that the visitor may see."""
        session = await self._door.enter(request)
        return bodies.answer({"rooms": await self._places.all(session.account.person)})

    async def found(self, request: web.Request) -> web.Response:
        """Make a room; its maker is in it."""
        session = await self._door.enter(request)
        body = await bodies.json_object(request)
        name, topic = bodies.text(body, "name"), bodies.optional_text(body, "topic") or ""
        public = bodies.optional_bool(body, "public")
        self._door.count_change(session)
        person = session.account.person
        access: Access = "invite" if public is False else "public"
        made = await self._native.found_room(name, person, topic=topic, access=access)
        response = bodies.answer(await self._places.shape(made.id, person), status=201)
        response.headers["Location"] = f"/api/v1/rooms/{made.id}"
        return response

    async def show(self, request: web.Request) -> web.Response:
        """Answer one room."""
        session = await self._door.enter(request)
        return bodies.answer(await self._places.shape(room_of(request), session.account.person))

    async def describe(self, request: web.Request) -> web.Response:
        """Change a room's name or topic."""
        session = await self._door.enter(request)
        room, person = room_of(request), session.account.person
        body = await bodies.json_object(request)
        name, topic = bodies.optional_text(body, "name"), bodies.optional_text(body, "topic")
        if name is None and topic is None:
            raise Refused("missing_field", "Give a name or a topic.", field="name")
        await self._places.visible(room, person)
        self._door.count_change(session)
        await self._native.describe(room, person, name=name, topic=topic)
        return bodies.answer(await self._places.shape(room, person))

    async def join(self, request: web.Request) -> web.Response:
        """Bring the visitor into a public room; who is there already stays."""
        session = await self._door.enter(request)
        room, person = room_of(request), session.account.person
        await self._places.visible(room, person)
        self._door.count_change(session)
        await self._native.join(room, person)
        return bodies.answer(await self._places.shape(room, person))

    async def leave(self, request: web.Request) -> web.Response:
        """Take the visitor out of a room."""
        session = await self._door.enter(request)
        room, person = room_of(request), session.account.person
        await self._places.visible(room, person)
        self._door.count_change(session)
        await self._native.leave(room, person)
        return bodies.answer({})

    async def members(self, request: web.Request) -> web.Response:
        """Answer who is in a room, by name."""
        session = await self._door.enter(request)
        snapshot, _ = await self._places.seen(room_of(request), session.account.person)
        return bodies.answer({"members": [shapes.member(each, snapshot.room.id) for each in snapshot.members]})

    async def avatar(self, request: web.Request) -> web.Response:
        """Answer the picture of someone who is or was in a room."""
        session = await self._door.enter(request)
        room = room_of(request)
        await self._places.visible(room, session.account.person)
        member = await self._view.member(room, PersonId(request.match_info["person"]))
        if member is None:
            raise no_such_room()
        return await self._avatars.show(request, member.avatar)


def room_of(request: web.Request) -> RoomId:
    """Return the room of the address."""
    return RoomId(request.match_info["room"])
