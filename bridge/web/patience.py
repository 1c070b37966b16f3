"""How long a request waits for a database that is away, before it is told so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.model.errors import Refused
from bridge.store.database import Database

T = TypeVar("T")

DATABASE_SECONDS = 8.0
_WITHOUT = ("/healthz/", "/assets/")
"""Addresses that need no database, or are there to say that it is away."""


def patient(db: Database, seconds: float = DATABASE_SECONDS) -> Middleware:
    """Return the middleware that answers 503 (`database_away`) where the database does not come back in time.

    A request that comes while it is away is not begun. One that was begun before is answered too, but what it wrote
    may take effect all the same, as when a connection breaks: that is what `client_id` is for. Sockets just wait.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(_WITHOUT):
            return await handler(request)
        if db.trouble and not await db.usable(seconds):
            raise away()
        if _lasts(request):
            return await handler(request)
        return await within(db, seconds, handler(request))

    return middleware


async def within(db: Database, seconds: float, work: Awaitable[T]) -> T:
    """Return what `work` returns; where it still waits after `seconds` and the database is away, end it and raise
    `Refused` (503)."""
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
            return await work
    except TimeoutError:
        if bound.expired():
            raise away() from None
        raise
    finally:
        for timer in timers:
            timer.cancel()


def _lasts(request: web.Request) -> bool:
    return "Upgrade" in request.headers


def away() -> Refused:
    """Return the refusal for what needs a database that is away."""
    return Refused("database_away", "The database is away: try again in a moment.", status=503)
