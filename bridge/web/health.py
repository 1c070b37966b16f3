"""How Rialto is, for machines: alive, ready, and in numbers; no sign-in."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from sqlalchemy import text

from bridge.web import bodies
from bridge.web.parts import WebParts

DATABASE_SECONDS = 5


class Health:
    """Handlers of /healthz/live, /healthz/ready and /metrics."""

    def __init__(self, parts: WebParts) -> None:
        self._db = parts.db
        self._view = parts.hub
        self._metrics = parts.metrics

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/healthz/live", self.live)
        router.add_get("/healthz/ready", self.ready)
        router.add_get("/metrics", self.metrics)

    async def live(self, _request: web.Request) -> web.Response:
        """Answer 200 while the process turns."""
        return bodies.answer({"live": True})

    async def ready(self, _request: web.Request) -> web.Response:
        """Answer 200 when every part is up, else 503; either way with what each part says."""
        parts: dict[str, dict[str, Any]] = {"database": await self._database()}
        for status in self._view.statuses():
            parts[status.network] = {
                "ready": status.health == "up",
                "health": status.health,
                "detail": status.detail,
                "since": status.since,
            }
        ready = all(part["ready"] for part in parts.values())
        return bodies.answer({"ready": ready, "parts": parts}, status=200 if ready else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Answer the numbers in the Prometheus text format."""
        numbers = await self._metrics()
        return web.Response(body=numbers.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _database(self) -> dict[str, Any]:
        try:
            # One that is known to be away is not asked: the answer would wait for it.
            if not self._db.trouble:
                async with asyncio.timeout(DATABASE_SECONDS):
                    await self._db.read(lambda connection: connection.scalar(text("SELECT 1")))
        except Exception as error:  # whatever the database raises is the answer
            return {"ready": False, "detail": self._db.trouble or str(error) or "no answer in time"}
        return {"ready": not self._db.trouble, "detail": self._db.trouble}
