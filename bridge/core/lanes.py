"""Lanes: one for each link, durable and in order; each delays nobody but itself."""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec
import structlog
from sqlalchemy import Connection

from bridge.core.doubts import MOST_REPEATS, REPEATED, Unknown, as_first_sent, blind, had_no_effect, repeatable
from bridge.core.lane_rows import LaneRow, load, load_one, outgoing, probe
from bridge.core.pace import Backoff
from bridge.core.plan import End, Send, plan
from bridge.core.ports import CanFind, Network
from bridge.model.clock import now_ms
from bridge.model.crash import crash_point
from bridge.model.deliveries import PENDING, Delivery, DeliveryKey, DeliveryState
from bridge.model.errors import AuthFailed, NotJoined, Rejected, Retry
from bridge.model.ids import LinkId, NetworkId, PersonId
from bridge.model.people import Member
from bridge.model.rooms import Link
from bridge.store import outbox
from bridge.store.database import Database

logger = structlog.get_logger(__name__)

WINDOW = 32
AHEAD = 8
"""How many lines behind the next one are marked as sending with it, on a network that knows a request again: one
commit for all of them. After a crash they are in doubt too, and settled by the same requests."""


class Surroundings(Protocol):
    """What a lane asks of the room that it belongs to."""

    def link(self, link: LinkId) -> Link:
        """Return the link as it is now."""
        ...

    async def sender(self, person: PersonId) -> Member:
        """Return the sender's place in the room."""
        ...

    async def ensure_seated(self, link: Link, member: Member) -> None:
        """Return when the sender's ghost is in the chat; raise `Rejected` where it may not be."""
        ...

    def unseated(self, link: Link, person: PersonId) -> None:
        """Note that the chat says that the sender is not in it."""
        ...

    def delivered(self, delivery: Delivery) -> None:
        """Let viewers see a delivery's new state."""
        ...

    def told(self, link: Link, delivery: Delivery, cause: str) -> None:
        """Tell the room of a failure for good, once for each `cause`."""
        ...

    def rested(self) -> None:
        """Note that nothing waits any more: who came into the chat only to be heard may go."""
        ...


class Lane:
    """The durable outbox of one link. It has a task only while there is something to do."""

    def __init__(self, link: LinkId, network: Network, db: Database, room: Surroundings) -> None:
        self._link = link
        self._network = network
        self._db = db
        self._room = room
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._retry = asyncio.Event()
        self._stale: set[int] = set()
        self._parts_added = False
        self._bound: dict[tuple[int, int], tuple[str, int]] = {}
        self._following: list[LaneRow] = []
        self._ahead: dict[tuple[int, int], DeliveryKey] = {}
        """What is marked as sending and was not sent yet."""
        self._settling: asyncio.Task[None] | None = None
        self.waits_for = ""
        self.repeated = 0
        """How many lines were sent again to a network that cannot tell whether it has them."""

    @property
    def network(self) -> NetworkId:
        """Return where the lane leads."""
        return self._network.id

    @property
    def idle(self) -> bool:
        """Tell whether the lane has nothing to do, or may not do it yet."""
        return self._task is None

    def wake(self) -> None:
        """Look for work: something was added, or the link became ready."""
        self._again = True
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"lane {self._link}")

    def retry_now(self) -> None:
        """End a pause between two tries."""
        self._retry.set()

    def amended(self, seq: int) -> None:
        """Note that an event reads differently now: it is read again before it is sent."""
        self._stale.add(seq)

    def bound(self, key: DeliveryKey, remote_id: str, version: int) -> None:
        """Note that an echo told where a delivery is: it is not sent again."""
        self._bound[key.seq, key.part] = (remote_id, version)

    async def stop(self) -> None:
        """End the task; what is not settled is found in the table."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._flush()
        await self._set_back()

    async def _run(self) -> None:
        pause = Backoff(first=1, cap=60)
        try:
            while self._again:
                self._again = False
                try:
                    await self._work()
                    pause.reset()
                except Exception:
                    logger.exception("a lane failed and begins again", link=self._link)
                    self._again = True
                    await asyncio.sleep(pause.next())
        finally:
            self._task = None

    async def _work(self) -> None:
        while True:
            link = self._room.link(self._link)
            if not link.open or not self._network.ready(link):
                self.waits_for = "the chat is not ready"
                await self._set_back()
                return
            await self._flush()
            self._stale.clear()
            rows = await self._load(link)
            if not rows:
                self.waits_for = ""
                self._bound.clear()
                self._ahead.clear()
                self._room.rested()
                return
            self._bound = {key: known for key, known in self._bound.items() if key[0] >= rows[0].delivery.key.seq}
            self._parts_added = False
            for place, row in enumerate(rows, 1):
                self._following = rows[place : place + AHEAD]
                if row.about is not None or row.concerns(self._stale):
                    row = await self._reload(link, row)
                await self._deliver(row)
                # The further parts of a line come before the next line.
                if self._parts_added or not self._room.link(self._link).open:
                    break

    async def _load(self, link: Link) -> list[LaneRow]:
        rows = await self._db.read(lambda connection: load(connection, link, WINDOW))
        for row in rows:
            row.marked = row.place in self._ahead
        return rows

    async def _reload(self, link: Link, row: LaneRow) -> LaneRow:
        await self._flush()
        self._stale.discard(row.entry.seq)
        if row.about is not None:
            self._stale.discard(row.about.entry.seq)
        fresh = await self._db.read(lambda connection: load_one(connection, link, row.delivery.key))
        fresh.left = row.left
        # What was marked ahead may have been set back since.
        fresh.marked = row.marked and fresh.delivery.state == "sending"
        return fresh

    async def _deliver(self, row: LaneRow) -> None:
        """Bring one delivery to its end, however long that takes, or to where the link is closed."""
        backoff = Backoff(first=0.5, cap=60)
        seated_anew = False
        repeats = 0
        doubtful = row.delivery.state == "sending" and not row.marked
        while row.delivery.state in PENDING and (link := self._room.link(self._link)).open:
            if (known := self._bound.pop(row.place, None)) is not None:
                await self._settle(row, "sent", remote_id=known[0], version=known[1])
                return
            if row.concerns(self._stale):
                row = await self._reload(link, row)
                continue
            self._retry.clear()
            try:
                await self._try(link, row, doubtful=doubtful)
            except NotJoined as error:
                self._room.unseated(link, row.entry.event.who)
                if seated_anew:
                    await self._fail(link, row, error)
                seated_anew = True
            except Rejected as error:
                await self._fail(link, row, error)
            except (Retry, AuthFailed) as error:
                if row.left and not had_no_effect(error):
                    doubtful = True
                    repeats += 1
                if repeats > MOST_REPEATS and blind(self._network, link):
                    await self._fail(link, row, Unknown(str(error)))
                    return
                await self._pause(row, backoff, error)
                row = await self._reload(link, row)

    async def _pause(self, row: LaneRow, backoff: Backoff, error: Retry | AuthFailed) -> None:
        after = error.after if isinstance(error, Retry) else None
        self.waits_for = str(error)
        key, reason = row.delivery.key, error.told
        await self._set_back()
        await self._db.write(lambda connection: outbox.note_attempt(connection, key, reason))
        self._room.delivered(msgspec.structs.replace(row.delivery, reason=reason))
        try:
            await asyncio.wait_for(self._retry.wait(), backoff.next(after))
        except TimeoutError:
            return

    async def _try(self, link: Link, row: LaneRow, *, doubtful: bool) -> None:
        """Try once, unless the world changed meanwhile. `doubtful`: an earlier request may have had effect."""
        sender = await self._room.sender(row.entry.event.who)
        if doubtful and (await self._resolve(link, row, sender) or self._outdated(row)):
            return
        step = plan(row.delivery, row.entry, sender, self._network.capabilities(link), row.about)
        if isinstance(step, End):
            await self._settle(row, step.state, reason=step.reason)
            return
        await self._room.ensure_seated(link, sender)
        if not row.marked or row.delivery.version != step.version:
            await self._mark(row, step)
        # The last look before the words leave: what was edited or removed meanwhile, or a chat that became
        # encrypted, is not to see them.
        if self._outdated(row):
            return
        row.left = True
        self._ahead.pop(row.place, None)
        sent = await self._network.deliver(outgoing(link, row, sender, step))
        crash_point("sent_not_stored")
        again = doubtful and blind(self._network, link)
        self.repeated += again
        await self._settle(
            row, "sent", reason=REPEATED if again else "", remote_id=sent.remote_id, version=step.version
        )

    def _outdated(self, row: LaneRow) -> bool:
        return row.concerns(self._stale) or not self._room.link(self._link).open

    async def _resolve(self, link: Link, row: LaneRow, sender: Member) -> bool:
        """Settle a delivery that may have arrived. False: it may be sent (again) as it is planned now."""
        frozen = await as_first_sent(self._db, self._network, link, row, sender)
        if self._network.capabilities(link).idempotent and frozen is not None and repeatable(row):
            await self._room.ensure_seated(link, sender)
            if self._outdated(row):
                return False
            sent = await self._network.deliver(frozen)
            crash_point("sent_not_stored")
            await self._settle(row, "sent", remote_id=sent.remote_id, version=frozen.version)
            return True
        if isinstance(self._network, CanFind):
            found = await self._network.find(frozen or probe(link, row, sender))
            if found is not None:
                await self._settle(row, "sent", remote_id=found.remote_id, version=row.delivery.version)
                return True
        return False

    async def _mark(self, row: LaneRow, step: Send) -> None:
        """Write, before the request leaves, that it may have; make the rows of further parts."""
        key, at = row.delivery.key, now_ms()
        ahead = await self._ready_to_go(self._room.link(self._link))
        versions = {key: step.version} | {other.delivery.key: version for other, version in ahead}
        more = [msgspec.structs.replace(key, part=part) for part in range(1, step.parts)] if key.part == 0 else []

        def unit(connection: Connection) -> bool:
            outbox.mark_sending(connection, versions, at)
            have = {part.key.part for part in outbox.parts(connection, key.link, key.seq)} if more else set()
            missing = [other for other in more if other.part not in have]
            outbox.add(connection, missing)
            return bool(missing)

        if await self._db.write(unit):
            self._parts_added = True
        for other, version in ((row, step.version), *ahead):
            other.marked = True
            other.delivery = msgspec.structs.replace(other.delivery, state="sending", version=version, first_try=at)
            self._room.delivered(other.delivery)
        self._ahead |= {other.place: other.delivery.key for other, _ in ahead}

    async def _ready_to_go(self, link: Link) -> list[tuple[LaneRow, int]]:
        """Return which lines behind the present one may be marked with it, each with its version: whole lines that
        wait, on a network where a request may be repeated."""
        found: list[tuple[LaneRow, int]] = []
        can = self._network.capabilities(link)
        for row in self._following if can.idempotent else ():
            if row.about is not None or row.delivery.state != "waiting" or row.concerns(self._stale):
                continue
            step = plan(row.delivery, row.entry, await self._room.sender(row.entry.event.who), can, None)
            if isinstance(step, Send) and step.parts == 1:
                found.append((row, step.version))
        return found

    async def _set_back(self) -> None:
        """Let what was marked ahead wait again: it is not sent for now, and is to be in no doubt after a crash."""
        if not self._ahead:
            return
        keys = list(self._ahead.values())
        await self._db.write(lambda connection: outbox.set_back(connection, keys))
        for row in self._following:
            if row.place in self._ahead:
                row.marked = False
                row.delivery = msgspec.structs.replace(row.delivery, state="waiting", first_try=None)
                self._room.delivered(row.delivery)
        self._ahead.clear()

    async def _settle(
        self,
        row: LaneRow,
        state: DeliveryState,
        *,
        reason: str = "",
        remote_id: str | None = None,
        version: int | None = None,
    ) -> None:
        await self._flush()
        row.delivery = msgspec.structs.replace(
            row.delivery,
            state=state,
            reason=reason,
            remote_id=remote_id or row.delivery.remote_id,
            version=row.delivery.version if version is None else version,
        )
        self.waits_for = ""
        # Not awaited here: the next mark joins the same commit. After a crash the delivery is in doubt, and resolved.
        self._settling = asyncio.create_task(self._end(row.delivery, remote_id, version))

    async def _end(self, ended: Delivery, remote_id: str | None, version: int | None) -> None:
        """Write an ending, and let it be seen once it is on disk."""
        key, state, reason = ended.key, ended.state, ended.reason
        await self._db.write(
            lambda c: outbox.settle(c, key, state, reason=reason, remote_id=remote_id, version=version)
        )
        self._room.delivered(ended)

    async def _flush(self) -> None:
        """Wait until the last ending is on disk."""
        if (settling := self._settling) is not None:
            self._settling = None
            await settling

    async def _fail(self, link: Link, row: LaneRow, error: Rejected) -> None:
        """Make it a dead letter, and go on."""
        reason = error.told
        logger.warning("a delivery failed for good", link=link.id, seq=row.delivery.key.seq, reason=str(error))
        await self._settle(row, "dead", reason=reason)
        self._room.told(link, row.delivery, error.errcode)
