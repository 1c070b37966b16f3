"""The actor of one room: the only writer of its order and state."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable

import msgspec
import structlog
from sqlalchemy import Connection

from bridge.core.batch import Batch
from bridge.core.committer import Committer
from bridge.core.decide_settings import SLOW_MOST
from bridge.core.items import Echo, Failed, Item, Placed, Result, Submission, actors
from bridge.core.mentions import Names
from bridge.core.people import People
from bridge.core.state import Draft, RoomState, Target
from bridge.model.clock import now_ms
from bridge.model.crash import crash_point
from bridge.model.errors import Refused
from bridge.model.events import Configured, Edited, Entry, Event, Origin, Removed
from bridge.model.ids import EventId, PersonId, RoomId
from bridge.model.people import Member
from bridge.store import log, mentions, outbox
from bridge.store.database import Database
from bridge.store.log import OriginConflict

logger = structlog.get_logger(__name__)

BATCH = 256
QUEUE = 4_096


class _Post(msgspec.Struct):
    items: list[Item]
    future: asyncio.Future[list[Result]]


class RoomActor:
    """Takes items, decides them in order on a working copy, commits, and only then lets anyone see them."""

    def __init__(
        self,
        state: RoomState,
        db: Database,
        people: People,
        on_commit: Callable[[RoomActor, Batch], None],
        *,
        committer: Committer | None = None,
        seat_all: bool = True,
    ) -> None:
        self.state = state
        self._db = db
        self._people = people
        self._committer = committer or Committer(db)
        self._on_commit = on_commit
        self._seat_all = seat_all
        self._posts: deque[_Post] = deque()
        self._queued = 0
        self._task: asyncio.Task[None] | None = None
        self._context = contextvars.Context()
        """What is logged of the room names it; nothing of whoever happens to wake it goes along."""
        self._context.run(structlog.contextvars.bind_contextvars, room=self.id)
        self._names: Names | None = None

    @property
    def id(self) -> RoomId:
        """Return the room's ID."""
        return self.state.room.id

    @property
    def idle(self) -> bool:
        """Tell whether nothing is queued or being written."""
        return self._task is None and not self._posts

    async def submit(self, items: list[Item]) -> list[Result]:
        """Queue items; return what became of each, after the commit. A full queue refuses."""
        if self._queued + len(items) > QUEUE:
            refusal = Refused("busy", "The room is very busy: try again in a moment.", status=503)
            return [refusal for _ in items]
        future: asyncio.Future[list[Result]] = asyncio.get_running_loop().create_future()
        self._posts.append(_Post(items, future))
        self._queued += len(items)
        if self._task is None:
            self._task = asyncio.create_task(self._drain(), name=f"room {self.id}", context=self._context)
        # A caller who is cancelled cancels its own answer: what was queued is taken all the same.
        return await future

    async def _drain(self) -> None:
        try:
            while self._posts:
                await self._process(self._next())
        finally:
            self._task = None

    def _next(self) -> list[_Post]:
        posts: list[_Post] = []
        count = 0
        while self._posts and (not posts or count + len(self._posts[0].items) <= BATCH):
            post = self._posts.popleft()
            posts.append(post)
            count += len(post.items)
        self._queued -= count
        return posts

    async def _process(self, posts: list[_Post]) -> None:
        """Take posts together; where that fails, each alone, so that one cannot spoil the others."""
        try:
            results = await self._commit([item for post in posts for item in post.items])
        except Exception as error:
            if len(posts) > 1:
                for post in posts:
                    await self._process([post])
                return
            logger.exception("a batch failed", items=len(posts[0].items))
            results = [Failed(error) for _ in posts[0].items]
        start = 0
        for post in posts:
            end = start + len(post.items)
            if not post.future.done():
                post.future.set_result(results[start:end])
            start = end

    async def _commit(self, items: list[Item]) -> list[Result]:
        await self._people.load(actors(items))
        targets = await self._targets(items)
        await self._look_back(items)
        known: dict[Origin, Placed] = {}
        for _ in range(3):
            batch = Batch(Draft(self.state, targets), self._people.rights, known, seat_all=self._seat_all)
            results = [batch.take(item) for item in items]
            if batch.addressed:
                batch.addressed.resolve(await self._called(batch.draft), batch.may_call_everybody)
            try:
                await self._committer.write(batch)
            except OriginConflict:
                known = await self._known(items)
                continue
            self._report(results)
            crash_point("appended")
            self.state.apply(batch.draft)
            self._rename(batch.draft)
            self._on_commit(self, batch)
            return results
        raise RuntimeError("an origin is in the log and cannot be found there")

    def _report(self, results: list[Result]) -> None:
        for result in results:
            if isinstance(result, Failed):
                logger.error("an item could not be decided", error=repr(result.error), exc_info=result.error)

    async def _known(self, items: list[Item]) -> dict[Origin, Placed]:
        origins = [item.event.origin for item in items if isinstance(item, Submission)]
        found = await self._db.read(lambda connection: log.by_origins(connection, origins))
        return {entry.event.origin: Placed(entry.seq, entry.event.id, fresh=False) for entry in found}

    async def _look_back(self, items: list[Item]) -> None:
        """Read who wrote when lately, where slow mode asks for it: after a start, and when it is set anew."""
        asked = [
            item.event.content.slow_seconds
            for item in items
            if isinstance(item, Submission) and isinstance(item.event.content, Configured)
        ]
        seconds = max([self.state.room.slow_seconds, *(each for each in asked if each is not None)])
        if not seconds or (self.state.spoke is not None and not any(asked)):
            return
        since = now_ms() - min(seconds, SLOW_MOST) * 1_000
        self.state.spoke = await self._db.read(lambda connection: log.spoke_since(connection, self.id, since))

    async def _targets(self, items: list[Item]) -> list[Target]:
        """Load what edits and removals are about, by our ID or by the ID of its network."""
        ids: list[EventId] = []
        origins: list[Origin] = []
        for item in items:
            if isinstance(item, Submission) and isinstance(item.event.content, Edited | Removed):
                if item.target is not None:
                    origins.append(item.target)
                else:
                    ids.append(item.event.content.target)
        if not ids and not origins:
            return []
        echoes = [item for item in items if isinstance(item, Echo)]
        return await self._db.read(lambda c: _find_targets(c, self.state, ids, origins, echoes))

    async def _called(self, draft: Draft) -> Names:
        """Return what the room's members are called by; read when somebody is called for the first time, and kept."""
        if self._names is None:
            logins = await self._db.read(lambda connection: mentions.logins_in(connection, self.id))
            self._names = Names()
            for member in self.state.members.values():
                self._names.put(member, logins.get(member.person))
        # Somebody may have come in, and be called, in this very batch.
        names = Names(self._names) if draft.changed else self._names
        for member in draft.changed.values():
            names.put(member, self._login(member.person))
        return names

    def _rename(self, draft: Draft) -> None:
        if self._names is not None:
            for member in draft.changed.values():
                self._names.put(member, self._login(member.person))

    def _login(self, person: PersonId) -> str | None:
        """Return a person's login name where it is in memory, as it is of everybody who comes in."""
        try:
            return self._people.rights(person).hint
        except LookupError:
            return None

    def member(self, event: Event) -> Member | None:
        """Return the sender's place, if the sender ever had one here."""
        return self.state.members.get(event.who)


def _find_targets(
    connection: Connection, state: RoomState, ids: list[EventId], origins: list[Origin], echoes: list[Echo]
) -> list[Target]:
    found = [_target(entry) for entry in log.by_ids(connection, state.room.id, ids)]
    found += [_target(entry) for entry in log.by_origins(connection, origins)]
    missing = set(origins) - {target.origin for target in found}
    for origin in missing:
        seq = _delivered_as(connection, state, origin, echoes)
        entry = None if seq is None else log.entry(connection, state.room.id, seq)
        if entry is not None:
            # The network names our own event by its delivery: known here under that name too.
            found.append(msgspec.structs.replace(_target(entry), origin=origin))
    return found


def _delivered_as(connection: Connection, state: RoomState, origin: Origin, echoes: list[Echo]) -> int | None:
    for echo in echoes:
        if echo.origin == origin:
            return echo.key.seq
    for link in state.links.values():
        if link.network == origin.network and link.chat == origin.chat:
            for delivery in outbox.by_remote(connection, link.id, [origin.id]):
                return delivery.key.seq
    return None


def _target(entry: Entry) -> Target:
    return Target(
        seq=entry.seq,
        id=entry.event.id,
        who=entry.event.who,
        content=entry.present if entry.removed_at is None else None,
        version=entry.version,
        removed=entry.removed_at is not None,
        origin=entry.event.origin,
    )
