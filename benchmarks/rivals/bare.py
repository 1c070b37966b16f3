"""The least that an application service can do: decode a transaction with orjson, count its events, answer."""

from __future__ import annotations

import sys

import orjson
from aiohttp import web


class Counter:
    """Counts events and forgets them."""

    def __init__(self) -> None:
        self.events = 0

    async def take(self, request: web.Request) -> web.Response:
        """Take a transaction."""
        self.events += len(orjson.loads(await request.read())["events"])
        return web.Response(body=b"{}", content_type="application/json")

    async def count(self, request: web.Request) -> web.Response:
        """Answer how many events came."""
        return web.Response(text=str(self.events))


def main() -> None:
    """Serve on the port given."""
    counter = Counter()
    app = web.Application(client_max_size=1 << 24)
    app.router.add_put("/_matrix/app/v1/transactions/{txn}", counter.take)
    app.router.add_get("/count", counter.count)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
