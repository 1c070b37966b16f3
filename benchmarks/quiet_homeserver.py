"""A homeserver that has nothing to say: answers what a bridge asks at its start, so that its portals open at once."""

from __future__ import annotations

import asyncio

from aiohttp import web

from tests.rigs.ports import free_port


class QuietHomeserver:
    """Listens on 127.0.0.1 while the `async with` lasts; every chat's history is empty."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._runner: web.AppRunner | None = None
        self._asked: set[str] = set()
        self._more = asyncio.Condition()

    async def until_asked(self, chats: int) -> None:
        """Return once the history of so many chats was asked for."""
        async with self._more:
            await self._more.wait_for(lambda: len(self._asked) >= chats)

    async def __aenter__(self) -> QuietHomeserver:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_get("/_matrix/client/v3/rooms/{chat}/messages", self._messages)
        app.router.add_put("/_matrix/client/v3/rooms/{chat}/send/{type}/{txn}", self._send)
        app.router.add_route("*", "/{rest:.*}", self._fine)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _messages(self, request: web.Request) -> web.Response:
        async with self._more:
            self._asked.add(request.match_info["chat"])
            self._more.notify_all()
        return web.json_response({"chunk": [], "start": "t0"})

    async def _send(self, request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"event_id": f"${request.match_info['txn']}"})

    async def _fine(self, request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"user_id": "@rialto:localhost", "device_id": "RIALTO", "event_id": "$state"})
