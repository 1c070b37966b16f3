"""One room on one socket: what was missed, then what happens; what a slow reader cannot take is told again later."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from bridge.core.ports import Line
from bridge.model.errors import Refused
from bridge.model.events import Edited, Removed
from bridge.model.ids import EventId, PersonId, RoomId
from bridge.web.api import shapes
from bridge.web.lines import Lines
from bridge.web.parts import View
from bridge.web.socket import protocol
from bridge.web.socket.feed import Feed, Feeds, News, Told
from bridge.web.socket.outlet import Outlet, TooSlow

logger = structlog.get_logger(__name__)

NEWEST = 50
"""Lines of the page with which a room begins, and lines whose deliveries are told anew after a pause."""
CATCH_UP = 1_000
"""Who has missed more lines than this begins with the newest page."""
STEP = 200
HELD = 1_000
"""Frames that are held back while what was missed is read."""
TRIES = 5
PAUSE_SECONDS = 1.0


class Owner(Protocol):
    """The socket that follows, and what it is told about itself."""

    outlet: Outlet

    async def gone(self, room: RoomId) -> None:
        """The room is followed no more: it may not be read, or one left it."""
        ...

    def moved(self, room: RoomId) -> None:
        """What one is, and may do, in the room has changed."""
        ...

    def slow(self) -> None:
        """The reader takes nothing."""
        ...

    def broken(self) -> None:
        """The room cannot be told any more, through our fault."""
        ...


class Following:
    """Implements `feed.Follower`."""

    def __init__(
        self, room: RoomId, person: PersonId, owner: Owner, view: View, lines: Lines, feeds: Feeds
    ) -> None:
        self._room = room
        self._person = person
        self._owner = owner
        self._outlet = owner.outlet
        self._view = view
        self._lines = lines
        self._feeds = feeds
        self._feed: Feed | None = None
        self._last: int | None = None
        self._first = 1
        self._held: list[Told] | None = []
        """What came while the missed lines are read; None while the room is live."""
        self._again = False
        """Whether more was missed than is held."""
        self._touched: set[int] = set()
        """Lines that changed and are not held."""
        self._task: asyncio.Task[None] | None = None

    @property
    def last(self) -> int:
        """Return the number of the last line that was written."""
        return self._last or 0

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

    def take(self, news: News) -> None:
        """Write what happened, or hold it back until what was missed is written."""
        if self._held is None and news.plain and self._concerns(news):
            if self._outlet.offer(news.data):
                if news.last:
                    self._last = news.last
            else:
                self._shed(news)
            return
        for told in news.told:
            self._take(told)

    def _concerns(self, news: News) -> bool:
        """Tell whether all of the news is for this reader, and new."""
        return (not news.first or news.first > self.last) and (not news.lowest or news.lowest >= self._first)

    def _shed(self, news: News) -> None:
        # Nothing more is put into a queue: the rest is read from the log once the reader has caught up.
        self._outlet.push(protocol.event("behind", room=self._room))
        self.restart()
        for told in news.told:
            self._hold(told)

    def _take(self, told: Told) -> None:
        if self._held is not None:
            self._hold(told)
        elif not (told.seq and told.seq <= self.last):
            self._write(told)

    def _turns(self, told: Told) -> bool:
        """Tell whether the reader's rights may be others from this on."""
        moved = told.moved is not None and self._person in told.moved
        return bool(told.seq) and (told.everybody or moved or told.left == self._person)

    def restart(self) -> None:
        """Go on after the last line that was written, from the log."""
        self._touched.update(each.about for each in self._held or () if each.about and not each.seq)
        self._held = []
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._catch_up(), name=f"catch up {self._room}")
        else:
            self._again = True

    def over(self) -> None:
        """End, because the room is no more, or is left."""
        self.stop()
        self._held = []
        self._task = asyncio.create_task(self._owner.gone(self._room), name=f"over {self._room}")

    def _hold(self, told: Told) -> None:
        assert self._held is not None
        if not self._again and len(self._held) < HELD:
            self._held.append(told)
            return
        # Lines are read from the log, and how everything is now is told anew; what changed older lines is noted.
        self._again = True
        self._touched.update(each.about for each in (*self._held, told) if each.about and not each.seq)
        self._held = []

    def _write(self, told: Told) -> None:
        if told.everybody or (told.moved is not None and self._person in told.moved):
            # What one may read and do is looked at anew before anything more is written, this line among it.
            self._owner.moved(self._room)
            self.restart()
            return
        if told.about < self._first and told.about:
            return
        if not self._outlet.offer(told.data):
            self._shed(News([told]))
            return
        if told.seq:
            self._last = told.seq
        if told.left == self._person:
            self.over()

    # reading what was missed

    async def _catch_up(self) -> None:
        tries = 0
        while True:
            try:
                await self._outlet.drained()
                self._again = False
                self._first = await self._view.reads_from(self._room, self._person)
                started = self._last
                await self._missed()
                if self._go_live(await self._present(started)):
                    return
            except Refused:
                self._feeds.leave(self._room, self)
                await self._owner.gone(self._room)
                return
            except TooSlow:
                self._owner.slow()
                return
            except Exception:
                logger.exception("a room could not be caught up with", room=self._room)
                tries += 1
                if tries == TRIES:
                    self._owner.broken()
                    return
                await asyncio.sleep(PAUSE_SECONDS * tries)

    def _go_live(self, tail: list[bytes]) -> bool:
        """Write what was held back, and be live; False where more was held back than fits, or rights changed."""
        if self._again or self._held is None:
            self._held = []
            return False
        if any(told.seq <= self.last and self._turns(told) for told in self._held):
            # It was read in the log as a line like any other: what one may read is looked at anew.
            self._held = [told for told in self._held if not (told.seq and told.seq <= self.last)]
            self._owner.moved(self._room)
            return False
        held, self._held = self._held, None
        live = protocol.event("live", room=self._room, seq=self.last)
        self._outlet.push(b"".join((live, *tail)))
        self._task = None
        for told in held:
            self._take(told)
        # What was held may have begun another reading, which has a task of its own.
        return True

    async def _missed(self) -> None:
        """Write every line after the last one that was written, and older ones that were changed since."""
        if self._last is None:
            await self._newest()
            return
        start, sent = self._last, 0
        while page := await self._view.page(
            self._room, before=None, after=self.last, limit=STEP, raw=True, first=self._first
        ):
            # Asked again with each page, before it is written: a slow reader may take minutes, and be sent away.
            if (first := await self._view.reads_from(self._room, self._person)) != self._first:
                self._first = first
                continue
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
        self._first = await self._view.reads_from(self._room, self._person)
        page = [line for line in page if line.seq >= self._first]
        self._touched.clear()
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
        """Return how everything is now: after a pause the deliveries of the last lines; the room, its members, who
        types."""
        found: list[bytes] = []
        if started:
            page = await self._lines.page(self._room, before=started + 1, limit=NEWEST, first=self._first)
            found += [
                protocol.event("delivery", room=self._room, seq=line.seq, delivery=each)
                for line in page
                for each in line.deliveries
            ]
        if self._feed is not None:
            found += [await self._feed.present(), await self._feed.typing()]
        return found


def _kind(line: Line) -> str:
    return line.entry.erased or line.entry.event.kind


def _target(line: Line) -> EventId | None:
    content = line.entry.event.content
    return content.target if isinstance(content, Edited | Removed) and not line.entry.erased else None
