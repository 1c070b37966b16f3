"""One shared session: what is reused, what is bounded, and how a homeserver that went away is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.model.errors import Retry, Unreachable
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.liveness import ConnectionWatch
from bridge.networks.matrix.nio_edge import Request
from tests.rigs.ports import free_port
from tests.unit.matrix.answering import TOKEN, answer, answering, calling

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Losses:
    """Counts what `on_connection_lost` told."""

    def __init__(self) -> None:
        self.count = 0
        self.told = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self.told.set()


class Wire:
    """A TCP server whose connections the test can end: `talk` has one connection to itself."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self.port = free_port()
        self.accepted = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Stop listening and end every connection, as a homeserver that stops does."""
        assert self._server is not None
        self._server.close()
        await self.hang_up()
        await self._server.wait_closed()

    async def hang_up(self) -> None:
        """End every connection and go on listening."""
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.append(writer)
        await self._talk(reader, writer)


@asynccontextmanager
async def wire(talk: Talk) -> AsyncIterator[Wire]:
    server = Wire(talk)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request's head and body; b"" where the other side hung up."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    lower = head.lower()
    length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0]) if b"content-length: " in lower else 0
    return head + await reader.readexactly(length)


async def polite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer everything with 200 and {}."""
    while await read_request(reader):
        writer.write(OK)
        await writer.drain()


async def settled(client: HomeserverClient) -> None:
    """Return when the client has seen the end of all the connections that it keeps; that has no event to wait for."""
    connector = client._connection._open_session().connector
    assert connector is not None
    for _ in range(4000):
        if not any(proto.is_connected() for kept in connector._conns.values() for proto, _ in kept):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("connections are still open")


async def test_one_connection_serves_one_call_after_another() -> None:
    lost = Losses()
    async with wire(polite) as server, calling(server.url, on_connection_lost=lost) as client:
        assert client.connections_made == 0
        for _ in range(20):
            await client.versions()
        assert (client.connections_made, server.accepted, lost.count) == (1, 1, 0)


async def test_many_calls_at_once_are_no_loss() -> None:
    lost = Losses()
    async with wire(polite) as server, calling(server.url, on_connection_lost=lost) as client:
        for calls in (10, 1, 10, 20, 3, 20):
            await asyncio.gather(*(client.versions() for _ in range(calls)))
        assert server.accepted == client.connections_made <= 20
        assert lost.count == 0


async def test_the_limit_bounds_the_calls_in_flight() -> None:
    held = asyncio.Semaphore(0)
    holding = 0
    most = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal holding, most
        while await read_request(reader):
            holding += 1
            most = max(most, holding)
            await held.acquire()
            holding -= 1
            writer.write(OK)

    lost = Losses()
    async with wire(slow) as server, calling(server.url, on_connection_lost=lost, limit=3) as client:
        calls = [asyncio.create_task(client.versions()) for _ in range(24)]
        for _ in calls:
            held.release()
        await asyncio.gather(*calls)
        assert most <= 3
        assert (server.accepted, lost.count) == (3, 0)


async def test_waiting_for_a_turn_costs_no_time_of_the_try() -> None:
    go_on = asyncio.Event()

    async def held(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            await go_on.wait()
            writer.write(OK)

    async with wire(held) as server, calling(server.url, limit=1) as client:
        first = asyncio.create_task(client.request(Request("GET", "/1"), timeout=30))
        second = asyncio.create_task(client.request(Request("GET", "/2"), timeout=1))
        # The time that passes here is the thing under test: it is more than the second try may take.
        await asyncio.sleep(1.2)
        assert not second.done()
        go_on.set()
        assert list(await asyncio.gather(first, second)) == [{}, {}]


async def test_a_connection_that_we_closed_for_its_age_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.networks.matrix.liveness.KEEPALIVE_SECONDS", 0.05)
    monkeypatch.setattr("bridge.networks.matrix.connection.KEEPALIVE_SECONDS", 0.05)
    lost = Losses()
    async with wire(polite) as server, calling(server.url, on_connection_lost=lost) as client:
        await client.versions()
        await settled(client)
        await client.versions()
        assert (client.connections_made, lost.count) == (2, 0)


async def test_nobody_there_is_unreachable() -> None:
    lost = Losses()
    async with calling(f"http://127.0.0.1:{free_port()}", on_connection_lost=lost) as client:
        with pytest.raises(Unreachable, match="versions"):
            await client.versions()
        assert lost.count == 1
        assert client.connections_made == 0


async def test_a_connection_that_ends_before_its_answer_is_unreachable() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.close()

    lost = Losses()
    async with wire(rude) as server, calling(server.url, on_connection_lost=lost) as client:
        with pytest.raises(Unreachable):
            await client.send("!r", "m.room.message", "t", {})
        assert lost.count >= 1


async def test_an_answer_that_is_cut_short_is_unreachable() -> None:
    async def cutting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()

    lost = Losses()
    async with wire(cutting) as server, calling(server.url, on_connection_lost=lost) as client:
        with pytest.raises(Unreachable):
            await client.versions()
        assert lost.count == 1


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"])
async def test_an_answer_that_does_not_come_or_not_end_is_unreachable(begin: bytes) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(begin)
        await reader.read()

    lost = Losses()
    async with wire(silent) as server, calling(server.url, on_connection_lost=lost, timeout=0.2) as client:
        with pytest.raises(Unreachable):
            await client.versions()
        assert lost.count == 1


async def test_what_is_not_http_is_tried_again_later() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"220 mail.test ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    async with wire(babble) as server, calling(server.url) as client:
        with pytest.raises(Retry):
            await client.versions()


async def test_a_kept_connection_that_was_found_closed_is_told() -> None:
    lost = Losses()
    async with wire(polite) as server, calling(server.url, on_connection_lost=lost) as client:
        await client.versions()
        await server.hang_up()
        await settled(client)
        await client.versions()
        assert (client.connections_made, lost.count) == (2, 1)
        await client.versions()
        assert (client.connections_made, lost.count) == (2, 1)


async def test_a_kept_connection_that_dies_under_a_call_is_told() -> None:
    """The server hangs up instead of answering the second request on a connection; aiohttp tries a new one itself."""
    seen: list[bytes] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)
        seen.append(await read_request(reader))
        writer.close()

    lost = Losses()
    async with wire(once) as server, calling(server.url, on_connection_lost=lost) as client:
        await client.versions()
        await client.versions()
        assert (client.connections_made, lost.count) == (2, 1)
    assert len([request for request in seen if request]) >= 3


async def test_several_kept_connections_that_died_are_told_once() -> None:
    lost = Losses()
    async with wire(polite) as server, calling(server.url, on_connection_lost=lost) as client:
        await asyncio.gather(*(client.versions() for _ in range(8)))
        await server.hang_up()
        await settled(client)
        await client.versions()
        assert lost.count == 1


async def test_a_connection_that_the_server_said_it_would_close_is_no_loss() -> None:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await writer.drain()
        writer.close()

    lost = Losses()
    async with wire(closing) as server, calling(server.url, on_connection_lost=lost) as client:
        for _ in range(5):
            await client.versions()
        assert (client.connections_made, lost.count) == (5, 0)


async def test_an_idle_bridge_that_keeps_watch_notices_a_restart() -> None:
    served = asyncio.Event()

    async def telling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            writer.write(OK)
            await writer.drain()
            served.set()

    lost = Losses()
    async with wire(telling) as server, calling(server.url, on_connection_lost=lost) as client:
        watching = asyncio.create_task(client.keep_watch(every=0.01))
        await served.wait()
        assert lost.count == 0
        await server.stop()
        await lost.told.wait()
        served.clear()
        await server.start()
        await served.wait()
        assert not watching.done()
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching


async def test_after_closing_calls_are_unreachable_and_no_loss_is_told() -> None:
    lost = Losses()
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await read_request(reader):
            asked.set()
        await reader.read()

    async with wire(silent) as server:
        client = HomeserverClient(server.url, TOKEN, on_connection_lost=lost)
        waiting = asyncio.create_task(client.versions())
        await asked.wait()
        await client.close()
        with pytest.raises(Unreachable):
            await waiting
        with pytest.raises(Unreachable, match="closed"):
            await client.versions()
        await client.close()
        assert lost.count == 0


async def test_closing_a_client_that_was_never_used_is_fine() -> None:
    await HomeserverClient("http://127.0.0.1:1", TOKEN).close()


async def test_a_session_from_elsewhere_is_used_and_left_open() -> None:
    async with answering() as server, aiohttp.ClientSession(headers={"X-Whose": "theirs"}) as session:
        client = HomeserverClient(server.url, TOKEN, session=session)
        await client.versions()
        await client.close()
        assert server.last.headers["X-Whose"] == "theirs"
        assert not session.closed


async def test_no_cookie_is_kept() -> None:
    async with answering(answer(200, {}, Set_Cookie="who=me; Path=/")) as server, calling(server.url) as client:
        await client.versions()
        await client.versions()
        assert "Cookie" not in server.last.headers


async def test_a_cancelled_call_gives_its_turn_back() -> None:
    asked = asyncio.Event()
    answers = iter([False, True])

    async def first_silent(request: web.Request) -> web.Response:
        if next(answers):
            return web.json_response({})
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    app = web.Application()
    app.router.add_get("/{all:.*}", first_silent)
    async with TestServer(app, host="127.0.0.1") as server, calling(str(server.make_url("")), limit=1) as client:
        waiting = asyncio.create_task(client.versions())
        await asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await client.versions() == {}


async def test_the_watch_survives_a_connection_that_is_handed_on_early() -> None:
    """aiohttp may give a connection to the next call before the one that used it hears of its own end."""
    asked = asyncio.Event()
    go_on = asyncio.Event()

    async def holding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            if b"/hold" in request:
                asked.set()
                await go_on.wait()
            writer.write(OK)

    lost = Losses()
    watch = ConnectionWatch(lost)
    async with wire(holding) as server, aiohttp.ClientSession(trace_configs=[watch.trace_config()]) as session:
        first = await session.get(server.url)
        await first.read()
        # The second call goes out on the first one's connection, of whose end the watch was not told yet …
        second = asyncio.create_task(session.get(f"{server.url}/hold"))
        await asked.wait()
        watch.returned(first)
        # … so that a third connection is needed although nothing was lost.
        third = await session.get(server.url)
        assert (watch.made, lost.count) == (2, 0)
        go_on.set()
        for response in (await second, third):
            await response.read()
            watch.returned(response)
        await (await session.get(server.url)).read()
        assert (watch.made, lost.count) == (2, 0)
