"""The API of the log: reading pages of it, and writing to it."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from bridge.core.items import Placed
from bridge.model.errors import Refused
from bridge.model.events import Style
from bridge.model.ids import EventId, PersonId, RoomId
from bridge.web.api.operations import Call, Made, Operation
from bridge.web.api.rooms import room_of
from bridge.web.api.shapes import LineShape
from bridge.web.lines import Lines
from bridge.web.parts import WebParts
from bridge.web.places import Places

Writable: TypeAlias = Literal["said", "edited", "removed"]
WRITABLE: tuple[str, ...] = get_args(Writable)
"""The closed list of kinds that may be written; docs/api.md tells what each takes."""

CLIENT_ID_CHARS = 128
REASON_CHARS = 500
MOST = 200
BIGGEST = 2**53
"""The largest number that every JSON reader takes exactly."""

Number: TypeAlias = Annotated[int, Meta(ge=0, le=BIGGEST)]


class PageQuery(msgspec.Struct):
    """Which page of the log: both bounds are exclusive."""

    before: Number | None = None
    after: Number | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 50
    raw: bool = False


class Page(msgspec.Struct):
    """Events in rising `seq`."""

    events: list[LineShape]


class WriteContent(msgspec.Struct):
    """What is written: `text` and `style` of a line or an edit, `target` of an edit or a removal."""

    text: str | None = None
    style: Style = "text"
    target: Annotated[str, Meta(max_length=64)] | None = None
    reason: Annotated[str, Meta(max_length=REASON_CHARS)] | None = None


class Write(msgspec.Struct):
    """Something to be written; with the same `client_id` it is written once, however often it is sent."""

    kind: Writable
    content: WriteContent
    client_id: Annotated[str, Meta(min_length=1, max_length=CLIENT_ID_CHARS)] | None = None


class Written(msgspec.Struct):
    """The number and the ID of what was written."""

    seq: int
    id: str


class EventsApi:
    """Everything below /rooms/{room}/events."""

    def __init__(self, parts: WebParts, places: Places, lines: Lines) -> None:
        self._view = parts.hub
        self._native = parts.native
        self._places = places
        self._lines = lines

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag, path = "log", "/rooms/{room}/events"
        return [
            Operation(
                "GET", path, "readLog", "A page of a room's log.", tag, self.page,
                query=PageQuery, answer=Page, refusals=("no_such_room", "join_to_read"),
            ),
            Operation(
                "POST", path, "write", "Write one event; answered once it is on disk.", tag, self.write,
                body=Write, answer=Written, status=201, also=(200,), counts="message",
                refusals=(
                    "no_such_room", "empty_text", "text_too_long", "not_in_room", "not_allowed",
                    "not_yours", "not_changeable", "no_such_event", "muted", "room_archived", "slow_mode",
                    "person_gone",
                ),
            ),
        ]

    async def page(self, call: Call) -> Page:
        """Answer a page of the log."""
        room, query = room_of(call), call.query
        first = await self._view.reads_from(room, call.person)
        return Page(
            await self._lines.page(
                room, before=query.before, after=query.after, limit=query.limit, raw=query.raw, first=first
            )
        )

    async def write(self, call: Call) -> Made:
        """Write one event; answer its number after the commit."""
        room, body = room_of(call), call.body
        await self._places.visible(room, call.person)
        placed = await self.placed(room, call.person, body.kind, body.content, body.client_id)
        return Made(Written(placed.seq, placed.id), 201 if placed.fresh else 200)

    async def placed(
        self, room: RoomId, person: PersonId, kind: Writable, content: WriteContent, client_id: str | None
    ) -> Placed:
        """Write one event; return its place in the log after the commit."""
        native = self._native
        if kind == "said":
            text = _given(content.text, "text")
            return await native.say(room, person, text, style=content.style, client_id=client_id)
        target = EventId(_given(content.target, "target"))
        if kind == "edited":
            text = _given(content.text, "text")
            return await native.edit(room, person, target, text, client_id, style=content.style)
        return await native.remove(room, person, target, content.reason or "", client_id)


def _given(value: str | None, field: str) -> str:
    if value is None:
        raise Refused("missing_field", f"content.{field} is missing.", field=f"content.{field}")
    return value
