"""The live view of a room as server-sent events: what is new after a number, then what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from bridge.core.ports import Line
from bridge.model.errors import Refused
from bridge.model.events import Edited, Removed
from bridge.model.ids import EventId, PersonId, RoomId
from bridge.store.accounts import Account
from bridge.web import bodies
from bridge.web.accounts import Session
from bridge.web.api import shapes
from bridge.web.door import Door
from bridge.web.feed import RESYNC, Chunk, Feeds, Looker, chunk, room_chunk
from bridge.web.lines import Lines
from bridge.web.parts import WebParts
from bridge.web.places import Places

CATCH_UP = 1_000
"""Who has missed more lines than this is told to read the page again."""
BEAT = b": beat\nevent: beat\ndata: {}\n\n"


class Streams:
    """The handler of /api/v1/rooms/{room}/stream, and all streams that are open."""

    def __init__(self, parts: WebParts, door: Door, places: Places, lines: Lines) -> None:
        self._view = parts.hub
        self._accounts = parts.accounts
        self._limit = parts.limits.streams_per_account
        self._beat_seconds = parts.heartbeat_seconds
        self._door = door
        self._lines = lines
        self._feeds = Feeds(parts.hub, lines)
        self._open: dict[Looker, Session] = {}
        parts.accounts.on_session_end(self.end)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the route."""
        # A HEAD that follows a room would never be answered.
        router.add_get("/api/v1/rooms/{room}/stream", self.follow, allow_head=False)

    def end(self, account: Account, token_hash: str | None) -> None:
        """End the streams of one session, or of all of an account's."""
        for looker, session in self._open.items():
            if session.account.id == account.id and token_hash in (None, session.token_hash):
                looker.end()

    async def close(self, _app: web.Application) -> None:
        """End every stream, because the server stops (a signal handler)."""
        for looker in self._open:
            looker.end()

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Stream a room until the session ends, the visitor goes, or reads too slowly."""
        session = await self._door.enter(request)
        room, person = RoomId(request.match_info["room"]), session.account.person
        first = await self._view.reads_from(room, person)
        after = max(_after(request), first - 1)
        mine = sum(1 for other in self._open.values() if other.account.id == session.account.id)
        if mine >= self._limit:
            raise Refused("too_many_streams", "Too many pages are open: close some.", status=429)
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        async with self._feeds.look(room, lambda: _cut_off(request)) as looker:
            self._open[looker] = session
            try:
                await response.prepare(request)
                await self._write(response, looker, room, session, after, first)
            except ConnectionError:
                # The visitor went away: nothing is left to be told.
                return response
            finally:
                del self._open[looker]
        return response

    async def _write(
        self, response: web.StreamResponse, looker: Looker, room: RoomId, session: Session, after: int, first: int
    ) -> None:
        last = after
        async for one in self._beginning(room, after):
            if 0 < one.about < first:
                continue
            last = max(last, one.seq)
            await response.write(one.data)
        while True:
            try:
                async with asyncio.timeout(self._beat_seconds):
                    found = await looker.next()
            except TimeoutError:
                await response.write(BEAT)
                if not await self._still_welcome(room, session):
                    return
                continue
            if found is None:
                return
            if (found.seq and found.seq <= last) or 0 < found.about < first:
                continue
            last = max(last, found.seq)
            await response.write(found.data)
            if found is RESYNC or (found.left == session.account.person and not await self._sees(room, found.left)):
                return

    async def _beginning(self, room: RoomId, after: int) -> AsyncIterator[Chunk]:
        """Yield how everything is, the lines after a number, and older lines that were changed since."""
        yield await room_chunk(self._view, room)
        for status in self._view.statuses():
            yield chunk("status", shapes.status(status))
        start, sent = after, 0
        while page := await self._view.page(room, before=None, after=after, limit=200, raw=True):
            sent += len(page)
            if sent > CATCH_UP:
                yield RESYNC
                return
            after = page[-1].entry.seq
            for one in await self._chunks(room, page, start):
                yield one
        yield chunk("live", {"seq": after})

    async def _chunks(self, room: RoomId, page: list[Line], start: int) -> list[Chunk]:
        listed = [line for line in page if _kind(line) not in ("edited", "removed")]
        shaped = await self._lines.shaped(room, listed)
        chunks = [chunk("line", shape, seq=shape.seq) for shape in shaped]
        targets = {target for line in page if (target := _target(line)) is not None}
        older = [shape for shape in await self._lines.by_ids(room, targets) if shape.seq <= start] if targets else []
        return [*(chunk("amended", shape, about=shape.seq) for shape in older), *chunks]

    async def _still_welcome(self, room: RoomId, session: Session) -> bool:
        fresh = await self._accounts.session_by_hash(session.token_hash)
        return fresh is not None and await self._sees(room, session.account.person)

    async def _sees(self, room: RoomId, person: PersonId) -> bool:
        try:
            await self._view.reads_from(room, person)
        except Refused:
            return False
        return True


def _kind(line: Line) -> str:
    return line.entry.erased or line.entry.event.kind


def _target(line: Line) -> EventId | None:
    content = line.entry.event.content
    return content.target if isinstance(content, Edited | Removed) and not line.entry.erased else None


def _after(request: web.Request) -> int:
    """Return the number to go on after: browsers that reconnect by themselves say it in a header."""
    header = request.headers.get("Last-Event-ID", "")
    if header.isascii() and header.isdigit() and len(header) <= 16:
        return int(header)
    return bodies.number(request, "after") or 0


def _cut_off(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
