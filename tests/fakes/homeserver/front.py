"""The HTTP front: routes, authentication, faults, errors as Matrix bodies, and a sudden end when asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from tests.fakes.homeserver.calls import Call, Reply, Requester, Route, authenticate
from tests.fakes.homeserver.errors import MatrixError
from tests.fakes.homeserver.faults import Faults, Recorded
from tests.fakes.homeserver.world import World

_BODY_LIMIT = 200 * 1024 * 1024


class Front:
    """An aiohttp server on one port of 127.0.0.1 that can vanish as a killed process does."""

    def __init__(self, world: World, faults: Faults, routes: Iterable[Route]) -> None:
        self._world = world
        self._faults = faults
        self._routes = list(routes)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._working: set[asyncio.Task[Any]] = set()

    @property
    def listening(self) -> bool:
        """Whether the port takes connections."""
        return self._site is not None

    async def open(self, port: int) -> None:
        """Listen; OSError when the port is taken."""
        app = web.Application(client_max_size=_BODY_LIMIT, middlewares=[_unrecognized])
        for route in self._routes:
            for path in _paths(route.path):
                app.router.add_route(route.method, path, self._handler(route))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", port)
        try:
            await self._site.start()
        except OSError:
            await self.vanish()
            raise

    async def vanish(self) -> None:
        """Stop listening, reset every connection, and end what was being worked on, at whatever point it was."""
        runner, self._runner, self._site = self._runner, None, None
        if runner is None:
            return
        for site in list(runner.sites):
            await site.stop()
        if runner.server is not None:
            for connection in runner.server.connections:
                transport = connection.transport
                if transport is not None:
                    transport.abort()
        working = list(self._working)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        await runner.cleanup()

    def _handler(self, route: Route) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            raw = await request.read()
            # A task of its own: like a real server it finishes what it began when the caller goes away, and it
            # ends with the server only.
            task = asyncio.create_task(self._serve(route, request, raw))
            self._working.add(task)
            task.add_done_callback(self._working.discard)
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                if task.cancelled():
                    return web.Response()  # the server has vanished and the connection with it
                raise

        return handle

    async def _serve(self, route: Route, request: web.Request, raw: bytes) -> web.StreamResponse:
        method, path = request.method, request.path
        note = Recorded(method, path, dict(request.query), _decoded(raw), None)
        self._faults.requests.append(note)
        await self._faults.stand(method, path, after=False)
        response = await self._answer(route, request, raw, note)
        await self._faults.stand(method, path, after=True)
        if self._faults.reply_lost(method, path):
            if request.transport is not None:
                request.transport.abort()
            return response
        note.status = response.status
        return response

    async def _answer(self, route: Route, request: web.Request, raw: bytes, note: Recorded) -> web.StreamResponse:
        if failure := self._faults.failure(request.method, request.path):
            return _json(*failure)
        try:
            requester: Requester | None = None
            if route.auth:
                requester = authenticate(self._world, request)
                note.user = requester.user_id
            return _response(await route.handler(Call(self._world, request, raw, requester)))
        except MatrixError as error:
            return _json(error.status, error.body)


@web.middleware
async def _unrecognized(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Unknown addresses and methods, with the bodies that the specification asks for."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        return _json(error.status, MatrixError(error.status, "M_UNRECOGNIZED", "Unrecognized request").body)
    except web.HTTPRequestEntityTooLarge:
        return _json(413, MatrixError(413, "M_TOO_LARGE", "Request body too large").body)


def _paths(path: str) -> list[str]:
    if path.startswith(("/_", "/health")):
        return [path]
    return [f"/_matrix/client/{version}{path}" for version in ("v3", "r0")]


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw


def _response(reply: Reply) -> web.StreamResponse:
    if isinstance(reply, web.StreamResponse):
        return reply
    return _json(*reply) if isinstance(reply, tuple) else _json(200, reply)


def _json(status: int, body: Any) -> web.Response:
    return web.json_response(body, status=status)
