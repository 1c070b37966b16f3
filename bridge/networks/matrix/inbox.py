"""The homeserver's transactions: on disk before they are answered, then room by room in order of arrival."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import takewhile

import structlog
from sqlalchemy import Connection

from bridge.core.items import Failed, Item, Result
from bridge.core.pace import Backoff
from bridge.core.ports import Intake
from bridge.model.clock import now_ms
from bridge.model.crash import crash_point
from bridge.model.errors import Refused
from bridge.model.events import Origin
from bridge.model.ids import MATRIX, PersonId
from bridge.model.rooms import Link
from bridge.networks.matrix.reader import Reader
from bridge.networks.matrix.wire import Transaction
from bridge.store import inbox
from bridge.store.database import Database
from bridge.store.inbox import Arrival, InboxRow

logger = structlog.get_logger(__name__)

GROUP = 256
IN_MEMORY = 2_048
"""Rows of one chat that are kept in memory; what comes beyond stays in the table until it is its turn."""
MOST_ATTEMPTS = 4
"""How often the processing of a row is begun: with its neighbours the first time, then three times alone. Only a row in
whose hands the process ended so often is set aside: several power cuts in a row are no fault of its own."""
AT_ONCE = 8
"""How many chats of a transaction begin at once: between them the next transaction is read and on its way to disk."""

FindLink = Callable[[str], Awaitable[Link | None]]
GhostMoved = Callable[[Link, PersonId, str, str], Awaitable[None]]


class Inbox:
    """Takes transactions, and feeds each chat's events to its room, one chat never waiting for another."""

    def __init__(
        self,
        db: Database,
        hub: Intake,
        reader: Reader,
        *,
        find_link: FindLink,
        ghost_moved: GhostMoved,
        on_gap: Callable[[int], None],
    ) -> None:
        self._db = db
        self._hub = hub
        self._reader = reader
        self._find_link = find_link
        self._ghost_moved = ghost_moved
        self._on_gap = on_gap
        self._chats: dict[str, ChatFeed] = {}
        self._last_txn: int | None = None
        self.transactions = 0
        self.repeats = 0
        self.gates_closed = True
        """While True a chat that is not known yet begins with its gate closed."""

    async def start(self) -> None:
        """Learn the last transaction, and which chats have something waiting."""
        last = await self._db.read(lambda connection: inbox.last_transaction(connection, MATRIX))
        self._last_txn = int(last) if last is not None and last.isdigit() else None
        for chat in await self._db.read(lambda connection: inbox.chats(connection, MATRIX)):
            self.feed(chat).from_table()

    async def take(self, txn: Transaction) -> bool:
        """Store a transaction; return after the commit whether it was new."""
        began = now_ms()
        digest = hashlib.sha256("\n".join(event.event_id for event in txn.events).encode()).hexdigest()
        arrivals = [Arrival(event.room_id, event.event_id, event.raw) for event in txn.events]
        rows = await self._db.write(
            lambda c: (
                None
                if inbox.is_repeat(c, MATRIX, txn.txn_id, digest)
                else inbox.store_transaction(c, MATRIX, txn.txn_id, digest, arrivals)
            )
        )
        crash_point("inbox_committed")
        if rows is None:
            self.repeats += 1
            return False
        self.transactions += 1
        if self._breaks_the_row(txn.txn_id):
            self._on_gap(began)
        by_chat: dict[str, list[InboxRow]] = {}
        for row in rows:
            by_chat.setdefault(row.chat, []).append(row)
        for place, (chat, new) in enumerate(by_chat.items()):
            self.feed(chat).add(new, turn=place // AT_ONCE)
        return True

    def _breaks_the_row(self, txn_id: str) -> bool:
        """Tell whether a new transaction's ID does not follow the last one's: the homeserver may have
        restarted, and lost events that it had not handed over."""
        number = int(txn_id) if txn_id.isdigit() else None
        last, self._last_txn = self._last_txn, number
        return last is not None and number != last + 1

    def feed(self, chat: str) -> ChatFeed:
        """Return the feed of a chat."""
        found = self._chats.get(chat)
        if found is None:
            found = self._chats[chat] = ChatFeed(chat, self, closed=self.gates_closed)
        return found

    def close_gate(self, chat: str) -> None:
        """Hold a chat's events back: something may be missing before them."""
        self.feed(chat).close()

    def open_gate(self, chat: str) -> None:
        """Let a chat's events through, from the table, in order."""
        self.feed(chat).open()

    def open_unlinked(self, linked: set[str]) -> None:
        """Let the chats through that no link leads to, and every chat that comes up from now on."""
        self.gates_closed = False
        for chat, feed in self._chats.items():
            if chat not in linked:
                feed.open()

    async def release(self) -> int:
        """Let what is in quarantine be tried again; return how many events that are."""
        released = await self._db.write(inbox.release)
        for chat in await self._db.read(lambda connection: inbox.chats(connection, MATRIX)):
            self.feed(chat).from_table()
        return released

    async def stop(self) -> None:
        """End all feeds; what they had not finished is in the table."""
        for feed in self._chats.values():
            await feed.stop()

    @property
    def depth(self) -> int:
        """Return how many rows wait in memory."""
        return sum(feed.depth for feed in self._chats.values())

    async def process(self, chat: str, rows: list[InboxRow]) -> None:
        """Hand rows to their room, and see each to its end: in the log, dropped, or in quarantine."""
        link = await self._find_link(chat)
        if link is None:
            await self._drop(chat, rows, "no room is linked to this chat")
            return
        readings = [await self._reader.read(link, row) for row in rows]
        if not readings:
            return
        results = await self._submit(link, [item for reading in readings for item in reading.items])
        for reading in readings:
            if reading.ghost is not None:
                await self._ghost_moved(link, reading.ghost, reading.actual, reading.reason)
        failed = next((result for result in results if isinstance(result, Failed)), None)
        if failed is not None:
            raise failed.error

    async def _submit(self, link: Link, items: list[Item]) -> list[Result]:
        """Hand items to the room, waiting while its queue is full."""
        while True:
            results = await self._hub.submit(link.room, items)
            if not any(isinstance(result, Refused) and result.status == 503 for result in results):
                return results
            await asyncio.sleep(0.2)

    async def _drop(self, chat: str, rows: list[InboxRow], reason: str) -> None:
        seen = [(Origin(MATRIX, chat, row.origin), "dropped", reason) for row in rows]

        def unit(connection: Connection) -> None:
            inbox.note_seen(connection, seen)
            inbox.remove(connection, [row.id for row in rows])

        await self._db.write(unit)

    async def waiting(self, chat: str, after: int) -> list[InboxRow]:
        """Read from the table what of a chat may be tried together next; what was tried too often is set aside."""
        rows = await self._db.read(lambda c: inbox.waiting(c, MATRIX, chat, limit=GROUP, after=after))
        worn = [row.id for row in rows if row.attempts >= MOST_ATTEMPTS]
        fresh = _together([row for row in rows if row.attempts < MOST_ATTEMPTS])

        def unit(connection: Connection) -> None:
            inbox.quarantine(connection, worn, f"its processing ended {MOST_ATTEMPTS} times without a result")
            inbox.raise_attempts(connection, [row.id for row in fresh])

        if rows:
            await self._db.write(unit)
        if worn:
            logger.error("events were set aside", chat=chat, rows=worn)
        return fresh if fresh or not worn else await self.waiting(chat, after=max(worn))


def _together(rows: list[InboxRow]) -> list[InboxRow]:
    """Return the first of `rows` that may be tried together. What was begun before and not finished may have ended
    the process: it is tried alone, so that its neighbours are not worn out with it."""
    if rows and rows[0].attempts:
        return rows[:1]
    return list(takewhile(lambda row: not row.attempts, rows))


class ChatFeed:
    """One chat's rows on their way to its room. It has a task only while there is something to do."""

    def __init__(self, chat: str, owner: Inbox, *, closed: bool) -> None:
        self._chat = chat
        self._owner = owner
        self._closed = closed
        self._rows: deque[InboxRow] = deque()
        self._in_table = False
        self._task: asyncio.Task[None] | None = None

    @property
    def depth(self) -> int:
        """Return how many rows wait in memory."""
        return len(self._rows)

    def add(self, rows: list[InboxRow], *, turn: int = 0) -> None:
        """Take rows that were just stored; begin `turn` rounds of the event loop from now."""
        if self._closed or self._in_table or len(self._rows) + len(rows) > IN_MEMORY:
            self._rows.clear()
            self._in_table = True
        else:
            self._rows.extend(rows)
        self._wake(turn)

    def from_table(self) -> None:
        """Note that rows wait in the table."""
        self._in_table = True
        self._wake()

    def close(self) -> None:
        """Hold everything back; what is in hand is finished."""
        self._closed = True
        self._rows.clear()
        self._in_table = True

    def open(self) -> None:
        """Go on, with what is in the table first."""
        self._closed = False
        self._in_table = True
        self._wake()

    async def quiet(self) -> None:
        """Return when nothing of this chat is in hand."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """End the task."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wake(self, turn: int = 0) -> None:
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run(turn), name=f"feed {self._chat}")

    async def _run(self, turn: int) -> None:
        for _ in range(turn):
            await asyncio.sleep(0)
        pause = Backoff(first=0.2, cap=30)
        try:
            while not self._closed:
                try:
                    rows = await self._next()
                    done = await self._processed(rows) if rows else True
                except Exception as error:
                    logger.warning("a chat's events could not be read", chat=self._chat, error=str(error))
                    rows, done = [], False
                if done and not rows:
                    return
                if done:
                    pause.reset()
                else:
                    # They are in the table still, and their attempts are counted when they are read again.
                    self._rows.clear()
                    self._in_table = True
                    await asyncio.sleep(pause.next())
        finally:
            self._task = None
            if (self._rows or self._in_table) and not self._closed:
                self._wake()

    async def _next(self) -> list[InboxRow]:
        while self._in_table and not self._closed:
            self._in_table = False
            rows = await self._owner.waiting(self._chat, 0)
            if rows:
                # There may be more; and what was added to memory meanwhile is among what the table gives.
                self._in_table = True
                self._rows.clear()
                return rows
        taken: list[InboxRow] = []
        while self._rows and len(taken) < GROUP:
            taken.append(self._rows.popleft())
        return taken

    async def _processed(self, rows: list[InboxRow]) -> bool:
        """Process rows together; where that fails, one by one up to the one at fault: what comes after it waits
        until it is taken or set aside, for the order of a sender's lines."""
        try:
            await self._owner.process(self._chat, rows)
            return True
        except Exception as error:
            if len(rows) == 1:
                logger.warning("an event could not be taken", chat=self._chat, origin=rows[0].origin, error=str(error))
                return False
        for row in rows:
            if not await self._processed([row]):
                return False
        return True
