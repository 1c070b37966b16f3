"""Files to and from the homeserver, in one piece and in streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.model.errors import Rejected, Retry, Unreachable
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.connection import Download
from tests.unit.matrix.answering import TOKEN, answer, answering, calling, error

URI = {"content_uri": "mxc://hs.test/abc"}
LARGE = bytes(range(256)) * 4 * 1024 * 5  # 5 MiB: more than goes out in one write


async def pieces(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def whole(file: Download) -> bytes:
    return b"".join([chunk async for chunk in file.chunks])


async def test_bytes_are_uploaded_with_their_type_and_name() -> None:
    async with answering(answer(200, URI)) as server, calling(server.url) as client:
        assert await client.upload(b"\x89PNG", "image/png", "a b/ü.png") == "mxc://hs.test/abc"
    assert (server.last.method, server.last.path) == ("POST", "/_matrix/media/v3/upload")
    assert server.last.query == {"filename": "a b/ü.png"}
    assert server.last.headers["Content-Type"] == "image/png"
    assert server.last.headers["Authorization"] == f"Bearer {TOKEN}"
    assert server.last.body == b"\x89PNG"


async def test_large_bytes_and_none_at_all_arrive_whole() -> None:
    async with answering(answer(200, URI), answer(200, URI)) as server, calling(server.url) as client:
        await client.upload(LARGE, "application/octet-stream")
        await client.upload(b"", "text/plain")
    assert server.asked[0].body == LARGE
    assert server.asked[0].headers["Content-Length"] == str(len(LARGE))
    assert server.asked[1].body == b""
    assert server.asked[1].headers["Content-Length"] == "0"


async def test_a_stream_is_uploaded_with_its_length() -> None:
    async with answering(answer(200, URI)) as server, calling(server.url) as client:
        await client.upload(pieces(LARGE), "video/mp4", size=len(LARGE))
    assert server.last.body == LARGE
    assert server.last.headers["Content-Length"] == str(len(LARGE))
    assert "Transfer-Encoding" not in server.last.headers


async def test_a_reserved_address_gets_its_bytes_and_having_them_is_success() -> None:
    replies = (answer(), error(409, "M_CANNOT_OVERWRITE_MEDIA"), error(403, "M_FORBIDDEN"), error(404, "M_NOT_FOUND"))
    async with answering(*replies) as server, calling(server.url) as client:
        for _ in range(2):
            await client.upload_to("mxc://hs.test/a+b", b"x", "image/png", "x.png")
        for _ in range(2):
            with pytest.raises(Rejected):
                await client.upload_to("mxc://hs.test/a+b", b"x", "image/png")
    assert (server.asked[0].method, server.asked[0].path) == ("PUT", "/_matrix/media/v3/upload/hs.test/a%2Bb")
    assert server.asked[0].query == {"filename": "x.png"}


async def test_a_source_that_fails_is_not_the_homeservers_fault() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        raise ZeroDivisionError("the source broke")

    lost: list[None] = []
    async with answering() as server, calling(server.url, on_connection_lost=lambda: lost.append(None)) as client:
        with pytest.raises(ZeroDivisionError, match="the source broke"):
            await client.upload(broken(), "video/mp4", size=100_000)
    assert lost == []


async def test_a_file_comes_in_a_stream() -> None:
    reply = answer(200, LARGE, Content_Type="video/mp4")
    async with (
        answering(reply) as server,
        calling(server.url) as client,
        client.download_media("mxc://hs.test/a b", timeout=15) as file,
    ):
        assert (file.content_type, file.length) == ("video/mp4", len(LARGE))
        chunks = [chunk async for chunk in file.chunks]
    assert b"".join(chunks) == LARGE
    assert len(chunks) > 10
    assert server.last.path == "/_matrix/client/v1/media/download/hs.test/a%20b"
    assert server.last.query == {"timeout_ms": "10000"}
    assert server.last.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_smaller_picture() -> None:
    async with (
        answering(answer(200, b"tiny", Content_Type="image/jpeg")) as server,
        calling(server.url) as client,
        client.thumbnail("mxc://hs.test/abc", 96, 64, "crop") as file,
    ):
        assert await whole(file) == b"tiny"
    assert server.last.path == "/_matrix/client/v1/media/thumbnail/hs.test/abc"
    assert server.last.query == {"width": "96", "height": "64", "method": "crop", "timeout_ms": "20000"}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(404, "M_NOT_FOUND"), Rejected),
        (error(504, "M_NOT_YET_UPLOADED"), Retry),
        (error(429, "M_LIMIT_EXCEEDED"), Retry),
        (answer(502, b"<html>"), Retry),
        (answer(204), Retry),
    ],
)
async def test_a_file_that_cannot_be_had(reply: web.Response, kind: type[Exception]) -> None:
    async with answering(reply) as server, calling(server.url) as client:
        with pytest.raises(kind):
            async with client.download_media("mxc://hs.test/abc"):
                pytest.fail("there is no file")


async def test_a_file_that_is_elsewhere_is_fetched_there_without_our_token() -> None:
    lost: list[None] = []
    async with answering(answer(200, b"from the store")) as store:
        replies = (answer(200), answer(307, Location=f"{store.url}/x?signed=1"))
        async with (
            answering(*replies) as server,
            calling(server.url, on_connection_lost=lambda: lost.append(None)) as client,
        ):
            await client.versions()
            async with client.download_media("mxc://hs.test/abc") as file:
                assert await whole(file) == b"from the store"
    assert "Authorization" in server.last.headers
    assert "Authorization" not in store.last.headers
    assert store.last.query == {"signed": "1"}
    assert lost == []


async def stalling(request: web.Request) -> web.StreamResponse:
    """Send the beginning of a file and then nothing more."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"x" * 10)
    await asyncio.Event().wait()
    return response


async def breaking(request: web.Request) -> web.StreamResponse:
    """Send the beginning of a file and hang up."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"x" * 10)
    assert request.transport is not None
    request.transport.close()
    return response


@pytest.mark.parametrize("handler", [stalling, breaking])
async def test_a_file_that_ends_too_early_is_unreachable(handler: object) -> None:
    lost: list[None] = []
    app = web.Application()
    app.router.add_get("/{all:.*}", handler)  # type: ignore[arg-type]
    got: list[bytes] = []

    async def download(client: HomeserverClient) -> None:
        async with client.download_media("mxc://hs.test/abc", timeout=0.5) as file:
            async for chunk in file.chunks:
                got.append(chunk)

    async with (
        TestServer(app, host="127.0.0.1") as server,
        calling(str(server.make_url("")), on_connection_lost=lambda: lost.append(None)) as client,
    ):
        with pytest.raises(Unreachable):
            await download(client)
    assert b"".join(got) == b"x" * 10
    assert len(lost) == 1


async def test_an_error_of_the_reader_comes_out_as_it_is() -> None:
    lost: list[None] = []

    async def relay(client: HomeserverClient) -> None:
        async with client.download_media("mxc://hs.test/abc") as file:
            async for _ in file.chunks:
                raise ConnectionResetError("the browser left")

    async with (
        answering(answer(200, LARGE)) as server,
        calling(server.url, on_connection_lost=lambda: lost.append(None)) as client,
    ):
        with pytest.raises(ConnectionResetError, match="the browser left"):
            await relay(client)
        assert await client.versions() == {}
    assert lost == []


async def test_long_downloads_do_not_hold_up_the_rooms() -> None:
    """Eight downloads wait for their bytes; a call with a limit of one goes through all the same."""
    held = 0
    full = asyncio.Event()
    go_on = asyncio.Event()

    async def media(request: web.Request) -> web.Response:
        nonlocal held
        held += 1
        if held == 8:
            full.set()
        await go_on.wait()
        return web.Response(body=b"x")

    async def versions(request: web.Request) -> web.Response:
        return web.json_response({"versions": []})

    app = web.Application()
    app.router.add_get("/_matrix/client/v1/media/{all:.*}", media)
    app.router.add_get("/_matrix/client/versions", versions)
    async with TestServer(app, host="127.0.0.1") as server, calling(str(server.make_url("")), limit=1) as client:

        async def download() -> bytes:
            async with client.download_media("mxc://hs.test/abc") as file:
                return await whole(file)

        downloads = [asyncio.create_task(download()) for _ in range(12)]
        await full.wait()
        assert await client.versions() == {"versions": []}
        assert held == 8
        go_on.set()
        assert await asyncio.gather(*downloads) == [b"x"] * 12
