"""Pushing events to application services: queues in memory, transactions on disk, and a recoverer for the rest.

The stream is handed to the queues of the services that an event concerns, asking first about users that nobody
registered. A queue is sent in transactions of at most 100 events; one that fails marks its service as down, and
from then on transactions are only stored, until the recoverer has delivered the stored ones in order, the same
transaction ID again and again, with a pause that doubles. After a restart the recoverer of a service that was down
starts only when a new event is handed out.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from urllib.parse import quote

import aiohttp

from tests.fakes.homeserver.errors import MatrixError
from tests.fakes.homeserver.timeline import Timeline
from tests.fakes.homeserver.wire import Wire
from tests.fakes.homeserver.world import Appservice, Content, Event, StoredTransaction, World

_LARGEST_BATCH = 100
_MOST_DOUBLINGS = 8


class _Queue:
    """What one running homeserver process knows about one application service."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ephemeral: list[Content] = []
        self.filled = asyncio.Event()
        self.retry = asyncio.Event()
        self.recoverer: asyncio.Task[None] | None = None
        self.busy = False
        self.retrying = False
        self.last: tuple[int, bytes] | None = None


class Pusher:
    """The scheduler. `backoff` is the first pause in seconds after a failure (Synapse: 2)."""

    def __init__(self, world: World, timeline: Timeline, wire: Wire, backoff: float) -> None:
        self._world = world
        self._timeline = timeline
        self._wire = wire
        self.backoff = backoff
        self._queues: dict[str, _Queue] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._started_recoverers = False
        self._last_txn_id = 0
        self._stored = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._quiet = asyncio.Condition()
        timeline.listeners.append(self)

    # --- life ---

    def start(self) -> None:
        """Begin as a fresh process: empty queues, transaction IDs above those that are still unsent."""
        self._queues = {name: _Queue() for name in self._world.appservices}
        self._started_recoverers = False
        self._last_txn_id = max((txn.txn_id for txns in self._world.unsent.values() for txn in txns), default=0)
        self._tasks = [asyncio.create_task(self._hand_out())]
        self._tasks += [asyncio.create_task(self._send(service)) for service in self._world.appservices.values()]
        self._open.set()
        self._stored.set()

    async def stop(self) -> None:
        """End as a process ends: at whatever point it was."""
        recoverers = [queue.recoverer for queue in self._queues.values() if queue.recoverer is not None]
        tasks, self._tasks = [*self._tasks, *recoverers], []
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def lose(self, count: int | None) -> int:
        """While stopped: forget the oldest `count` (None: all) of the events accepted but not delivered.

        What is stored for a service that is down stays, as it does on Synapse. The remaining ones are pushed in new
        transactions after the start. How many were lost.
        """
        lost = 0
        waiting = self._world.events[self._world.handed_out :]
        for name, queue in self._queues.items():
            pending = [event for event in queue.events + waiting if name in event.interested]
            if name not in self._world.down:
                stored = self._world.unsent.pop(name, [])
                pending = [event for txn in stored for event in txn.events] + pending
            dropped = pending if count is None else pending[:count]
            lost += len(dropped)
            queue.events = pending[len(dropped) :]
        self._world.handed_out = len(self._world.events)
        return lost

    def carry_over(self, before: dict[str, list[Event]]) -> None:
        """After a start: queue what `remaining` gave before it."""
        for name, events in before.items():
            if events and name in self._queues:
                self._queues[name].events = events
                self._queues[name].filled.set()

    def remaining(self) -> dict[str, list[Event]]:
        """The events that are queued in memory, by service."""
        return {name: queue.events for name, queue in self._queues.items()}

    # --- what tests may ask ---

    def hold(self) -> None:
        """Send nothing more (events wait in memory) until `let_go`."""
        self._open.clear()

    def let_go(self) -> None:
        """Send again."""
        self._open.set()

    def retry_now(self, service_id: str) -> None:
        """What a ping does: the recoverer, if there is one, tries at once; 502 when it is just trying."""
        queue = self._queues[service_id]
        if queue.retrying:
            raise MatrixError(502, "M_CONNECTION_FAILED", "Tried to cancel an already-cancelled event.")
        queue.retry.set()

    async def idle(self) -> None:
        """Return when all that was accepted is delivered, or waits for a service that is down."""
        async with self._quiet:
            await self._quiet.wait_for(self._is_idle)

    def _is_idle(self) -> bool:
        behind = self._world.handed_out < len(self._world.events)
        return not behind and not any(queue.events or queue.busy for queue in self._queues.values())

    def last(self, service_id: str) -> tuple[int, bytes]:
        """The newest transaction that was sent, as (ID, body)."""
        sent = self._queues[service_id].last
        if sent is None:
            raise LookupError(f"nothing was sent to {service_id} yet")
        return sent

    # --- the work ---

    def stored(self, event: Event) -> None:
        """A new event stands in the stream."""
        self._stored.set()

    def ephemeral(self, content: Content, users: list[str]) -> None:
        """Queue something ephemeral for the services that want it and have one of the users."""
        for name, queue in self._queues.items():
            service = self._world.appservices[name]
            if service.ephemeral and any(service.owns_user(user) for user in users):
                queue.ephemeral.append(content)
                queue.filled.set()

    async def _hand_out(self) -> None:
        world = self._world
        while True:
            await self._stored.wait()
            self._stored.clear()
            while world.handed_out < len(world.events):
                event = world.events[world.handed_out]
                for name in event.interested:
                    await self._ask_about_users(world.appservices[name], event)
                if event.interested and not self._started_recoverers:
                    self._started_recoverers = True
                    for name in world.down:
                        self._recover(world.appservices[name])
                for name in event.interested:
                    self._queues[name].events.append(event)
                    self._queues[name].filled.set()
                world.handed_out += 1
            await self._tell()

    async def _ask_about_users(self, service: Appservice, event: Event) -> None:
        """Ask about ghosts that nobody registered. The queue waits for the answer, as Synapse's does."""
        for user_id in {event.sender, event.state_key if event.type == "m.room.member" else None}:
            known = self._world.users.get(user_id) if user_id else None
            if user_id and known is None and user_id != service.bot and service.owns_user(user_id):
                await self._wire.exists(service, f"users/{quote(user_id, safe='')}")

    async def _send(self, service: Appservice) -> None:
        queue = self._queues[service.id]
        while True:
            await queue.filled.wait()
            await self._open.wait()
            events, queue.events = queue.events[:_LARGEST_BATCH], queue.events[_LARGEST_BATCH:]
            ephemeral, queue.ephemeral = queue.ephemeral[:_LARGEST_BATCH], queue.ephemeral[_LARGEST_BATCH:]
            if not queue.events and not queue.ephemeral:
                queue.filled.clear()
            up = service.id not in self._world.down
            if events or (ephemeral and up):
                queue.busy = True
                await self._one(service, queue, events, ephemeral, up)
                queue.busy = False
            await self._tell()

    async def _one(
        self, service: Appservice, queue: _Queue, events: list[Event], ephemeral: list[Content], up: bool
    ) -> None:
        self._last_txn_id += 1
        txn = StoredTransaction(self._last_txn_id, events)
        unsent = self._world.unsent.setdefault(service.id, [])
        unsent.append(txn)
        if not up:
            return
        if await self._deliver(service, queue, txn, ephemeral):
            unsent.remove(txn)
        else:
            self._world.down.add(service.id)
            self._recover(service)

    async def _deliver(
        self, service: Appservice, queue: _Queue, txn: StoredTransaction, ephemeral: list[Content]
    ) -> bool:
        """Send one transaction as its events look now; True when the answer is 2xx with a JSON body."""
        body: Content = {"events": [self._timeline.show(event, pushed=True) for event in txn.events]}
        if service.ephemeral:
            body |= {"ephemeral": ephemeral, "de.sorunome.msc2409.to_device": []}
        queue.last = (txn.txn_id, json.dumps(body).encode())
        try:
            status, answer = await self._wire.transaction(service, *queue.last)
        except (aiohttp.ClientError, TimeoutError):
            return False
        with suppress(ValueError):
            json.loads(answer)
            return 200 <= status < 300
        return False

    def _recover(self, service: Appservice) -> None:
        queue = self._queues[service.id]
        queue.recoverer = asyncio.create_task(self._recovering(service, queue))

    async def _recovering(self, service: Appservice, queue: _Queue) -> None:
        doublings = 0
        unsent = self._world.unsent.setdefault(service.id, [])
        while True:
            queue.retry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.backoff * 2**doublings):
                    await queue.retry.wait()
            await self._open.wait()
            queue.retrying = True
            while unsent and await self._deliver(service, queue, unsent[0], []):
                del unsent[0]
                doublings = 0
            queue.retrying = False
            if not unsent:
                self._world.down.discard(service.id)
                queue.recoverer = None
                await self._tell()
                return
            doublings = min(doublings + 1, _MOST_DOUBLINGS)

    async def _tell(self) -> None:
        async with self._quiet:
            self._quiet.notify_all()
