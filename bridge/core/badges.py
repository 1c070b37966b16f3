"""How much of each room a person has not read: asked for, set, and followed live without a query for each line."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

from bridge.core.batch import Batch
from bridge.model.clock import now_ms
from bridge.model.errors import Refused
from bridge.model.events import Said
from bridge.model.ids import PersonId, RoomId
from bridge.store import markers
from bridge.store.database import Database
from bridge.store.markers import MOST, Badge

K = TypeVar("K")


class Badges:
    """Reads and sets read markers, and tells those who follow a person's badges what changed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._by_person: dict[PersonId, set[BadgeWatch]] = {}
        self._by_room: dict[RoomId, set[BadgeWatch]] = {}
        self.starting: set[BadgeWatch] = set()
        """Watches that are reading their first badges."""

    async def badges(self, person: PersonId, rooms: Collection[RoomId] | None = None) -> dict[RoomId, Badge]:
        """Return a person's badges: of all rooms that they are in, or of those of `rooms` that they are in."""
        if rooms is not None and not rooms:
            return {}
        found = await self._db.read(lambda c: markers.badges(c, person, rooms))
        return {badge.room: badge for badge in found}

    async def mark(self, person: PersonId, room: RoomId, seq: int, *, unread: bool = False) -> Badge:
        """Set a person's read marker to an entry of the log, the last one at most; return the badge then.

        A marker that is further already stays there, unless it goes back on purpose: to mark lines as `unread`.
        Raises `Refused` for who is not in the room.
        """
        at = now_ms()
        badge = await self._db.write(lambda c: markers.mark(c, person, room, seq, at, back=unread))
        if badge is None:
            raise Refused("not_in_room", "Join the room first: only its members have a marker.", status=403)
        for watch in self._by_person.get(person, ()):
            watch.marked(badge)
        return badge

    @contextmanager
    def watch(self, person: PersonId) -> Iterator[BadgeWatch]:
        """Follow a person's badges inside the `with` block, from its `start` on."""
        watch = BadgeWatch(self, person)
        self._by_person.setdefault(person, set()).add(watch)
        try:
            yield watch
        finally:
            _discard(self._by_person, person, watch)
            for room in watch.rooms:
                self.unfollow(watch, room)

    @property
    def watched(self) -> int:
        """Return how many watches of rooms there are: one for each watch and room."""
        return sum(map(len, self._by_room.values()))

    def follow(self, watch: BadgeWatch, room: RoomId) -> None:
        """Have a watch told what is said in a room."""
        self._by_room.setdefault(room, set()).add(watch)

    def unfollow(self, watch: BadgeWatch, room: RoomId) -> None:
        """Have a watch told no more of a room."""
        _discard(self._by_room, room, watch)

    def committed(self, room: RoomId, batch: Batch) -> None:
        """Take in what a room has committed; it costs nothing where nobody watches."""
        if not self._by_person:
            return
        for member in batch.draft.changed.values():
            for watch in self._by_person.get(member.person, ()):
                watch.again(room)
        watching = self._by_room.get(room)
        if batch.draft.emptied:
            # The room is deleted: nobody is in it any more.
            for watch in watching or ():
                watch.again(room)
        if batch.appended and watching:
            news = _News(batch)
            for watch in watching:
                watch.take(room, news)
        for watch in self.starting:
            watch.again(room)


class _News:
    """What a batch means for the counts of whoever is in its room."""

    def __init__(self, batch: Batch) -> None:
        said = [event.who for event, _, _ in batch.appended if isinstance(event.content, Said)]
        self.first_seq = batch.appended[0][1]
        self.last_seq = batch.appended[-1][1]
        self.lines = len(said)
        self.by = Counter(said)
        self.meant = [meant for seq, meant in batch.addressed.meant.items() if seq >= self.first_seq]
        self.recounted = max(batch.addressed.changed, default=0)
        """The last line that is gone, or means others now: whoever has not read it counts anew."""


class BadgeWatch:
    """One follower of a person's badges; `start` once, then `next` again and again."""

    def __init__(self, badges: Badges, person: PersonId) -> None:
        self._badges = badges
        self._person = person
        self._now: dict[RoomId, Badge] = {}
        self._changed: set[RoomId] = set()
        self._stale: set[RoomId] = set()
        self._asked: set[RoomId] = set()
        self._left = False
        """Whether the person has left a room since the last answer."""
        self._more = asyncio.Event()

    @property
    def rooms(self) -> Collection[RoomId]:
        """Return the rooms whose badges are followed."""
        return self._now.keys()

    async def start(self) -> dict[RoomId, Badge]:
        """Return the badges of all rooms that the person is in; `next` goes on from there."""
        # Whatever happens anywhere until they are read is looked at again by `next`.
        self._badges.starting.add(self)
        try:
            found = await self._badges.badges(self._person)
        finally:
            self._badges.starting.discard(self)
        for room, badge in found.items():
            self._now[room] = badge
            self._badges.follow(self, room)
        return found

    async def next(self) -> list[Badge]:
        """Wait until badges differ from what was returned last; return the newest of each that does: of none where
        the person has only left rooms (see `rooms`)."""
        while True:
            if self._stale:
                await self._recount()
            changed, self._changed = self._changed, set()
            found = [self._now[room] for room in changed if room in self._now]
            if found or self._left:
                self._left = False
                return found
            if not self._stale:
                self._more.clear()
                await self._more.wait()

    def take(self, room: RoomId, news: _News) -> None:
        """Take in what was committed in a room that is followed."""
        before = self._now[room]
        if room in self._asked or news.recounted > before.marker or news.first_seq > before.last_seq + 1:
            self.again(room)
        elif news.last_seq > before.last_seq:
            unread = news.lines - news.by.get(self._person, 0)
            mentions = sum(meant.means(self._person) for meant in news.meant)
            self._set(
                Badge(
                    room=room,
                    last_seq=news.last_seq,
                    marker=before.marker,
                    unread=min(MOST, before.unread + unread),
                    mentions=min(MOST, before.mentions + mentions),
                )
            )

    def marked(self, badge: Badge) -> None:
        """Take in a marker that was set."""
        before = self._now.get(badge.room)
        if before is None or badge.room in self._asked or before.last_seq != badge.last_seq:
            self.again(badge.room)
        else:
            self._set(badge)

    def again(self, room: RoomId) -> None:
        """Have a room's badge counted anew: the person came or left, or more happened than can be told."""
        self._stale.add(room)
        self._more.set()

    async def _recount(self) -> None:
        asked, self._stale = self._stale, set()
        self._asked = asked
        try:
            found = await self._badges.badges(self._person, asked)
        except BaseException:
            self._stale |= asked
            raise
        finally:
            self._asked = set()
        for room in asked:
            if room in found:
                self._badges.follow(self, room)
                self._set(found[room])
            else:
                self._badges.unfollow(self, room)
                self._left |= self._now.pop(room, None) is not None

    def _set(self, badge: Badge) -> None:
        if self._now.get(badge.room) != badge:
            self._now[badge.room] = badge
            self._changed.add(badge.room)
            self._more.set()


def _discard(watches: dict[K, set[BadgeWatch]], key: K, watch: BadgeWatch) -> None:
    found = watches.get(key)
    if found is not None:
        found.discard(watch)
        if not found:
            del watches[key]
