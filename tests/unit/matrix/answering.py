"""A small HTTP server in a homeserver's place: answers as the test says and keeps what it was asked."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.core.pace import Backoff
from bridge.networks.matrix.client import HomeserverClient

TOKEN = "as_secret_of_the_test"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived; `path` is still percent-encoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


def answer(status: int = 200, body: Any = None, **headers: str) -> web.Response:
    """A JSON answer (`{}` by default), or the very bytes given; `Retry_After="3"` becomes `Retry-After: 3`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, bytes):
        return web.Response(status=status, body=body, headers=named)
    named.setdefault("Content-Type", "application/json")
    return web.Response(status=status, body=msgspec.json.encode({} if body is None else body), headers=named)


def error(status: int, errcode: str, text: str = "", **headers: str) -> web.Response:
    """A standard Matrix error."""
    return answer(status, {"errcode": errcode, "error": text}, **headers)


@dataclass
class Answering:
    """`answers` are used up in order, then 200 and {}; `asked` holds every request."""

    asked: list[Asked] = field(default_factory=list)
    answers: deque[web.StreamResponse] = field(default_factory=deque)
    on_request: Callable[[web.Request], None] | None = None
    url: str = ""

    @property
    def last(self) -> Asked:
        """The newest request."""
        return self.asked[-1]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Write down, then answer."""
        body = await request.read()
        self.asked.append(
            Asked(request.method, request.rel_url.raw_path, dict(request.query), request.headers.copy(), body)
        )
        if self.on_request is not None:
            self.on_request(request)
        return self.answers.popleft() if self.answers else answer()


@asynccontextmanager
async def answering(*answers: web.StreamResponse) -> AsyncIterator[Answering]:
    """A server on a free port of 127.0.0.1, stopped at the end."""
    here = Answering(answers=deque(answers))
    app = web.Application(client_max_size=1 << 28)
    app.router.add_route("*", "/{everything:.*}", here.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        here.url = str(server.make_url("")).rstrip("/")
        yield here


@asynccontextmanager
async def calling(url: str, **options: Any) -> AsyncIterator[HomeserverClient]:
    """A client of that server, with pauses too short to wait for; closed at the end."""
    options.setdefault("backoff", lambda: Backoff(first=0.001, cap=0.002))
    client = HomeserverClient(url, TOKEN, **options)
    try:
        yield client
    finally:
        await client.close()
