"""The page of one room, and the forms that belong to it: coming, going, name and topic."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from bridge.core.ports import RoomSnapshot
from bridge.model.errors import Refused
from bridge.model.ids import RoomId
from bridge.model.people import Member
from bridge.web import forms
from bridge.web.accounts import Session
from bridge.web.api import shapes
from bridge.web.api.shapes import AccountShape
from bridge.web.door import Door
from bridge.web.languages import Language, wanted
from bridge.web.lines import Lines
from bridge.web.pages import Pages, enter
from bridge.web.parts import WebParts
from bridge.web.places import Places
from bridge.web.rendering import Rendering

FOR_SCRIPTS = ("chat.", "error.", "network.", "told.", "role.")


class RoomPages:
    """Handlers of /rooms/{room} and below."""

    def __init__(
        self, parts: WebParts, door: Door, places: Places, lines: Lines, pages: Pages, rendering: Rendering
    ) -> None:
        self._view = parts.hub
        self._native = parts.native
        self._door = door
        self._places = places
        self._lines = lines
        self._pages = pages
        self._rendering = rendering

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/rooms/{room}", self.room)
        router.add_post("/rooms/{room}/join", self.join)
        router.add_post("/rooms/{room}/leave", self.leave)
        router.add_get("/rooms/{room}/about", self.about)
        router.add_post("/rooms/{room}/about", self.describe)

    async def room(self, request: web.Request) -> web.Response:
        """Show a room with its newest lines."""
        session = await enter(self._door, request)
        snapshot, place = await self._places.seen(room_of(request), session.account.person)
        me = await self._pages.me(session)
        data = await self._data(snapshot, place, me, wanted(request))
        return self._rendering.answer(
            request,
            "room.html",
            me=me,
            room=data["room"],
            rooms=[room for room in await self._places.all(session.account.person) if room.joined],
            data=data,
            may_describe=may_describe(session, place),
        )

    async def _data(
        self, snapshot: RoomSnapshot, place: Member | None, me: AccountShape, language: Language
    ) -> dict[str, Any]:
        """Return what the page's script begins with: no request is needed before the first line shows."""
        room = snapshot.room.id
        strings = {key: value for key, value in language.strings.items() if key.startswith(FOR_SCRIPTS)}
        data = {
            "me": me,
            "room": shapes.room_now(snapshot, place=place),
            "members": [shapes.member(each, room) for each in snapshot.members],
            "events": await self._lines.page(room),
            "statuses": [shapes.status(status) for status in self._view.statuses()],
            "language": language.code,
            "strings": strings,
        }
        plain: dict[str, Any] = msgspec.to_builtins(data)
        return plain

    async def join(self, request: web.Request) -> web.Response:
        """Come in."""
        session = await enter(self._door, request)
        room = room_of(request)
        await self._places.visible(room, session.account.person)
        self._door.count_change(session)
        await self._native.join(room, session.account.person)
        raise forms.go(f"/rooms/{room}")

    async def leave(self, request: web.Request) -> web.Response:
        """Go."""
        session = await enter(self._door, request)
        room = room_of(request)
        if await self._places.visible(room, session.account.person) is not None:
            self._door.count_change(session)
            await self._native.leave(room, session.account.person)
        raise forms.go("/rooms")

    async def about(self, request: web.Request) -> web.Response:
        """Show the form for name and topic."""
        session = await enter(self._door, request)
        return await self._show_about(request, session)

    async def _show_about(
        self,
        request: web.Request,
        session: Session,
        *,
        form: dict[str, str] | None = None,
        refusal: Refused | None = None,
    ) -> web.Response:
        snapshot, place = await self._places.seen(room_of(request), session.account.person)
        if not may_describe(session, place):
            raise Refused("not_allowed", "Only the room's owner and moderators may change this.", status=403)
        return self._rendering.answer(
            request,
            "about.html",
            refusal=refusal,
            me=await self._pages.me(session),
            room=shapes.room_now(snapshot, place=place),
            form=form or {"name": snapshot.room.name, "topic": snapshot.room.topic},
        )

    async def describe(self, request: web.Request) -> web.Response:
        """Change name and topic."""
        session = await enter(self._door, request)
        room = room_of(request)
        form = await forms.fields(request)
        await self._places.visible(room, session.account.person)
        try:
            self._door.count_change(session)
            await self._native.describe(room, session.account.person, name=form.get("name"), topic=form.get("topic"))
        except Refused as refusal:
            return await self._show_about(request, session, form=form, refusal=refusal)
        raise forms.go(f"/rooms/{room}")


def room_of(request: web.Request) -> RoomId:
    """Return the room of the address."""
    return RoomId(request.match_info["room"])


def may_describe(session: Session, place: Member | None) -> bool:
    """Tell whether the visitor may change the room's name and topic (the room itself decides again)."""
    return place is not None and (session.account.admin or place.role in ("owner", "moderator"))
