"""An installation inside the test's process: database, hub and networks, started and stopped as a test likes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from sqlalchemy import Connection, update

from bridge.core.hub import Hub
from bridge.core.items import Placed
from bridge.core.native import Native
from bridge.core.people import People
from bridge.core.ports import Network
from bridge.model.clock import now_ms
from bridge.model.deliveries import Delivery
from bridge.model.ids import WEB, PersonId, RoomId, new_account_id, new_link_id, new_person_id, new_room_id
from bridge.model.people import Person
from bridge.model.rooms import Link, Room
from bridge.store import accounts, indexing, outbox, people, rooms, tables
from bridge.store.accounts import Account
from bridge.store.database import open_database
from bridge.text.names import skeleton
from tests.fakes.tidy import TidyNetwork, Visitor
from tests.rigs.database import new_url

Maker: TypeAlias = Callable[["Installation"], Awaitable[Network]]


class Installation:
    """The parts of one Rialto; `restart` ends it wherever it is and begins again.

    A network is given as it is, or as a function that makes it anew at each start.
    """

    def __init__(self, folder: Path, *networks: TidyNetwork | Maker, seat_all: bool = True) -> None:
        self.url = new_url(folder)
        self.networks: list[Any] = []
        self.at_stop: list[Callable[[], Awaitable[None]]] = []
        self._given = networks
        self._seat_all = seat_all
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Installation:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open the database and run the hub."""
        self.db = open_database(self.url)
        self.people = People(self.db)
        await self.people.start()
        self.hub = Hub(self.db, self.people, joins_per_second=0, seat_all=self._seat_all)
        self.native = Native(self.hub)
        self.networks = [given if isinstance(given, TidyNetwork) else await given(self) for given in self._given]
        for network in self.networks:
            self.hub.add(network)
        self._running = [asyncio.create_task(part.run()) for part in (*self.networks, self.hub)]
        for room in await self.db.read(outbox.rooms_with_pending):
            # What the hub does at its start too: so that `idle` has something to wait for.
            await self.hub.wake_room(room)

    async def stop(self) -> None:
        """Drop the hub with whatever it is doing, then the database."""
        for close in self.at_stop:
            await close()
        self.at_stop.clear()
        running, self._running = self._running, []
        for task in running:
            task.cancel()
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            # A network that has nothing to do ends by itself; none ends by a failure.
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome
        await self.db.close()

    async def restart(self) -> None:
        """End and begin again on the same database."""
        await self.stop()
        await self.start()

    async def person(self, name: str, *, admin: bool = False, login: str = "", guest: bool = False) -> PersonId:
        """Make somebody with an account here, or a guest."""
        who = Person(id=new_person_id(), home=WEB, name=name)
        login = login or name.lower().replace(" ", "-")
        account = Account(id=new_account_id(), person=who.id, name=login, password="", admin=admin)

        def unit(connection: Connection) -> None:
            people.add(connection, who)
            accounts.add(connection, account, skeleton(login))
            if guest:
                made = tables.accounts.c.id == account.id
                connection.execute(update(tables.accounts).where(made).values(kind="guest"))

        await self.db.write(unit)
        if admin:
            await self.people.reload_reserved()
        return who.id

    async def room(self, *members: PersonId, name: str = "Piazza", creator: PersonId | None = None) -> Room:
        """Make a room with a ready link to a chat on each network (`ROOM-NETWORK`), and let people in."""
        owner = creator or (members[0] if members else self.people.bot)
        room_id = new_room_id()
        room = Room(room_id, room_id, name, "", "", "public", owner, now_ms())
        links = [
            Link(new_link_id(), room_id, network.id, f"{room_id}-{network.id}", "ready", described=room.description)
            for network in self.networks
        ]
        await self.db.write(lambda c: rooms.create(c, room, links))
        for member in members:
            await self.native.join(room_id, member)
        return room

    async def links(self, room: Room) -> list[Link]:
        """Return a room's links, in the order of the networks."""
        found = {link.network: link for link in await self.db.read(lambda c: rooms.links_of(c, room.id))}
        return [found[network.id] for network in self.networks]

    async def visitor(self, link: Link, user: str) -> Visitor:
        """Return somebody from a link's network."""
        return Visitor(self.hub, link, await self.people.at(link.network, user, user))

    async def deliveries(self, room: Room, seq: int) -> list[Delivery]:
        """Return what became of an event, after the commit of what is being settled."""
        await self.idle()
        return (await self.db.read(lambda c: outbox.of_page(c, room.id, seq, seq))).get(seq, [])

    async def state(self, room: Room, placed: Placed) -> list[str]:
        """Return the states of an event's deliveries."""
        return [delivery.state for delivery in await self.deliveries(room, placed.seq)]

    async def idle(self) -> None:
        """Return when no lane, no room and nothing aside works any more."""
        while tasks := list(self._working()):
            await asyncio.wait(tasks)

    def _working(self) -> Iterator[asyncio.Task[Any]]:
        # The hub has no such question, and needs none: only a test wants everything to come to rest.
        yield from self.hub._side
        for describer in self.hub._describers.values():
            yield from describer._tasks.values()
        for lane in self.hub._lanes.values():
            if lane._task is not None:
                yield lane._task
        for loaded in self.hub._rooms.values():
            if loaded.done() and (task := loaded.result()._task) is not None:
                yield task

    async def indexed(self) -> None:
        """Return when everything that was said can be found."""
        while await self.db.read(indexing.waiting):
            await asyncio.sleep(0.01)

    async def log(self, room: RoomId, *, raw: bool = False) -> list[Any]:
        """Return the present content of every entry."""
        return [line.entry.present for line in await self.hub.page(room, limit=200, raw=raw)]
