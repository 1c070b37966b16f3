"""A small application service that writes down what a homeserver sends it, and answers as the test says."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiohttp import web

from tests.rigs.ports import free_port

Events = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Received:
    """One transaction as it arrived, and how it was answered."""

    txn_id: str
    body: dict[str, Any]
    status: int
    accepted: bool

    @property
    def events(self) -> Events:
        """The room events of the transaction."""
        events: Events = self.body.get("events", [])
        return events


@dataclass
class RecordingAppservice:
    """Listens on 127.0.0.1; every transaction is kept in `received`, refused ones too.

    `answers` holds (status, body) pairs for the next transactions that carry room events (a homeserver sends
    presence when it likes); when it is empty the answer is 200 and {}. `arrived` counts transactions as they come
    in; `gate` can be cleared to hold them back from there. `on_alias` and `on_user` decide queries (True: it exists).
    """

    prefix: str = "rialto"
    server_name: str = "localhost"
    msc4190: bool = True
    port: int = field(default_factory=free_port)
    as_token: str = field(default_factory=lambda: "as_" + secrets.token_hex(16))
    hs_token: str = field(default_factory=lambda: "hs_" + secrets.token_hex(16))
    received: list[Received] = field(default_factory=list)
    arrived: int = 0
    answers: deque[tuple[int, bytes]] = field(default_factory=deque)
    queries: list[str] = field(default_factory=list)
    pings: list[Any] = field(default_factory=list)
    on_alias: Callable[[str], Awaitable[bool]] | None = None
    on_user: Callable[[str], Awaitable[bool]] | None = None

    def __post_init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where the homeserver reaches us."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def bot(self) -> str:
        """The whole user ID of the sender_localpart."""
        return f"@{self.prefix}:{self.server_name}"

    def ghost(self, name: str) -> str:
        """The user ID of a ghost in our namespace."""
        return f"@{self.prefix}_{name}:{self.server_name}"

    def registration(self) -> dict[str, Any]:
        """The registration that the homeserver is to read."""
        return {
            "id": self.prefix,
            "url": self.url,
            "as_token": self.as_token,
            "hs_token": self.hs_token,
            "sender_localpart": self.prefix,
            "rate_limited": False,
            "receive_ephemeral": True,
            "io.element.msc4190": self.msc4190,
            "protocols": [],
            "namespaces": {
                "users": [{"exclusive": True, "regex": f"@{self.prefix}_.*:{self.server_name}"}],
                "aliases": [{"exclusive": True, "regex": f"#{self.prefix}_.*:{self.server_name}"}],
                "rooms": [],
            },
        }

    async def __aenter__(self) -> RecordingAppservice:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; again on the same port after a stop."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        root = "/_matrix/app/v1"
        app.router.add_put(root + "/transactions/{txn}", self._transaction)
        app.router.add_get(root + "/users/{user}", self._user)
        app.router.add_get(root + "/rooms/{alias}", self._alias)
        app.router.add_post(root + "/ping", self._ping)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Refuse connections from now on; what was received is kept."""
        self.gate.set()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def until(self, true: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something about what was received is true; TimeoutError after so many seconds."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(true)

    def events(self, room_id: str | None = None, type: str | None = None) -> Events:
        """The events of all accepted transactions in order of arrival, of one room or type if asked."""
        return [
            event
            for received in self.received
            if received.accepted
            for event in received.events
            if room_id in (None, event["room_id"]) and type in (None, event["type"])
        ]

    async def event(self, event_id: str, seconds: float = 20) -> dict[str, Any]:
        """Wait for one event: as it arrived."""
        await self.until(lambda: any(event["event_id"] == event_id for event in self.events()), seconds)
        return next(event for event in self.events() if event["event_id"] == event_id)

    async def _note(self, target: list[Any], value: Any) -> None:
        async with self._changed:
            target.append(value)
            self._changed.notify_all()

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.hs_token}":
            return None
        return web.json_response({"errcode": "M_FORBIDDEN", "error": "bad token"}, status=403)

    async def _transaction(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        body = json.loads(await request.read())
        async with self._changed:
            self.arrived += 1
            self._changed.notify_all()
        await self.gate.wait()
        status, reply = self.answers.popleft() if self.answers and body.get("events") else (200, b"{}")
        accepted = 200 <= status < 300 and _is_json(reply)
        await self._note(self.received, Received(request.match_info["txn"], body, status, accepted))
        return web.Response(body=reply, status=status, content_type="application/json")

    async def _user(self, request: web.Request) -> web.Response:
        user_id = request.match_info["user"]
        await self._note(self.queries, user_id)
        return _found(self.on_user is not None and await self.on_user(user_id))

    async def _alias(self, request: web.Request) -> web.Response:
        alias = request.match_info["alias"]
        await self._note(self.queries, alias)
        return _found(self.on_alias is not None and await self.on_alias(alias))

    async def _ping(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        await self._note(self.pings, (await request.json()).get("transaction_id"))
        return web.json_response({})


def _found(exists: bool) -> web.Response:
    if exists:
        return web.json_response({})
    return web.json_response({"errcode": "M_NOT_FOUND", "error": "not here"}, status=404)


def _is_json(reply: bytes) -> bool:
    try:
        json.loads(reply)
    except ValueError:
        return False
    return True
