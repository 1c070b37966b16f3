"""The hub: finds rooms, hands them events, and passes what they committed to lanes, members and viewers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import Connection

from bridge.core import rights
from bridge.core.badges import Badges
from bridge.core.batch import Batch
from bridge.core.committer import Committer
from bridge.core.describer import Describer
from bridge.core.erasing import Eraser
from bridge.core.indexer import Indexer
from bridge.core.items import Item, LinkChange, Result
from bridge.core.keeping import kept
from bridge.core.lanes import Lane
from bridge.core.pace import TokenBucket
from bridge.core.people import People
from bridge.core.ports import (
    CanClose,
    CanDescribe,
    CanHost,
    CanSeat,
    CanShowPeople,
    Delivered,
    Fresh,
    Line,
    LinkView,
    Network,
    NetworkStatus,
    RoomChanged,
    RoomSnapshot,
    StatusChanged,
)
from bridge.core.room import RoomActor
from bridge.core.seats import SeatScheduler
from bridge.core.state import RoomState
from bridge.core.surroundings import RoomSurroundings, as_member
from bridge.core.watching import Viewer, Viewers
from bridge.model.deliveries import Delivery
from bridge.model.errors import Refused
from bridge.model.events import Configured, Described, Entry
from bridge.model.ids import LinkId, NetworkId, PersonId, RoomId
from bridge.model.people import Member, Person
from bridge.model.rooms import Link, Room
from bridge.store import log, outbox, people, rooms, seats
from bridge.store.database import Database
from bridge.store.seats import Seat

logger = structlog.get_logger(__name__)

SWEEP_SECONDS = 60
AWAY_SECONDS = 3.0
"""How long a network that is away is waited for: it may be just coming back."""


class Hub:
    """Rooms, lanes and viewers of one installation; implements `ports.Intake` and `ports.RoomView`."""

    def __init__(
        self, db: Database, known: People, *, joins_per_second: float = 20, seat_all: bool = True
    ) -> None:
        """`seat_all`: ghosts join with their person; else when they first speak."""
        self.db = db
        self.people = known
        self.viewers = Viewers()
        self.badges = Badges(db)
        self._indexer = Indexer(db)
        self._committer = Committer(db)
        self._networks: dict[NetworkId, Network] = {}
        self._seats: dict[NetworkId, SeatScheduler] = {}
        self._describers: dict[NetworkId, Describer] = {}
        self._rooms: dict[RoomId, asyncio.Task[RoomActor]] = {}
        self._lanes: dict[LinkId, Lane] = {}
        self._joins_per_second = joins_per_second
        self._seat_all = seat_all
        self._eraser = Eraser(db)
        self._side: set[asyncio.Task[None]] = set()
        self._on_status: list[Callable[[NetworkStatus], None]] = []
        self._on_room: list[Callable[[Room], None]] = []
        self._used: set[RoomId] = set()
        self._repeated = 0

    def add(self, network: Network) -> None:
        """Make a network part of the hub; before `run`."""
        self._networks[network.id] = network
        if isinstance(network, CanSeat):
            pace = TokenBucket(self._joins_per_second, max(1, self._joins_per_second))
            self._seats[network.id] = SeatScheduler(self.db, network, pace, self._seat_of)
        if isinstance(network, CanDescribe):
            self._describers[network.id] = Describer(self.db, network, self._description_of)

    async def run(self) -> None:
        """Work until cancelled: reconcile members and descriptions, send what waits, put idle rooms away."""
        try:
            async with asyncio.TaskGroup() as group:
                for network, scheduler in self._seats.items():
                    group.create_task(scheduler.run(await self._unsettled(network)))
                for network_id in self._networks:
                    await self._resume(network_id)
                for room in await self.db.read(outbox.rooms_with_pending):
                    await self._actor(room)
                group.create_task(kept("put-away", self._sweep))
                group.create_task(kept("erasing", self._eraser.run))
                group.create_task(kept("indexing", self._indexer.run))
        finally:
            await self._stop()

    async def _unsettled(self, network: NetworkId) -> list[Seat]:
        return await self.db.read(lambda connection: seats.unsettled(connection, network))

    async def _resume(self, network_id: NetworkId) -> None:
        """Go on with what a stop interrupted: chats to make, descriptions to write, profiles to show."""
        network = self._networks[network_id]
        for link in await self.db.read(lambda c: rooms.all_links(c, network_id)):
            if isinstance(network, CanHost) and link.state == "creating":
                _ = network.open(link)
            elif isinstance(network, CanClose) and link.state == "closed":
                network.close(link)
            elif network_id in self._describers:
                self._describers[network_id].changed(link.id)
        if isinstance(network, CanShowPeople):
            for person in await self.db.read(lambda c: people.stale_ghosts(c, network_id)):
                self.refresh(person)

    async def _stop(self) -> None:
        for task in list(self._side):
            task.cancel()
        for describer in self._describers.values():
            await describer.stop()
        for lane in list(self._lanes.values()):
            await lane.stop()

    # rooms

    async def _actor(self, room: RoomId) -> RoomActor:
        """Return the room's actor; however many ask at once, it is loaded once."""
        self._used.add(room)
        task = self._rooms.get(room)
        if task is not None and task.done() and not task.cancelled() and task.exception() is None:
            return task.result()
        if task is None:
            task = asyncio.create_task(self._load(room), name=f"load {room}")
            self._rooms[room] = task
        try:
            return await asyncio.shield(task)
        except Exception:
            # Whatever it was (no such room, a database that was busy), the next one who asks loads again.
            if self._rooms.get(room) is task:
                del self._rooms[room]
            raise

    async def _load(self, room: RoomId) -> RoomActor:
        def unit(connection: Connection) -> tuple[Room | None, list[Member], list[Link]]:
            found = rooms.get(connection, room)
            return found, rooms.members_of(connection, room), rooms.links_of(connection, room)

        found, members, links = await self.db.read(unit)
        if found is None:
            raise no_such_room()
        state = RoomState(found, {m.person: m for m in members}, {link.id: link for link in links})
        actor = RoomActor(
            state, self.db, self.people, self._committed, committer=self._committer, seat_all=self._seat_all
        )
        for link in links:
            self._lane(actor, link).wake()
        return actor

    def _lane(self, actor: RoomActor, link: Link) -> Lane:
        lane = self._lanes.get(link.id)
        if lane is None:
            network = self._networks[link.network]
            around = RoomSurroundings(actor, self._seats.get(link.network), self)
            lane = self._lanes[link.id] = Lane(link.id, network, self.db, around)
        return lane

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.put_idle_away()

    def put_idle_away(self) -> None:
        """Put rooms away in which nothing happens: no queue, no viewers, no lane at work, and nobody asked for
        them since the last call (who just did may still be about to use them)."""
        used, self._used = self._used, set()
        for room, task in list(self._rooms.items()):
            if room in used or not task.done() or task.cancelled() or task.exception() is not None:
                continue
            actor = task.result()
            lanes = [self._lanes[link] for link in actor.state.links if link in self._lanes]
            working = not actor.idle or any(not lane.idle or lane.waits_for for lane in lanes)
            if working or self.viewers.any(room):
                continue
            del self._rooms[room]
            for link in actor.state.links:
                if (lane := self._lanes.pop(link, None)) is not None:
                    self._repeated += lane.repeated

    # what networks and the page ask (ports.Intake)

    async def submit(self, room: RoomId, items: list[Item]) -> list[Result]:
        """Hand items to a room; return what became of each after the commit."""
        actor = await self._actor(room)
        return await actor.submit(items)

    def wake(self, link: LinkId) -> None:
        """Tell a link's lane that it may be able to send now."""
        if (lane := self._lanes.get(link)) is not None:
            lane.wake()

    async def wake_room(self, room: RoomId) -> None:
        """Let all lanes of a room look for work."""
        actor = await self._actor(room)
        for link in actor.state.links.values():
            self._lane(actor, link).wake()

    def retry_now(self, network: NetworkId) -> None:
        """Tell every lane of a network not to wait for the end of its pause."""
        for lane in self._lanes.values():
            if lane.network == network:
                lane.retry_now()
        if network in self._seats:
            self._seats[network].retry_now()

    async def change_link(self, link: Link) -> None:
        """Let a room know what became of one of its links."""
        await self.submit(link.room, [LinkChange(link)])

    async def seat_observed(self, link: Link, person: PersonId, actual: str, reason: str) -> None:
        """Take note that a chat says that a ghost is in it no more."""
        await self._seats[link.network].observed(link.id, person, actual, reason)

    def refresh(self, person: PersonId) -> None:
        """Bring a person's ghosts up to date, in the background."""
        for network in self._networks.values():
            if isinstance(network, CanShowPeople):
                self.aside(lambda n=network: n.refresh(person))  # type: ignore[misc]

    def health_changed(self, status: NetworkStatus) -> None:
        """Show viewers a network's new health."""
        self.viewers.publish_everywhere(StatusChanged(status))
        for listener in self._on_status:
            listener(status)

    def on_status(self, listener: Callable[[NetworkStatus], None]) -> None:
        """Call `listener` when a network's health changes."""
        self._on_status.append(listener)

    def on_room(self, listener: Callable[[Room], None]) -> None:
        """Call `listener` when a room's description, settings or links change, watched or not."""
        self._on_room.append(listener)

    # after a commit

    def _committed(self, actor: RoomActor, batch: Batch) -> None:
        if batch.appended:
            self._indexer.grew(actor.id)
        self.badges.committed(actor.id, batch)
        for link in batch.added_links + batch.new_links:
            self._link_changed(actor, link)
        for fold in batch.folds:
            for link_id in actor.state.links:
                if link_id in self._lanes:
                    self._lanes[link_id].amended(fold.target)
        for echo in batch.echoes:
            self._lane(actor, actor.state.links[echo.key.link]).bound(echo.key, echo.origin.id, echo.version)
        for seat in (*batch.seats.values(), *batch.evicted.values()):
            scheduler = self._seats.get(actor.state.links[seat.link].network)
            if scheduler is not None:
                scheduler.changed(seat.link, seat.person)
        for link_id in {key.link for key in batch.deliveries}:
            self._lane(actor, actor.state.links[link_id]).wake()
        if any(isinstance(event.content, Described | Configured) for event, _, _ in batch.appended):
            self._described(actor)
        if batch.draft.emptied:
            self._room_changed(actor)
            self._eraser.wake()
        self._show(actor, batch)

    def _link_changed(self, actor: RoomActor, link: Link) -> None:
        self._lane(actor, link).wake()
        if link.state in ("closed", "gone"):
            self.aside(lambda: self._close(link))
            return
        self._describe(link)
        self._room_changed(actor)
        if (scheduler := self._seats.get(link.network)) is not None and link.open:
            for member in actor.state.members.values():
                if member.joined and not member.guest and member.home != link.network:
                    scheduler.changed(link.id, member.person)

    async def _close(self, link: Link) -> None:
        """Take everybody out of a chat that is given up, and have the network give it up."""
        network = self._networks[link.network]
        if isinstance(network, CanClose) and link.state == "closed":
            network.close(link)
        if (scheduler := self._seats.get(link.network)) is not None:
            for person in await self.db.read(lambda connection: seats.present(connection, link.id)):
                scheduler.changed(link.id, person)

    def _described(self, actor: RoomActor) -> None:
        for link in actor.state.links.values():
            self._describe(link)
        self._room_changed(actor)

    def _room_changed(self, actor: RoomActor) -> None:
        self.viewers.publish(actor.id, RoomChanged(actor.state.room))
        for listener in self._on_room:
            listener(actor.state.room)

    def _describe(self, link: Link) -> None:
        if link.network in self._describers:
            self._describers[link.network].changed(link.id)

    def _show(self, actor: RoomActor, batch: Batch) -> None:
        if not self.viewers.any(actor.id):
            return
        for fresh in batch.fresh():
            self.viewers.publish(actor.id, fresh)

    def aside(self, work: Callable[[], object]) -> None:
        """Do something small in the background; a failure is logged."""
        task = asyncio.create_task(_logged(work))
        self._side.add(task)
        task.add_done_callback(self._side.discard)

    async def _seat_of(self, link_id: LinkId, person: PersonId) -> tuple[Link, Member] | None:
        link = await self._link(link_id)
        if link is None:
            return None
        actor = await self._actor(link.room)
        # Nobody is in a deleted room any more, but their ghosts may still be.
        member = actor.state.members.get(person) or as_member(person, await self.people.get(person))
        return actor.state.links[link_id], member

    async def _description_of(self, link_id: LinkId) -> tuple[Link, Room] | None:
        def unit(connection: Connection) -> tuple[Link, Room] | None:
            link = rooms.link(connection, link_id)
            room = None if link is None else rooms.get(connection, link.room)
            return None if link is None or room is None else (link, room)

        return await self.db.read(unit)

    async def _link(self, link_id: LinkId) -> Link | None:
        return await self.db.read(lambda c: rooms.link(c, link_id))

    # what viewers see (ports.RoomView)

    @asynccontextmanager
    async def watch(self, room: RoomId) -> AsyncIterator[Viewer]:
        """Follow a room from now on."""
        await self._shown(room)
        with self.viewers.watch(room) as viewer:
            yield viewer

    async def page(
        self,
        room: RoomId,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        raw: bool = False,
        first: int = 1,
    ) -> list[Line]:
        """Return a page of the log in rising order; bounds are exclusive, and nothing below `first` is shown."""
        actor = await self._shown(room)

        def unit(connection: Connection) -> tuple[list[Entry], dict[int, list[Delivery]]]:
            entries = log.page(connection, room, before=before, after=after, limit=limit, raw=raw, first=first)
            if not entries:
                return entries, {}
            return entries, outbox.of_page(connection, room, entries[0].seq, entries[-1].seq)

        entries, deliveries = await self.db.read(unit)
        return [
            Line(entry, await self._author(actor, entry.event.who), deliveries.get(entry.seq, []))
            for entry in entries
        ]

    async def shown(self, room: RoomId, fresh: Sequence[Fresh]) -> list[Line]:
        """Return new entries as a viewer gets them, as they were committed."""
        actor = await self._actor(room)
        return [
            Line(each.entry, await self._author(actor, each.entry.event.who), list(each.deliveries)) for each in fresh
        ]

    async def lines(self, room: RoomId, entries: Sequence[Entry]) -> list[Line]:
        """Return entries as a viewer gets them."""
        if not entries:
            return []
        actor = await self._actor(room)
        numbers = [entry.seq for entry in entries]
        deliveries = await self.db.read(lambda c: outbox.of_events(c, room, numbers))
        return [
            Line(entry, await self._author(actor, entry.event.who), deliveries.get(entry.seq, []))
            for entry in entries
        ]

    async def member(self, room: RoomId, person: PersonId) -> Member | None:
        """Return a person's place in a room, or None for one who never was there."""
        return (await self._shown(room)).state.members.get(person)

    async def reads_from(self, room: RoomId, person: PersonId | None) -> int:
        """Return the first number of a room's log that a person (None: somebody who is signed out) may read; raise
        `Refused` where that is nothing."""
        state = (await self._shown(room)).state
        member = None if person is None else state.members.get(person)
        if person is not None and not await self.sees(room, person):
            raise no_such_room()
        first = rights.reads_from(state.room, member)
        if first is None:
            admin = person is not None and await self.is_admin(person)
            raise rights.refusal("read", rights.standing(member), state.room, admin=admin) or no_such_room()
        return first

    async def state(self, room: RoomId) -> RoomState:
        """Return a room's present state, which is only to be read; raise `Refused` where there is no such room."""
        return (await self._shown(room)).state

    async def sees(self, room: RoomId, person: PersonId) -> bool:
        """Tell whether somebody may know that a room is there; raise `Refused` where none is."""
        state = (await self._shown(room)).state
        await self.people.load([person])
        known = self.people.rights(person)
        who = rights.standing(state.members.get(person))
        return rights.sees(who, state.room, admin=known.admin, guest=known.guest)

    async def is_admin(self, person: PersonId) -> bool:
        """Tell whether somebody administers the server."""
        await self.people.load([person])
        return self.people.rights(person).admin

    async def can(self, room: RoomId, person: PersonId) -> frozenset[rights.Action]:
        """Return what a person may do in a room now."""
        state = (await self._shown(room)).state
        who = rights.standing(state.members.get(person))
        return rights.allowed(who, state.room, admin=await self.is_admin(person))

    async def _shown(self, room: RoomId) -> RoomActor:
        """Return the actor of a room that is there for people; raise `Refused` (404) for a deleted one too."""
        actor = await self._actor(room)
        if actor.state.room.deleted:
            raise no_such_room()
        return actor

    async def _author(self, actor: RoomActor, person: PersonId) -> Member:
        member = actor.state.members.get(person)
        if member is not None:
            return member
        found = await self.people.get(person)
        return as_member(person, found)

    async def snapshot(self, room: RoomId) -> RoomSnapshot | None:
        """Return the room's present state, or None where there is no such room."""
        try:
            state = (await self._shown(room)).state
        except Refused:
            return None
        members = sorted((m for m in state.members.values() if m.joined), key=lambda m: m.shown.casefold())
        views = [LinkView(link, self.address(link, state.room)) for link in state.links.values()]
        return RoomSnapshot(state.room, members, views)

    def address(self, link: Link, room: Room) -> str:
        """Return what people on the link's network call the room."""
        network = self._networks.get(link.network)
        if network is not None and isinstance(network, CanHost):
            return network.address(room)
        return link.chat

    async def person(self, person: PersonId) -> Person | None:
        """Return a person, or None."""
        return await self.people.get(person)

    def statuses(self) -> list[NetworkStatus]:
        """Return how each network is."""
        return [network.status() for network in self._networks.values()]

    def network(self, network: NetworkId) -> Network | None:
        """Return a network, or None where there is none of this name."""
        return self._networks.get(network)

    def hosts(self, room: Room, *, asked: bool = False) -> list[NetworkId]:
        """Return the networks on which a room gets a chat of its own, by default or because its owner `asked`."""
        return [n.id for n in self._networks.values() if isinstance(n, CanHost) and n.mirrors(room, asked=asked)]

    async def open_links(self, links: list[Link], *, seconds: float) -> None:
        """Begin to make the chats of new links; return when they can be joined, or after `seconds` (sooner
        where a network is known to be away)."""
        opening = []
        for link in links:
            network = self._networks[link.network]
            task = network.open(link) if isinstance(network, CanHost) else None
            if task is None:
                continue
            if network.status().health == "down":
                seconds = min(seconds, AWAY_SECONDS)
            opening.append(task)
        if opening:
            await asyncio.wait(opening, timeout=seconds)

    def lane_waits_for(self, link: LinkId) -> str:
        """Return what a link's lane waits for, empty when for nothing."""
        lane = self._lanes.get(link)
        return lane.waits_for if lane is not None else ""

    def figures(self) -> dict[str, int]:
        """Return how many rooms, viewers and lanes there are in memory, lanes by what they do; and how many lines
        were sent again without knowing whether they had arrived, since the start."""
        working = sum(not lane.idle and not lane.waits_for for lane in self._lanes.values())
        waiting = sum(bool(lane.waits_for) for lane in self._lanes.values())
        return {
            "rooms": len(self._rooms),
            "viewers": self.viewers.count,
            "lanes_working": working,
            "lanes_waiting": waiting,
            "lanes_idle": len(self._lanes) - working - waiting,
            "repeated": self._repeated + sum(lane.repeated for lane in self._lanes.values()),
        }

    def show_delivery(self, room: RoomId, frame: Delivered) -> None:
        """Show viewers a delivery's new state."""
        self.viewers.publish(room, frame)


def no_such_room() -> Refused:
    """Return the refusal for a room that is not there, or is nobody's business."""
    return Refused("no_such_room", "There is no such room.", status=404)


async def _logged(work: Callable[[], object]) -> None:
    try:
        result = work()
        if asyncio.iscoroutine(result):
            await result
    except Exception:
        logger.exception("a background task failed")
