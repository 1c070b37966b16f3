"""The API of finding lines again: the search, and the lines around one."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bridge.core.searching import Search
from bridge.model.errors import Refused
from bridge.model.ids import EventId, PersonId, RoomId
from bridge.store import log
from bridge.store.database import Database
from bridge.store.indexing import TIE_BITS, first_id
from bridge.web.api import shapes
from bridge.web.api.operations import Call, Operation
from bridge.web.api.rooms import room_of
from bridge.web.api.shapes import LineShape
from bridge.web.limits import Limit
from bridge.web.lines import Lines
from bridge.web.parts import WebParts

MOST = 50
QUERY_CHARS = 256
NEAR = 200
LATEST = 2**42 - 1
"""The latest time that is understood (UTC milliseconds): in the year 2109."""

_BEFORE = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,7}))?")
Id = Annotated[str, Meta(max_length=64)]


class SearchQuery(msgspec.Struct, rename={"who": "from"}):
    """What is searched for, and where the page begins."""

    q: Annotated[str, Meta(max_length=QUERY_CHARS)]
    room: Id | None = None
    who: Id | None = None
    has: Literal["link"] | None = None
    before: Annotated[str, Meta(max_length=32)] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 20


class Hit(msgspec.Struct):
    """A line that was found, and the room that it is in."""

    room: str
    event: LineShape


class SearchPage(msgspec.Struct):
    """Lines that were found, newest first; `next` is what to give as `before` for the page that follows, if there is
    one."""

    hits: list[Hit]
    next: str | UnsetType = UNSET


class ContextQuery(msgspec.Struct):
    """How many lines."""

    limit: Annotated[int, Meta(ge=1, le=NEAR)] = 50


class Context(msgspec.Struct):
    """A line's number, and events around it in rising `seq`, itself among them; `older` and `newer` tell whether
    there is more on either side."""

    seq: int
    events: list[LineShape]
    older: bool
    newer: bool


class SearchApi:
    """Handlers of /search and of the lines around one."""

    def __init__(self, parts: WebParts, lines: Lines) -> None:
        self._db: Database = parts.db
        self._view = parts.hub
        self._search = Search(parts.db, parts.hub)
        self._limit = Limit(
            parts.limits.messages_per_second, parts.limits.burst, "You search very fast: wait a moment."
        )
        self._lines = lines

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag = "log"
        return [
            Operation(
                "GET", "/search", "search", "Find lines by their words, newest first.", tag, self.search,
                query=SearchQuery, answer=SearchPage,
                refusals=("nothing_to_find", "no_such_room", "join_to_read"),
            ),
            Operation(
                "GET", "/rooms/{room}/events/{event}/context", "readContext", "The lines around one.", tag,
                self.context, query=ContextQuery, answer=Context,
                refusals=("no_such_room", "no_such_event", "join_to_read"),
            ),
        ]

    async def search(self, call: Call) -> SearchPage:
        """Answer a page of hits."""
        query: SearchQuery = call.query
        self._limit.check(call.session.account.id)
        found = await self._search.find(
            call.person,
            query.q,
            room=None if query.room is None else RoomId(query.room),
            who=None if query.who is None else PersonId(query.who),
            link=query.has == "link",
            below=None if query.before is None else _below(query.before),
            limit=query.limit,
        )
        hits = [Hit(line.entry.event.room, shapes.line(line, found.networks)) for line in found.lines]
        return SearchPage(hits, UNSET if found.next is None else _place(found.next))

    async def context(self, call: Call) -> Context:
        """Answer a line with those before and after it; of an edit or a removal it is the line that it is about."""
        room, limit = room_of(call), call.query.limit
        first = await self._view.reads_from(room, call.person)
        event = EventId(call.path["event"])
        seq = await self._db.read(lambda connection: log.shown_as(connection, room, event))
        if seq is None or seq < first:
            raise Refused("no_such_event", "There is no such line here.", status=404)
        before = await self._lines.page(room, before=seq + 1, limit=limit // 2 + 2, first=first)
        after = await self._lines.page(room, after=seq, limit=limit - limit // 2, first=first)
        older, newer = before[-(limit // 2 + 1) :], after[: limit - limit // 2 - 1]
        return Context(seq, [*older, *newer], older=len(older) < len(before), newer=len(newer) < len(after))


def _below(before: str) -> int:
    """Return the row under which a page begins, of a time or of what `next` has said."""
    match = _BEFORE.fullmatch(before)
    if match is None:
        raise Refused("bad_field", "before must be a time in milliseconds, or what `next` has said.", field="before")
    return first_id(min(int(match[1]), LATEST)) | min(int(match[2] or 0), (1 << TIE_BITS) - 1)


def _place(row: int) -> str:
    return f"{row >> TIE_BITS}.{row & ((1 << TIE_BITS) - 1)}"
