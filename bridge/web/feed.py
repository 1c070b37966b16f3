"""One feed for each watched room: every frame is encoded once and handed to all who look at the room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog

from bridge.core.ports import Amended, Delivered, FellBehind, Frame, Fresh, RoomChanged, StatusChanged
from bridge.model.events import FOLDED, Left
from bridge.model.ids import PersonId, RoomId
from bridge.web.api import shapes
from bridge.web.lines import Lines
from bridge.web.parts import View

logger = structlog.get_logger(__name__)

QUEUE = 1_000


class Chunk(msgspec.Struct, frozen=True):
    """One server-sent event, ready for the wire: `seq` is set for a line, `left` for who went with it, `about` for
    what tells of a line that may be an older one."""

    data: bytes
    seq: int = 0
    left: PersonId | None = None
    about: int = 0


def chunk(name: str, data: Any, *, seq: int = 0, left: PersonId | None = None, about: int = 0) -> Chunk:
    """Encode one event. Only lines carry an `id`: a stream that is taken up again goes on after the last line."""
    number = f"id: {seq}\n" if seq else ""
    encoded = f"event: {name}\n{number}data: ".encode() + msgspec.json.encode(data) + b"\n\n"
    return Chunk(encoded, seq, left, about or seq)


RESYNC = chunk("resync", {})


class Looker:
    """One viewer's bounded queue of chunks. `over` is set when there will be no more."""

    def __init__(self, on_overflow: Callable[[], None]) -> None:
        self.over = False
        self._chunks: deque[Chunk] = deque()
        self._more = asyncio.Event()
        self._on_overflow = on_overflow

    def put(self, one: Chunk) -> None:
        """Add a chunk; a reader that left a thousand waiting is cut off."""
        if self.over:
            return
        if len(self._chunks) >= QUEUE:
            self.end()
            self._on_overflow()
            return
        self._chunks.append(one)
        self._more.set()

    def end(self) -> None:
        """Let the reader go once it has read what is there."""
        self.over = True
        self._more.set()

    async def next(self) -> Chunk | None:
        """Wait for the next chunk; None is the end."""
        while not self._chunks:
            if self.over:
                return None
            self._more.clear()
            await self._more.wait()
        return self._chunks.popleft()


class _Feed:
    """The task that follows one room, and who looks at it."""

    def __init__(self, view: View, lines: Lines, room: RoomId) -> None:
        self.lookers: set[Looker] = set()
        self.watching: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._view = view
        self._lines = lines
        self._room = room
        self.task = asyncio.create_task(self._run(), name=f"feed {room}")

    async def _run(self) -> None:
        try:
            async with self._view.watch(self._room) as watch:
                self.watching.set_result(None)
                while True:
                    for one in await self._encoded(await watch.next()):
                        for looker in list(self.lookers):
                            looker.put(one)
        except Exception as error:
            if not self.watching.done():
                self.watching.set_exception(error)
                return
            logger.exception("a room's feed broke", room=self._room)
        finally:
            self.watching.cancel()
            for looker in list(self.lookers):
                looker.put(RESYNC)
                looker.end()

    async def _encoded(self, frame: Frame) -> list[Chunk]:
        match frame:
            case Fresh(entry) if entry.event.kind in FOLDED:
                # It lives on in its target, of which `Amended` tells.
                return []
            case Fresh(entry):
                left = entry.event.who if isinstance(entry.event.content, Left) else None
                return [chunk("line", await self._lines.one(self._room, entry), seq=entry.seq, left=left)]
            case Amended(entry):
                return [chunk("amended", await self._lines.one(self._room, entry), about=entry.seq)]
            case Delivered(delivery):
                return [chunk("delivery", await self._lines.delivery(delivery), about=delivery.key.seq)]
            case RoomChanged():
                return [await room_chunk(self._view, self._room)]
            case StatusChanged(status):
                return [chunk("status", shapes.status(status))]
            case FellBehind():
                return [RESYNC]


async def room_chunk(view: View, room: RoomId) -> Chunk:
    """Return the event that tells how a room is now; it is the same for all, so `joined` is left out."""
    snapshot = await view.snapshot(room)
    shape: dict[str, Any] = {} if snapshot is None else msgspec.to_builtins(shapes.room_now(snapshot, place=None))
    for personal in ("joined", "role", "marker", "unread", "mentions", "can"):
        shape.pop(personal, None)
    return chunk("room", shape)


class Feeds:
    """The feeds of all rooms that somebody looks at."""

    def __init__(self, view: View, lines: Lines) -> None:
        self._view = view
        self._lines = lines
        self._feeds: dict[RoomId, _Feed] = {}

    @asynccontextmanager
    async def look(self, room: RoomId, on_overflow: Callable[[], None]) -> AsyncIterator[Looker]:
        """Follow a room inside the `async with` block; whatever is committed from its beginning on is queued."""
        feed = self._feeds.get(room)
        if feed is None or feed.task.done():
            feed = self._feeds[room] = _Feed(self._view, self._lines, room)
        looker = Looker(on_overflow)
        feed.lookers.add(looker)
        try:
            await asyncio.shield(feed.watching)
            yield looker
        finally:
            feed.lookers.discard(looker)
            if not feed.lookers and self._feeds.get(room) is feed:
                del self._feeds[room]
                feed.task.cancel()
