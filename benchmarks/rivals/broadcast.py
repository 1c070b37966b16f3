"""The least that a chat server can do for viewers: aiohttp sockets, and each line that is posted is sent to all."""

from __future__ import annotations

import sys

from aiohttp import WSMsgType, web


class Room:
    """Everybody who is connected."""

    def __init__(self) -> None:
        self._sockets: set[web.WebSocketResponse] = set()

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """Keep one viewer."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        await socket.send_str('{"ev":"live"}')
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            self._sockets.discard(socket)
        return socket

    async def say(self, request: web.Request) -> web.Response:
        """Send the body to every viewer."""
        text = await request.text()
        for socket in list(self._sockets):
            await socket.send_str(text)
        return web.Response(text="{}")

    async def count(self, request: web.Request) -> web.Response:
        """Answer how many viewers there are."""
        return web.Response(text=str(len(self._sockets)))


def main() -> None:
    """Serve on the port given."""
    room = Room()
    app = web.Application()
    app.router.add_get("/socket", room.socket)
    app.router.add_post("/say", room.say)
    app.router.add_get("/count", room.count)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
