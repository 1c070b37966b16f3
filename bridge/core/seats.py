"""The member scheduler: brings ghosts into chats and out of them, paced, speakers first, never in a lane."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
import structlog
from sqlalchemy import Connection

from bridge.core.pace import Backoff, TokenBucket
from bridge.core.ports import CanSeat
from bridge.model.clock import now_ms
from bridge.model.errors import AuthFailed, Rejected, Retry
from bridge.model.ids import LinkId, PersonId
from bridge.model.people import Member
from bridge.model.rooms import Link
from bridge.store import rooms, seats
from bridge.store.database import Database
from bridge.store.seats import Seat

logger = structlog.get_logger(__name__)

Key: TypeAlias = tuple[LinkId, PersonId]
Find: TypeAlias = Callable[[LinkId, PersonId], Awaitable[tuple[Link, Member] | None]]
WORKERS = 16
AT_ONCE_IN_A_CHAT = 2
"""One chat in which joins hang must not take every worker."""


class SeatScheduler:
    """Reconciles `members(link, person, wanted, actual)` of one network."""

    def __init__(self, db: Database, network: CanSeat, pace: TokenBucket, find: Find) -> None:
        self._db = db
        self._network = network
        self._pace = pace
        self._find = find
        self._queue: OrderedDict[Key, None] = OrderedDict()
        self._busy: set[Key] = set()
        self._waiters: dict[Key, list[asyncio.Future[None]]] = {}
        self._seated: dict[Key, str] = {}
        self._doubted: set[Key] = set()
        self._work = asyncio.Event()
        self._pauses: dict[Key, Backoff] = {}
        self._later: dict[Key, asyncio.TimerHandle] = {}

    async def run(self, unsettled: list[Seat]) -> None:
        """Work until cancelled, beginning with what was not settled at the last stop."""
        for seat in unsettled:
            self.changed(seat.link, seat.person)
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._worker())

    def changed(self, link: LinkId, person: PersonId) -> None:
        """Note that what is wanted of a seat may differ from what is."""
        self._seated.pop((link, person), None)
        self._queue.setdefault((link, person))
        self._work.set()

    def retry_now(self) -> None:
        """End the pauses between tries: the network is there again."""
        for key, timer in list(self._later.items()):
            timer.cancel()
            self._requeue(key)

    def unseated(self, link: LinkId, person: PersonId) -> None:
        """Note that the chat says that a ghost is not in it, whatever the table says."""
        self._seated.pop((link, person), None)
        self._doubted.add((link, person))

    async def observed(self, link: LinkId, person: PersonId, actual: str, reason: str) -> None:
        """Write what the chat itself said of a ghost (kicked, banned, left)."""
        self._seated.pop((link, person), None)
        await self._db.write(lambda c: seats.record(c, link, person, actual, reason=reason))

    async def ensure(self, link: LinkId, member: Member) -> None:
        """Return when the member's ghost is in the chat, before all who do not speak; raise `Rejected` where
        the chat refuses it."""
        key = (link, member.person)
        if self._seated.get(key) == member.shown:
            return
        seat = await self._db.read(lambda c: seats.get(c, link, member.person))
        # What is being changed just now is not what the table says.
        doubted = key in self._doubted or key in self._busy
        if not doubted and seat is not None and seat.actual == "joined" and seat.shown_set == member.shown:
            self._seated[key] = member.shown
            return

        def unit(connection: Connection) -> None:
            # Who has left the room meanwhile comes in for the last lines only: left is what stays wanted.
            here = rooms.is_joined(connection, link, member.person)
            wanted = "joined" if here else "left"
            seats.want(connection, [Seat(link=link, person=member.person, wanted=wanted, shown=member.shown)])
            if seat is not None and seat.actual in ("refused", "joined"):
                # Refused before: the chat may have changed its mind. Joined under an older name: set it anew.
                seats.record(connection, link, member.person, "left")

        await self._db.write(unit)
        self._doubted.discard(key)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(key, []).append(future)
        self._queue[key] = None
        self._queue.move_to_end(key, last=False)
        self._work.set()
        await future

    async def _worker(self) -> None:
        while True:
            key = await self._next()
            self._busy.add(key)
            try:
                await self._reconcile(key)
            except Exception as error:  # a bug here must not end the scheduler: it is tried again later
                logger.exception("a seat could not be reconciled", link=key[0], person=key[1])
                self._postpone(key, Retry(str(error)))
            finally:
                self._busy.discard(key)

    async def _next(self) -> Key:
        while True:
            at_work = Counter(link for link, _ in self._busy)
            for key in self._queue:
                if key not in self._busy and at_work[key[0]] < AT_ONCE_IN_A_CHAT:
                    del self._queue[key]
                    return key
            self._work.clear()
            await self._work.wait()

    async def _reconcile(self, key: Key) -> None:
        # Only who waits now is answered: who comes later may want another thing than what is being done.
        waiting = self._waiters.pop(key, [])
        outcome: Exception | None
        try:
            outcome = await self._settle(key, "joined" if waiting else None)
        except Rejected as error:
            outcome, reason = error, str(error)
            await self._db.write(lambda c: seats.record(c, *key, "refused", reason=reason))
        except BaseException as error:
            self._waiters.setdefault(key, [])[:0] = waiting
            if not isinstance(error, Retry | AuthFailed):
                raise
            self._postpone(key, error)
            return
        self._pauses.pop(key, None)
        _answer(waiting, outcome)

    def _postpone(self, key: Key, error: Retry | AuthFailed) -> None:
        """Try again later, without holding up the others meanwhile."""
        pause = self._pauses.setdefault(key, Backoff(first=0.5, cap=60))
        delay = pause.next(error.after if isinstance(error, Retry) else None)
        self._later[key] = asyncio.get_running_loop().call_later(delay, self._requeue, key)

    async def _held_back(self, key: Key) -> bool:
        """Tell whether somebody who has not spoken is new here, and look again when they are not any more: a flood
        of new accounts makes no flood of ghosts."""
        until = await self._db.read(lambda c: seats.held_until(c, *key))
        seconds = (until - now_ms()) / 1000
        if seconds <= 0:
            return False
        if (before := self._later.pop(key, None)) is not None:
            before.cancel()
        self._later[key] = asyncio.get_running_loop().call_later(seconds, self._requeue, key)
        return True

    def _requeue(self, key: Key) -> None:
        self._later.pop(key, None)
        self._queue.setdefault(key)
        if key in self._waiters:
            self._queue.move_to_end(key, last=False)
        self._work.set()

    async def _settle(self, key: Key, wanted: str | None) -> Retry | None:
        """Bring a seat to what is wanted (`wanted`: of a speaker, whatever the table says); return why not yet."""
        link_id, person = key
        seat = await self._db.read(lambda c: seats.get(c, link_id, person))
        found = await self._find(link_id, person)
        if seat is None or found is None:
            return None
        if wanted is not None:
            # A speaker who was refused is tried again.
            actual = "left" if seat.actual == "refused" else seat.actual
            seat = msgspec.structs.replace(seat, wanted=wanted, actual=actual)
        if seat.settled:
            return None
        link, member = found
        if not link.chat or (seat.wanted == "joined" and not link.open):
            # The chat is not made yet: the scheduler is told again when it is. Out of one that is given up they go.
            return Retry("the chat is not ready", certain=True)
        if wanted is None and seat.wanted == "joined" and seat.actual != "joined" and await self._held_back(key):
            return None
        await self._pace.take()
        if seat.wanted == "joined":
            await self._network.seat(link, member, renamed=seat.shown_set not in (None, member.shown))
            # Noted first: what the chat says of the ghost from now on is newer.
            self._seated[key] = member.shown
            await self._db.write(lambda c: seats.record(c, link_id, person, "joined", shown_set=member.shown))
        else:
            await self._network.unseat(link, person, seat.reason)
            await self._db.write(lambda c: seats.record(c, link_id, person, "left"))
        return None


def _answer(waiting: list[asyncio.Future[None]], error: Exception | None) -> None:
    for future in waiting:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
