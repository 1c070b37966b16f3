"""One feed for each followed room: what happens is encoded once, and handed to every socket that follows the room."""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec
import structlog

from bridge.core.ports import Amended, Delivered, FellBehind, Frame, Fresh, RoomChanged, Watch
from bridge.model.events import FOLDED, Configured, Entry, Joined, Left, Profiled, Ranked, Said
from bridge.model.ids import PersonId, RoomId
from bridge.web.api import shapes
from bridge.web.lines import Lines
from bridge.web.parts import View
from bridge.web.socket import protocol
from bridge.web.socket.typists import Typists

logger = structlog.get_logger(__name__)

PERSONAL = ("joined", "role", "marker", "unread", "mentions", "can", "direct_with")
"""Fields of a room that differ from visitor to visitor."""


class Told(msgspec.Struct, frozen=True):
    """Bytes for the wire. `seq` is the number of the line that they tell (0: none), `about` the one that they are
    about: who may not read that one is not told. `moved` is whose rights changed with it, None for nobody."""

    data: bytes
    seq: int = 0
    about: int = 0
    moved: frozenset[PersonId] | None = None
    everybody: bool = False
    """Whether everybody's rights may have changed."""


class Follower(Protocol):
    """A socket that follows the room."""

    def take(self, told: Told) -> None:
        """Take what happened; must not wait."""
        ...

    def restart(self) -> None:
        """Begin again after the last line that was written: something was left out."""
        ...

    def renew(self) -> None:
        """Begin with the newest page again: what was left out cannot be told any more."""
        ...

    def over(self) -> None:
        """The room is no more."""
        ...


class Feed:
    """The task that follows one room, and who is told."""

    def __init__(self, view: View, lines: Lines, typists: Typists, room: RoomId) -> None:
        self.followers: set[Follower] = set()
        self.watching: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._view = view
        self._lines = lines
        self._typists = typists
        self._room = room
        self.task = asyncio.create_task(self._run(), name=f"feed {room}")

    def tell(self, told: Told) -> None:
        """Hand something to everybody who follows."""
        for follower in list(self.followers):
            follower.take(told)

    async def typing(self) -> bytes:
        """Return the frame that tells who types now."""
        people = []
        for person in self._typists.of(self._room):
            member = await self._view.member(self._room, person)
            if member is not None and member.joined:
                people.append({"id": person, "name": member.shown})
        return protocol.event("typing", room=self._room, people=people)

    async def _run(self) -> None:
        try:
            async with self._view.watch(self._room) as watch:
                self.watching.set_result(None)
                while True:
                    await self._pass_on(watch)
        except Exception as error:
            if not self.watching.done():
                self.watching.set_exception(error)
                return
            logger.exception("a room's feed broke", room=self._room)
        finally:
            self.watching.cancel()
            for follower in list(self.followers):
                follower.renew()

    async def _pass_on(self, watch: Watch) -> None:
        """Pass on everything that has happened by now: many lines take one look at the database."""
        frames = await watch.some()
        fresh = [frame.entry for frame in frames if isinstance(frame, Fresh) and frame.entry.event.kind not in FOLDED]
        amended = [frame.entry for frame in frames if isinstance(frame, Amended)]
        shaped = {line.seq: line for line in await self._lines.some(self._room, fresh + amended)}
        for frame in frames:
            for told in await self._told(frame, shaped):
                self.tell(told)

    async def _told(self, frame: Frame, shaped: dict[int, shapes.LineShape]) -> list[Told]:
        room = self._room
        match frame:
            case Fresh(entry):
                return [] if entry.event.kind in FOLDED else await self._line(entry, shaped[entry.seq])
            case Amended(entry):
                data = protocol.event("amended", room=room, line=shaped[entry.seq])
                return [Told(data, about=entry.seq)]
            case Delivered(delivery):
                seq = delivery.key.seq
                shape = await self._lines.delivery(delivery)
                return [Told(protocol.event("delivery", room=room, seq=seq, delivery=shape), about=seq)]
            case RoomChanged(changed):
                if changed.deleted:
                    for follower in list(self.followers):
                        follower.over()
                    return []
                return [Told(await room_frame(self._view, room))]
            case FellBehind():
                for follower in list(self.followers):
                    follower.renew()
                return []
            case _:
                return []

    async def _line(self, entry: Entry, shape: shapes.LineShape) -> list[Told]:
        room, who, content = self._room, entry.event.who, entry.event.content
        if isinstance(content, Said):
            self._typists.put(room, who, typing=False)
        moved: frozenset[PersonId] | None = None
        if isinstance(content, Joined | Left):
            moved = frozenset({who})
        elif isinstance(content, Ranked):
            moved = frozenset({content.person})
        data = protocol.event("line", room=room, seq=entry.seq, line=shape)
        found = [Told(data, entry.seq, entry.seq, moved, isinstance(content, Configured))]
        changed = content.person if isinstance(content, Ranked) else who
        if isinstance(content, Left):
            found.append(Told(protocol.event("member", room=room, left=who)))
        elif isinstance(content, Joined | Profiled | Ranked):
            member = await self._view.member(room, changed)
            if member is not None and member.joined:
                found.append(Told(protocol.event("member", room=room, member=shapes.member(member, room))))
        return found


async def room_frame(view: View, room: RoomId) -> bytes:
    """Return the frame that tells how a room is now, without what differs from visitor to visitor."""
    snapshot = await view.snapshot(room)
    shape = {} if snapshot is None else msgspec.to_builtins(shapes.room_now(snapshot, place=None))
    for name in PERSONAL:
        shape.pop(name, None)
    return protocol.event("room", room=shape)


class Feeds:
    """The feeds of all rooms that somebody follows."""

    def __init__(self, view: View, lines: Lines) -> None:
        self._view = view
        self._lines = lines
        self._feeds: dict[RoomId, Feed] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self.typists = Typists(self._typing_changed)

    async def enter(self, room: RoomId, follower: Follower) -> Feed:
        """Have a follower told from now on; raise `Refused` where there is no such room."""
        feed = self._feeds.get(room)
        if feed is None or feed.task.done():
            feed = self._feeds[room] = Feed(self._view, self._lines, self.typists, room)
        feed.followers.add(follower)
        try:
            await asyncio.shield(feed.watching)
        except BaseException:
            self.leave(room, follower)
            raise
        return feed

    def leave(self, room: RoomId, follower: Follower) -> None:
        """Have a follower told no more."""
        feed = self._feeds.get(room)
        if feed is None:
            return
        feed.followers.discard(follower)
        if not feed.followers:
            del self._feeds[room]
            feed.task.cancel()

    def _typing_changed(self, room: RoomId, _people: list[PersonId]) -> None:
        feed = self._feeds.get(room)
        if feed is None:
            return

        async def tell() -> None:
            feed.tell(Told(await feed.typing()))

        task = asyncio.create_task(tell(), name="typing")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
