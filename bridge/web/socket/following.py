"""One room on one socket: what was missed, then what happens; what a slow reader cannot take is told again later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from bridge.core.ports import Line
from bridge.model.errors import Refused
from bridge.model.events import Edited, Removed
from bridge.model.ids import EventId, PersonId, RoomId
from bridge.web.api import shapes
from bridge.web.lines import Lines
from bridge.web.parts import View
from bridge.web.socket import protocol
from bridge.web.socket.feed import Feed, Feeds, Told, room_frame
from bridge.web.socket.outlet import Outlet, TooSlow

logger = structlog.get_logger(__name__)

NEWEST = 50
"""Lines of the page with which a room begins, and lines whose deliveries are told anew after a pause."""
CATCH_UP = 1_000
"""Who has missed more lines than this begins with the newest page."""
STEP = 200
HELD = 1_000
"""Frames that are held back while what was missed is read."""


class Following:
    """Implements `feed.Follower`. `ended` is called when the room may be read no more."""

    def __init__(
        self,
        room: RoomId,
        person: PersonId,
        outlet: Outlet,
        view: View,
        lines: Lines,
        feeds: Feeds,
        ended: Callable[[RoomId], Awaitable[None]],
        moved: Callable[[RoomId], None],
        too_slow: Callable[[], None],
    ) -> None:
        self._room = room
        self._person = person
        self._outlet = outlet
        self._view = view
        self._lines = lines
        self._feeds = feeds
        self._ended = ended
        self._moved = moved
        self._too_slow = too_slow
        self._feed: Feed | None = None
        self._last: int | None = None
        self._first = 1
        self._held: list[Told] | None = []
        """Frames that came while the missed ones are read; None while the room is live."""
        self._spilled = False
        self._touched: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def last(self) -> int:
        """Return the number of the last line that was written."""
        return self._last or 0

    @property
    def live(self) -> bool:
        """Tell whether what happens is written at once."""
        return self._held is None

    async def begin(self, after: int | None) -> None:
        """Follow the room from after a number on; raise `Refused` where it may not be read."""
        self._first = await self._view.reads_from(self._room, self._person)
        self._last = after
        self._feed = await self._feeds.enter(self._room, self)
        self.restart()

    def stop(self) -> None:
        """Follow the room no more."""
        self._feeds.leave(self._room, self)
        if self._task is not None:
            self._task.cancel()

    # what the feed does (feed.Follower)

    def take(self, told: Told) -> None:
        """Write what happened, or hold it back until what was missed is written."""
        if self._held is not None:
            self._hold(told)
        elif self._outlet.full:
            # Nothing more is put into a queue: the rest is read from the log once the reader has caught up.
            self._outlet.push(protocol.event("behind", room=self._room))
            self.restart()
            self._hold(told)
        else:
            self._write(told)

    def restart(self) -> None:
        """Go on after the last line that was written, from the log."""
        self._held, self._spilled = [], False
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._catch_up(), name=f"catch up {self._room}")
        else:
            self._spilled = True

    def renew(self) -> None:
        """Begin with the newest page again: what was left out cannot be told any more."""
        self._outlet.push(protocol.event("reset", room=self._room))
        self._last = None
        self.restart()

    def over(self) -> None:
        """End, because the room is no more."""
        self.stop()
        self._task = asyncio.create_task(_awaited(self._ended(self._room)), name=f"over {self._room}")

    def _hold(self, told: Told) -> None:
        assert self._held is not None
        if not self._spilled and len(self._held) < HELD:
            self._held.append(told)
            return
        # Lines are read from the log, and how everything is now is told anew; what changed older lines is noted.
        self._spilled = True
        self._touched.update(each.about for each in (*self._held, told) if not each.seq and each.about)
        self._held = []

    def _write(self, told: Told) -> None:
        if told.seq and told.seq <= self.last:
            return
        if told.everybody or (told.moved is not None and self._person in told.moved):
            # What one may read and do is looked at anew before anything more is written.
            self._moved(self._room)
            self.restart()
            self._hold(told)
            return
        if told.about and told.about < self._first:
            return
        self._outlet.push(told.data)
        if told.seq:
            self._last = told.seq

    # reading what was missed

    async def _catch_up(self) -> None:
        try:
            while True:
                await self._outlet.drained()
                self._spilled = False
                self._first = await self._view.reads_from(self._room, self._person)
                started = self._last
                await self._missed()
                tail = await self._present(started)
                if self._go_live(tail):
                    return
        except Refused:
            self._feeds.leave(self._room, self)
            await self._ended(self._room)
        except TooSlow:
            self._too_slow()
        except Exception:
            logger.exception("a room could not be caught up with", room=self._room)
            self._too_slow()

    def _go_live(self, tail: list[bytes]) -> bool:
        """Write what was held back, and be live; False where more was held back than fits, or rights changed."""
        if self._spilled or self._held is None:
            self._held = []
            return False
        held, self._held = self._held, None
        self._outlet.push(b"".join((protocol.event("live", room=self._room, seq=self.last), *tail)))
        for told in held:
            if self.live:
                self._write(told)
            else:
                self._hold(told)
        return self.live

    async def _missed(self) -> None:
        """Write every line after the last one that was written, and older ones that were changed since."""
        if self._last is None:
            await self._newest()
            return
        start, sent = self._last, 0
        while page := await self._view.page(
            self._room, before=None, after=self.last, limit=STEP, raw=True, first=self._first
        ):
            sent += len(page)
            if sent > CATCH_UP:
                self._outlet.push(protocol.event("reset", room=self._room))
                await self._newest()
                return
            self._outlet.push(b"".join(await self._frames(page, start)))
            self._last = page[-1].entry.seq
            await self._outlet.drained()
        touched, self._touched = self._touched, set()
        for shape in await self._lines.numbered(self._room, touched) if touched else []:
            if self._first <= shape.seq <= self.last:
                self._outlet.push(protocol.event("amended", room=self._room, line=shape))

    async def _newest(self) -> None:
        page = await self._lines.page(self._room, limit=NEWEST, first=self._first)
        self._outlet.push(b"".join(self._line(line) for line in page))
        self._last = max((line.seq for line in page), default=self._first - 1)

    async def _frames(self, page: list[Line], start: int) -> list[bytes]:
        listed = [line for line in page if _kind(line) not in ("edited", "removed")]
        found = [self._line(shape) for shape in await self._lines.shaped(self._room, listed)]
        targets = {target for line in page if (target := _target(line)) is not None}
        older = await self._lines.by_ids(self._room, targets) if targets else []
        changed = [shape for shape in older if self._first <= shape.seq <= start]
        return [*(protocol.event("amended", room=self._room, line=shape) for shape in changed), *found]

    def _line(self, shape: shapes.LineShape) -> bytes:
        return protocol.event("line", room=self._room, seq=shape.seq, line=shape)

    async def _present(self, started: int | None) -> list[bytes]:
        """Return how everything is now: after a pause the deliveries of the last lines, members, who types."""
        room = self._room
        found: list[bytes] = []
        if started:
            page = await self._lines.page(room, before=started + 1, limit=NEWEST, first=self._first)
            for line in page:
                found += [
                    protocol.event("delivery", room=room, seq=line.seq, delivery=each) for each in line.deliveries
                ]
        snapshot = await self._view.snapshot(room)
        if snapshot is not None:
            members: list[Any] = [shapes.member(member, room) for member in snapshot.members]
            found.append(protocol.event("members", room=room, members=members))
        if self._feed is not None:
            found += [await room_frame(self._view, room), await self._feed.typing()]
        return found


def _kind(line: Line) -> str:
    return line.entry.erased or line.entry.event.kind


def _target(line: Line) -> EventId | None:
    content = line.entry.event.content
    return content.target if isinstance(content, Edited | Removed) and not line.entry.erased else None


async def _awaited(work: Awaitable[None]) -> None:
    await work
