"""A database that is away: requests wait a moment, then are told so; what needs no database is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient
from aiohttp.test_utils import TestClient

from bridge.model.errors import Refused
from bridge.store import meta
from bridge.store.database import Database, open_database
from bridge.web.failures import answering
from bridge.web.patience import patient
from tests.rigs.postgresql import QUICK, Cluster, require_postgresql

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def server() -> AsyncIterator[Cluster]:
    require_postgresql()
    made = Cluster(*QUICK)
    await asyncio.to_thread(made.start)
    yield made
    await asyncio.to_thread(made.remove)


@pytest.fixture
async def db(server: Cluster) -> AsyncIterator[Database]:
    opened = open_database(server.new())
    await opened.write(lambda c: meta.put(c, "a", "1"))
    yield opened
    await opened.close()


async def served(aiohttp_client: AiohttpClient, db: Database, seconds: float) -> Client:
    """A server with the middleware, a page that reads, one that waits without the database, and a socket."""

    async def no_page(_request: web.Request, _refusal: Refused) -> web.StreamResponse:
        raise AssertionError("programs get JSON")

    async def read(_request: web.Request) -> web.Response:
        return web.Response(text=await db.read(lambda c: meta.get(c, "a")))

    async def alive(_request: web.Request) -> web.Response:
        return web.Response(text="alive")

    app = web.Application(middlewares=[answering(no_page), patient(db, seconds)])
    app.router.add_get("/api/read", read)
    app.router.add_get("/healthz/live", alive)
    return await aiohttp_client(app)


async def test_a_request_is_told_that_the_database_is_away(
    server: Cluster, db: Database, aiohttp_client: AiohttpClient
) -> None:
    client = await served(aiohttp_client, db, 0.3)
    assert await (await client.get("/api/read")).text() == "1"
    await asyncio.to_thread(server.stop)
    begun = await client.get("/api/read")
    assert (begun.status, (await begun.json())["error"]["code"]) == (503, "database_away"), "begun before it was known"
    later = await client.get("/api/read")
    assert (later.status, (await later.json())["error"]["code"]) == (503, "database_away"), "and not begun any more"
    assert (await client.get("/healthz/live")).status == 200
    await asyncio.to_thread(server.start)
    assert await db.usable(20)
    assert await (await client.get("/api/read")).text() == "1"


@pytest.mark.parametrize("headers", [{}, {"Upgrade": "websocket"}], ids=["request", "socket"])
async def test_who_has_begun_is_answered_when_it_is_back_in_time(
    server: Cluster, db: Database, aiohttp_client: AiohttpClient, headers: dict[str, str]
) -> None:
    client = await served(aiohttp_client, db, 0.2 if headers else 30)
    await asyncio.to_thread(server.stop)
    asking = asyncio.ensure_future(client.get("/api/read", headers=headers))
    async with asyncio.timeout(20):
        while not db.trouble:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    assert not asking.done()
    await asyncio.to_thread(server.start)
    answer = await asyncio.wait_for(asking, 20)
    assert (answer.status, await answer.text()) == (200, "1")
