"""One feed for each followed room: what happens is encoded once, and handed to every socket that follows the room."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec
import structlog

from bridge.core import rights
from bridge.core.ports import Delivered, FellBehind, Frame, Fresh, RoomChanged, Watch
from bridge.model.errors import Refused
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
MEMBERS_MOST = 500
"""So many members are told at the beginning; `total` says how many there are."""
AT_ONCE = 200
"""So many sockets are written to before other tasks have their turn."""
PAUSE_SECONDS = 1.0
TYPING_SECONDS = 0.5
"""Who types in a room is told at most so often."""


class Told(msgspec.Struct, frozen=True):
    """Bytes for the wire. `seq` is the number of the line that they tell (0: none), `about` the one that they are
    about (0: none): who may not read that one is not told. `moved` are people whose rights changed with it, `left`
    is who is in the room no more."""

    data: bytes
    seq: int = 0
    about: int = 0
    moved: frozenset[PersonId] | None = None
    left: PersonId | None = None
    everybody: bool = False
    """Whether everybody's rights may have changed."""


class News:
    """What happened together, also as one piece for those to whom all of it goes."""

    __slots__ = ("data", "first", "last", "lowest", "plain", "told")

    def __init__(self, told: Sequence[Told]) -> None:
        numbers = [each.seq for each in told if each.seq]
        self.told = told
        self.data = b"".join(each.data for each in told)
        self.first = numbers[0] if numbers else 0
        self.last = numbers[-1] if numbers else 0
        self.lowest = min((each.about for each in told if each.about), default=0)
        self.plain = not any(each.moved or each.left or each.everybody for each in told)


class Follower(Protocol):
    """A socket that follows the room."""

    def take(self, news: News) -> None:
        """Take what happened; must not wait."""
        ...

    def restart(self) -> None:
        """Go on after the last line that was written, from the log: something was left out."""
        ...

    def over(self) -> None:
        """The room is no more."""
        ...


class Feed:
    """The task that follows one room, and who is told."""

    def __init__(self, view: View, lines: Lines, typists: Typists, room: RoomId) -> None:
        self.followers: dict[Follower, None] = {}
        self.watching: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._view = view
        self._lines = lines
        self._typists = typists
        self._room = room
        self._present: bytes | None = None
        self.task = asyncio.create_task(self._run(), name=f"feed {room}")

    async def tell(self, told: Sequence[Told]) -> None:
        """Hand something to everybody who follows."""
        news = News(told)
        # Who begins to follow meanwhile reads it in the log.
        for number, follower in enumerate(list(self.followers), 1):
            if follower in self.followers:
                follower.take(news)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    async def typing(self) -> bytes:
        """Return the frame that tells who types now."""
        people = []
        for person in self._typists.of(self._room):
            member = await self._view.member(self._room, person)
            if member is not None and member.joined:
                people.append({"id": person, "name": member.shown})
        return protocol.event("typing", room=self._room, people=people)

    async def present(self) -> bytes:
        """Return the frames that tell how the room is now, and who is in it; made anew only after a change."""
        if self._present is not None:
            return self._present
        snapshot = await self._view.snapshot(self._room)
        if snapshot is None:
            return b""
        shape = msgspec.to_builtins(shapes.room_now(snapshot, place=None))
        for name in PERSONAL:
            shape.pop(name, None)
        members = [shapes.member(member, self._room) for member in snapshot.members[:MEMBERS_MOST]]
        self._present = protocol.event("room", room=shape) + protocol.event(
            "members", room=self._room, members=members, total=len(snapshot.members)
        )
        return self._present

    async def _run(self) -> None:
        """Follow the room; whatever breaks, everybody goes on from the log, and the feed too."""
        while True:
            try:
                async with self._view.watch(self._room) as watch:
                    if not self.watching.done():
                        self.watching.set_result(None)
                    while True:
                        await self._pass_on(watch)
            except Exception as error:
                if not self.watching.done():
                    self.watching.set_exception(error)
                    return
                if isinstance(error, Refused):
                    self._over()
                    return
                logger.exception("a room's feed broke", room=self._room)
                await asyncio.sleep(PAUSE_SECONDS)
                self._present = None
                self._restart()
            finally:
                self.watching.cancel()

    def _restart(self) -> None:
        for follower in list(self.followers):
            follower.restart()

    def _over(self) -> None:
        for follower in list(self.followers):
            follower.over()

    async def _pass_on(self, watch: Watch) -> None:
        """Pass on everything that has happened by now.

        An edit or a removal is told in its place among the lines, as the line that it changed reads now: who was told
        a line has been told every change before it.
        """
        frames = await watch.some()
        if any(isinstance(frame, FellBehind) for frame in frames):
            self._present = None
            self._restart()
            return
        fresh = [frame for frame in frames if isinstance(frame, Fresh)]
        changed = {frame.target for frame in fresh if frame.target is not None}
        lines = [each for each in fresh if each.entry.event.kind not in FOLDED]
        shaped = {line.seq: line for line in await self._lines.new(self._room, lines)}
        if changed:
            # Also for a line that was removed at once: its words go to nobody.
            shaped.update({line.seq: line for line in await self._lines.numbered(self._room, changed)})
        told = [each for frame in frames for each in await self._told(frame, shaped)]
        if told:
            await self.tell(told)

    async def _told(self, frame: Frame, shaped: dict[int, shapes.LineShape]) -> list[Told]:
        room = self._room
        match frame:
            case Fresh(entry, _, target) if entry.event.kind in FOLDED:
                if target is None or target not in shaped:
                    return []
                return [Told(protocol.event("amended", room=room, line=shaped[target]), about=target)]
            case Fresh(entry):
                return await self._line(entry, shaped[entry.seq])
            case Delivered(delivery):
                seq, shape = delivery.key.seq, await self._lines.delivery(delivery)
                shape.seq = msgspec.UNSET
                return [Told(protocol.event("delivery", room=room, seq=seq, delivery=shape), about=seq)]
            case RoomChanged(changed):
                return await self._room_changed(deleted=changed.deleted)
            case _:
                return []

    async def _room_changed(self, *, deleted: bool) -> list[Told]:
        self._present = None
        if deleted:
            self._over()
            return []
        snapshot = await self._view.snapshot(self._room)
        if snapshot is None:
            return []
        shape = msgspec.to_builtins(shapes.room_now(snapshot, place=None))
        for name in PERSONAL:
            shape.pop(name, None)
        return [Told(protocol.event("room", room=shape))]

    async def _line(self, entry: Entry, shape: shapes.LineShape) -> list[Told]:
        room, who, content = self._room, entry.event.who, entry.event.content
        moved: frozenset[PersonId] | None = None
        changed: PersonId | None = None
        match content:
            case Said():
                self._typists.put(room, who, typing=False)
            case Joined():
                moved, changed = frozenset({who}), who
            case Ranked():
                moved, changed = frozenset({content.person}), content.person
            case Left() | Profiled():
                changed = who
            case _:
                pass
        data = protocol.event("line", room=room, seq=entry.seq, line=shape)
        left = who if isinstance(content, Left) else None
        line = Told(data, entry.seq, entry.seq, moved, left, isinstance(content, Configured))
        return [line] if changed is None else [line, await self._member(changed)]

    async def _member(self, person: PersonId) -> Told:
        self._present = None
        member = await self._view.member(self._room, person)
        if member is None or not member.joined:
            return Told(protocol.event("member", room=self._room, left=person))
        return Told(protocol.event("member", room=self._room, member=shapes.member(member, self._room)))


class Feeds:
    """The feeds of all rooms that somebody follows."""

    def __init__(self, view: View, lines: Lines) -> None:
        self._view = view
        self._lines = lines
        self._feeds: dict[RoomId, Feed] = {}
        self._telling: dict[RoomId, asyncio.Task[None]] = {}
        self.typists = Typists(self._typing_changed)

    async def enter(self, room: RoomId, follower: Follower) -> Feed:
        """Have a follower told from now on; raise `Refused` where there is no such room."""
        feed = self._feeds.get(room)
        if feed is None or feed.task.done():
            feed = self._feeds[room] = Feed(self._view, self._lines, self.typists, room)
        feed.followers[follower] = None
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
        feed.followers.pop(follower, None)
        if not feed.followers:
            del self._feeds[room]
            feed.task.cancel()

    async def type(self, room: RoomId, person: PersonId, *, typing: bool) -> None:
        """Note that somebody types, or does no more; raise `Refused` for who may not write there."""
        state = await self._view.state(room)
        refused = rights.refusal("say", rights.standing(state.members.get(person)), state.room)
        if refused is not None:
            raise refused
        self.typists.put(room, person, typing=typing)

    @property
    def follows(self) -> int:
        """Return how many follow rooms: one for each socket and room."""
        return sum(len(feed.followers) for feed in self._feeds.values())

    def close(self) -> None:
        """Forget who types."""
        self.typists.close()
        for task in self._telling.values():
            task.cancel()

    def _typing_changed(self, room: RoomId) -> None:
        """Tell who types, at most so often: whoever flickers costs no more than one who types."""
        if room in self._feeds and room not in self._telling:
            task = self._telling[room] = asyncio.create_task(self._tell_typing(room), name=f"typing {room}")
            task.add_done_callback(lambda _: self._telling.pop(room, None))

    async def _tell_typing(self, room: RoomId) -> None:
        told: list[PersonId] | None = None
        while (feed := self._feeds.get(room)) is not None and told != self.typists.of(room):
            told = self.typists.of(room)
            try:
                await feed.tell([Told(await feed.typing())])
            except Exception:
                logger.exception("it could not be told who types", room=room)
                return
            await asyncio.sleep(TYPING_SECONDS)
