"""How long a request waits for a database that is away, before it is told so."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.model.errors import Refused
from bridge.store.database import Database

DATABASE_SECONDS = 8.0
_WITHOUT = ("/healthz/", "/assets/")
"""Addresses that need no database, or are there to say that it is away."""


def patient(db: Database, seconds: float = DATABASE_SECONDS) -> Middleware:
    """Return the middleware that answers 503 (`database_away`) where the database does not come back in time.

    A request that comes while it is away is not begun. One that was begun before is answered too, but what it wrote
    may take effect all the same, as when a connection breaks: that is what `client_id` is for. Streams just wait.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(_WITHOUT):
            return await handler(request)
        if db.trouble and not await db.usable(seconds):
            raise _away()
        if _streams(request):
            return await handler(request)
        return await _bounded(db, seconds, handler, request)

    return middleware


async def _bounded(db: Database, seconds: float, handler: Handler, request: web.Request) -> web.StreamResponse:
    """Handle a request; where it still waits after `seconds` and the database is away, end it."""
    loop = asyncio.get_running_loop()
    bound = asyncio.timeout(None)
    timers: list[asyncio.TimerHandle] = []

    def look() -> None:
        timers.clear()
        if db.trouble:
            bound.reschedule(loop.time())
        else:
            timers.append(loop.call_later(seconds, look))

    timers.append(loop.call_later(seconds, look))
    try:
        async with bound:
            return await handler(request)
    except TimeoutError:
        if bound.expired():
            raise _away() from None
        raise
    finally:
        for timer in timers:
            timer.cancel()


def _streams(request: web.Request) -> bool:
    return "text/event-stream" in request.headers.get("Accept", "") or "Upgrade" in request.headers


def _away() -> Refused:
    return Refused("database_away", "The database is away: try again in a moment.", status=503)
