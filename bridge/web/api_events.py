"""The API of the log: reading pages of it, and writing to it."""

from __future__ import annotations

from typing import Any, get_args

from aiohttp import web

from bridge.core.items import Placed
from bridge.model.errors import Refused
from bridge.model.events import Style
from bridge.model.ids import EventId, PersonId, RoomId
from bridge.web import bodies
from bridge.web.api_rooms import room_of
from bridge.web.door import Door
from bridge.web.lines import Lines
from bridge.web.parts import WebParts
from bridge.web.places import Places

WRITABLE = ("said", "edited", "removed")
"""The closed list of kinds that may be written; docs/api.md tells what each takes."""

CLIENT_ID_CHARS = 128
MOST = 200


class EventsApi:
    """Handlers of /api/v1/rooms/{room}/events."""

    def __init__(self, parts: WebParts, door: Door, places: Places, lines: Lines) -> None:
        self._native = parts.native
        self._door = door
        self._places = places
        self._lines = lines

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/api/v1/rooms/{room}/events", self.page)
        router.add_post("/api/v1/rooms/{room}/events", self.write)

    async def page(self, request: web.Request) -> web.Response:
        """Answer a page of the log."""
        session = await self._door.enter(request)
        room = room_of(request)
        await self._places.visible(room, session.account.person)
        events = await self._lines.page(
            room,
            before=bodies.number(request, "before"),
            after=bodies.number(request, "after"),
            limit=bodies.number(request, "limit", least=1, most=MOST) or 50,
            raw=bodies.flag(request, "raw"),
        )
        return bodies.answer({"events": events})

    async def write(self, request: web.Request) -> web.Response:
        """Write one event; answer its number after the commit."""
        session = await self._door.enter(request)
        room, person = room_of(request), session.account.person
        body = await bodies.json_object(request)
        kind = bodies.text(body, "kind")
        if kind not in WRITABLE:
            raise Refused("unknown_kind", f"kind must be one of: {', '.join(WRITABLE)}.", field="kind")
        content = body.get("content")
        if content is None:
            raise Refused("missing_field", "content is missing.", field="content")
        if not isinstance(content, dict):
            raise Refused("bad_field", "content must be an object.", field="content")
        client_id = _client_id(body)
        await self._places.visible(room, person)
        self._door.count_message(session)
        placed = await self._placed(room, person, kind, content, client_id)
        return bodies.answer({"seq": placed.seq, "id": placed.id}, status=201 if placed.fresh else 200)

    async def _placed(
        self, room: RoomId, person: PersonId, kind: str, content: dict[str, Any], client_id: str | None
    ) -> Placed:
        native = self._native
        if kind == "said":
            text, style = bodies.text(content, "text", within="content."), _style(content)
            return await native.say(room, person, text, style=style, client_id=client_id)
        target = EventId(bodies.text(content, "target", within="content."))
        if kind == "edited":
            text, style = bodies.text(content, "text", within="content."), _style(content)
            return await native.edit(room, person, target, text, client_id, style=style)
        reason = bodies.optional_text(content, "reason", within="content.") or ""
        if len(reason) > 500:
            raise Refused("bad_field", "content.reason may have 500 characters.", field="content.reason")
        return await native.remove(room, person, target, reason, client_id)


def _style(content: dict[str, Any]) -> Style:
    style = bodies.optional_text(content, "style", within="content.") or "text"
    match style:
        case "text" | "notice" | "emote":
            return style
        case _:
            allowed = ", ".join(get_args(Style))
            raise Refused("bad_field", f"content.style must be one of: {allowed}.", field="content.style")


def _client_id(body: dict[str, Any]) -> str | None:
    client_id = bodies.optional_text(body, "client_id")
    if client_id is not None and not 1 <= len(client_id) <= CLIENT_ID_CHARS:
        raise Refused("bad_field", f"client_id must have 1 to {CLIENT_ID_CHARS} characters.", field="client_id")
    return client_id
