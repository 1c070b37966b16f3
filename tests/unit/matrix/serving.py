"""A real application service server on a free port of 127.0.0.1, and an appservice that remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from bridge.networks.matrix.door import Limits, runner
from bridge.networks.matrix.server import DEFAULT_LIMITS, Appservice, routes
from bridge.networks.matrix.wire import Transaction

TOKEN = "hs-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
USER = "@rialto_known:example.org"
ALIAS = "#rialto_known:example.org"


class Recording:
    """Knows USER and ALIAS; `fault` is raised from every call while it is set; `gate` holds queries until it is set."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self.asked: list[str] = []
        self.pings: list[str | None] = []
        self.fault: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def transaction(self, txn: Transaction) -> None:
        self._fail()
        self.transactions.append(txn)

    async def user_exists(self, user_id: str) -> bool:
        return await self._asked(user_id) == USER

    async def alias_exists(self, alias: str) -> bool:
        return await self._asked(alias) == ALIAS

    async def pinged(self, transaction_id: str | None) -> None:
        self._fail()
        self.pings.append(transaction_id)

    async def _asked(self, subject: str) -> str:
        self.asked.append(subject)
        self._fail()
        await self.gate.wait()
        return subject

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault


class Served:
    """A running server with a client that speaks to it; the port is for tests that write their own bytes."""

    def __init__(self, port: int, session: aiohttp.ClientSession, app: web.Application) -> None:
        self.port = port
        self.session = session
        self.app = app

    async def call(
        self, method: str, path: str, *, data: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, object]:
        """One request, with the right token unless `headers` are given; gives the status and the decoded JSON body."""
        async with self.session.request(method, path, data=data, headers=BEARER if headers is None else headers) as got:
            assert got.content_type == "application/json", await got.text()
            return got.status, await got.json()

    async def put(self, body: object, txn_id: str = "1") -> tuple[int, object]:
        """Push a transaction with this body."""
        return await self.call("PUT", f"/_matrix/app/v1/transactions/{txn_id}", data=body)

    async def raw(self, request: bytes) -> bytes:
        """Send these bytes and read the answer until the server closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@asynccontextmanager
async def serve(appservice: Appservice, limits: Limits = DEFAULT_LIMITS) -> AsyncIterator[Served]:
    """Serve as production does (the same runner), with a client session; both end with the block."""
    app = routes(appservice, hs_token=TOKEN, limits=limits)
    running = runner(app, shutdown_seconds=1)
    await running.setup()
    try:
        await web.TCPSite(running, "127.0.0.1", 0).start()
        port: int = running.addresses[0][1]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield Served(port, session, app)
    finally:
        await running.cleanup()
