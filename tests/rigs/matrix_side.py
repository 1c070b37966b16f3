"""A fake homeserver with the Matrix adapter on it, inside the test's process, and people who talk there."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bridge.model.ids import PersonId
from bridge.model.rooms import Link, Room
from bridge.networks.matrix.door import runner
from bridge.networks.matrix.marker import Marker
from bridge.networks.matrix.network import MatrixNetwork, MatrixOptions, make_marker
from bridge.networks.matrix.registration import make
from bridge.networks.matrix.server import routes
from tests.fakes.homeserver import FakeHomeserver
from tests.fakes.homeserver.world import Event
from tests.fakes.homeserver.world import Room as MatrixRoom
from tests.rigs.caller import Caller
from tests.rigs.installation import Installation
from tests.rigs.ports import free_port

WEB_URL = "http://rialto.example"


class MatrixSide:
    """The homeserver, and what makes the adapter for an `Installation` (pass `side.make`)."""

    def __init__(self, *, room_version: str = "12", moderators: tuple[str, ...] = ()) -> None:
        self.hs = FakeHomeserver(backoff=0.02, room_version=room_version)
        self.port = free_port()
        self.registration = make(url=f"http://127.0.0.1:{self.port}", server_name="localhost", prefix="rialto")
        self.hs.add_appservice(self.registration.to_dict())
        self._moderators = moderators
        self._site: web.AppRunner | None = None
        self._callers: list[Caller] = []
        self.network: MatrixNetwork
        self.marker: Marker
        self.world: Installation

    async def __aenter__(self) -> MatrixSide:
        await self.hs.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for caller in self._callers:
            await caller.close()
        await self.hs.stop()

    async def make(self, world: Installation) -> MatrixNetwork:
        """Make the adapter, and listen for the homeserver."""
        options = MatrixOptions(
            homeserver_url=self.hs.url,
            server_name="localhost",
            prefix="rialto",
            web_url=WEB_URL,
            moderators=self._moderators,
        )
        self.world = world
        self.marker = await make_marker(world.db)
        self.network = MatrixNetwork(options, self.registration, world.db, world.hub, world.people, self.marker)
        await self.listen()
        world.at_stop.append(self.deafen)
        return self.network

    async def listen(self) -> None:
        """Take what the homeserver sends."""
        self._site = runner(routes(self.network, hs_token=self.registration.hs_token))
        await self._site.setup()
        await web.TCPSite(self._site, "127.0.0.1", self.port).start()

    async def deafen(self) -> None:
        """Refuse the homeserver's connections from now on."""
        if self._site is not None:
            site, self._site = self._site, None
            await site.cleanup()

    async def user(self, name: str) -> tuple[Caller, str]:
        """Register an ordinary user of the homeserver: who calls as it, and its ID."""
        user_id, token = await self.hs.register_user(name, "a password")
        caller = Caller(self.hs.url, token)
        self._callers.append(caller)
        return caller, user_id

    def bot(self) -> Caller:
        """Who calls as the application service itself."""
        caller = Caller(self.hs.url, self.registration.as_token)
        self._callers.append(caller)
        return caller

    def ghost(self, person: PersonId) -> str:
        """The user ID of a person's ghost."""
        return self.network.naming.ghost(person)

    async def portal(self, room: Room) -> Link:
        """The link to a room's portal, once it is ready and caught up with."""
        while True:
            (link,) = await self.world.links(room)
            if link.chat and self.network.ready(link):
                return link
            await asyncio.sleep(0.005)  # the making has no end that could be awaited from here

    def matrix_room(self, chat: str) -> MatrixRoom:
        """A room as the homeserver has it."""
        return self.hs.world.rooms[chat]

    def events(self, chat: str, type: str = "m.room.message") -> list[Event]:
        """The events of a room of one type, in order."""
        return [event for event in self.hs.world.rooms[chat].events if event.type == type]

    def bodies(self, chat: str) -> list[str]:
        """What can be read in a room now: redacted lines gone, edits folded in."""
        shown = []
        for event in self.events(chat):
            relation = event.content.get("m.relates_to", {})
            if relation.get("rel_type") == "m.replace" or event.redacted_by is not None:
                continue
            newest = event.edited_by
            content = (
                newest.content["m.new_content"] if newest is not None and not newest.redacted_by else event.content
            )
            shown.append(content["body"])
        return shown

    def sends(self) -> list[str]:
        """The paths of all sends of messages that came, in order."""
        return [note.path for note in self.hs.requests if "/send/m.room.message/" in note.path]

    async def settle(self) -> None:
        """Return when nothing is under way any more, on either side."""
        seen = -1
        while seen != (seen := len(self.hs.world.events)) or self._working():
            await self.hs.pushed()
            for feed in list(self.network.inbox._chats.values()):
                if feed._task is not None and not feed._closed:
                    await asyncio.wait([feed._task], timeout=5)
            await self.world.idle()
            await asyncio.sleep(0.005)  # seats and catch-up are not tasks that end

    def _working(self) -> bool:
        network, scheduler = self.network, self.world.hub._seats[self.network.id]
        feeding = any(feed._in_table or feed._rows or feed._task is not None for feed in network.inbox._chats.values())
        links = [lane._room.link(lane._link) for lane in self.world.hub._lanes.values()]
        behind = any(link.open and not network.ready(link) for link in links)
        catching_up = behind or network.catchup.running or network.catchup._horizon is not None
        # A lane that was woken after the last look has a task, and nothing of it is to be seen yet.
        at_work = any(True for _ in self.world._working())
        return bool(at_work or scheduler._queue or scheduler._busy or network.portals.busy or catching_up or feeding)


async def alias_of(caller: Caller, alias: str) -> Any:
    """Ask the directory for an alias, as a client that wants to join does."""
    return await caller.call("GET", f"directory/room/{quote(alias, safe='')}")
