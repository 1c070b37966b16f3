"""Serves the OpenAPI document."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from bridge.web.api.operations import PREFIX


class Document:
    """The handler of /api/v1/openapi.json; the document is encoded once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._json = msgspec.json.encode(document)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the route."""
        router.add_get(f"{PREFIX}/openapi.json", self.show)

    async def show(self, _request: web.Request) -> web.Response:
        """Answer the document."""
        return web.Response(body=self._json, content_type="application/json", headers={"Cache-Control": "no-cache"})
