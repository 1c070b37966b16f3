"""An in-process homeserver that behaves as Synapse was seen to behave, and that can fail in all the ways it fails."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from aiohttp import web
from ruamel.yaml import YAML

from tests.fakes.homeserver.accounts import Accounts
from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.create_room import CreateRoom
from tests.fakes.homeserver.directory import Directory
from tests.fakes.homeserver.ephemeral import Ephemeral
from tests.fakes.homeserver.faults import Faults, Hold, Recorded
from tests.fakes.homeserver.front import Front
from tests.fakes.homeserver.media import MediaStore
from tests.fakes.homeserver.membership import Memberships
from tests.fakes.homeserver.profiles import Profiles
from tests.fakes.homeserver.push import Pusher
from tests.fakes.homeserver.queries import Queries
from tests.fakes.homeserver.rooms import Rooms
from tests.fakes.homeserver.sending import Sending
from tests.fakes.homeserver.sync import Sync
from tests.fakes.homeserver.timeline import Timeline
from tests.fakes.homeserver.wire import Wire
from tests.fakes.homeserver.world import Appservice, Memory, World
from tests.rigs.accounts import register_with_secret
from tests.rigs.ports import free_port


class FakeHomeserver:
    """A homeserver inside the test's own process, with the same life as `tests.rigs.synapse.Synapse`.

    Application services are added before the first start. `stop`, `kill` and `start` lose no event that is on its
    way to an application service unless `restart` is told to; all else that Synapse forgets is forgotten: answers
    remembered for transaction IDs without a device, typing, presence, the count of transactions.
    """

    def __init__(
        self,
        *,
        server_name: str = "localhost",
        room_version: str = "12",
        backoff: float = 0.05,
        upload_limit: int = 100 * 1024 * 1024,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.server_name = server_name
        self.port = free_port()
        self.secret = "fake registration secret"
        self.faults = Faults()
        self.world = World(server_name, room_version)
        self._upload_limit = upload_limit
        self._memory = Memory()
        self._wire = Wire()
        self.timeline = Timeline(self.world, clock)
        self.pusher = Pusher(self.world, self.timeline, self._wire, backoff)
        self._memberships = Memberships(self.world, self.timeline)
        self._create_room = CreateRoom(self.world, self.timeline, self._memberships)
        self._front = Front(self.world, self.faults, ())
        self._running = False
        self._ever_ran = False

    @property
    def url(self) -> str:
        """The client-server address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Recorded]:
        """Every request that came, in order of arrival."""
        return self.faults.requests

    # --- life: the same as Synapse's ---

    def add_appservice(self, registration: Mapping[str, Any] | Path) -> None:
        """Have the homeserver read a registration (or its YAML file) at its next start."""
        read: Mapping[str, Any] = (
            YAML(typ="safe").load(registration) if isinstance(registration, Path) else registration
        )
        service = Appservice.read(read, self.server_name)
        self.world.appservices[service.id] = service

    async def register_user(self, name: str, password: str, *, admin: bool = False) -> tuple[str, str]:
        """Make an account through the shared secret: its whole user ID and an access token."""
        return await register_with_secret(self.url, self.secret, name, password, admin=admin)

    async def __aenter__(self) -> FakeHomeserver:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start (again); on the same port, except that the first start may look for another one."""
        if self._running:
            raise RuntimeError("the homeserver is running already")
        remaining = self.pusher.remaining()
        self._memory = Memory()
        self._front = Front(self.world, self.faults, self._routes())
        await self._listen()
        self._wire.open()
        self.pusher.start()
        self.pusher.carry_over(remaining)
        self._running = self._ever_ran = True

    async def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """End; the signal makes no difference here."""
        await self._end(0)

    async def kill(self) -> None:
        """End as a power cut would; requests under way are left where they are."""
        await self._end(0)

    async def restart(self, lose: int | Literal["pending"] = 0) -> int:
        """Stop and start; `lose` of the events on their way to application services are never pushed.

        They stay in /messages. Returns how many were lost.
        """
        lost = await self._end(None if lose == "pending" else lose)
        await self.start()
        return lost

    async def _end(self, lose: int | None) -> int:
        if not self._running:
            return 0
        self._running = False
        await self._front.vanish()
        await self.pusher.stop()
        await self._wire.close()
        return self.pusher.lose(lose)

    async def _listen(self) -> None:
        for attempt in range(3):
            try:
                await self._front.open(self.port)
            except OSError:
                if self._ever_ran or attempt == 2:
                    raise
                self.port = free_port()
            else:
                return

    # --- faults ---

    async def go_down(self) -> None:
        """Be out of reach: connections are reset, the port refuses, nothing is pushed; nothing is forgotten."""
        self.pusher.hold()
        await self._front.vanish()

    async def come_up(self) -> None:
        """Be in reach again, on the same port."""
        await self._front.open(self.port)
        self.pusher.let_go()

    def fail_next(
        self, method: str, path: str, status: int, errcode: str, count: int = 1, retry_after_ms: int | None = None
    ) -> None:
        """Refuse the next `count` requests whose path matches, without any effect."""
        self.faults.fail_next(method, path, status, errcode, count, retry_after_ms)

    def drop_reply(self, method: str, path: str, count: int = 1) -> None:
        """Let the next `count` matching requests take effect, then reset the connection before the reply."""
        self.faults.drop_reply(method, path, count)

    def hold(self, method: str, path: str, *, after: bool = False) -> Hold:
        """Hold matching requests before (or `after`) their effect, until the hold is released."""
        return self.faults.hold(method, path, after=after)

    def cut_next_room(self, after_events: int) -> None:
        """Leave the next room half made: with its alias taken, so many events, and a broken connection."""
        self._create_room.cut_after = after_events

    def hold_push(self) -> None:
        """Push nothing until `let_push_go`: accepted events wait in memory, where a restart can lose them."""
        self.pusher.hold()

    def let_push_go(self) -> None:
        """Push again."""
        self.pusher.let_go()

    async def pushed(self) -> None:
        """Return when every accepted event is delivered, or waits for a service that is down."""
        await self.pusher.idle()

    async def repeat_transaction(self, service_id: str | None = None) -> tuple[int, bytes]:
        """Push the newest transaction once more under its ID (as after a lost answer): status and body."""
        service = self._service(service_id)
        return await self._wire.transaction(service, *self.pusher.last(service.id))

    async def push_raw(self, txn_id: int | str, body: bytes, service_id: str | None = None) -> tuple[int, bytes]:
        """Push any bytes under any transaction ID: status and body of the answer."""
        return await self._wire.transaction(self._service(service_id), txn_id, body)

    def _service(self, service_id: str | None) -> Appservice:
        services = self.world.appservices
        return services[service_id] if service_id is not None else next(iter(services.values()))

    def _routes(self) -> list[Route]:
        world, memory, timeline, memberships = self.world, self._memory, self.timeline, self._memberships
        queries = Queries(world, self._wire, self.pusher)
        parts = (
            Accounts(world, memory, self.secret),
            Profiles(world, memberships),
            self._create_room,
            Rooms(world, timeline, memberships),
            Sending(world, memory, timeline, memberships),
            Directory(world, memberships, queries),
            Sync(world, memory, timeline),
            Ephemeral(world, memory, timeline, self.pusher.ephemeral),
            MediaStore(world, timeline, self._upload_limit),
            queries,
        )
        return [Route("GET", "/health", _healthy, auth=False), *(route for part in parts for route in part.routes())]


async def _healthy(_: Call) -> Reply:
    return web.Response(text="OK")
