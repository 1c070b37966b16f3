"""Serves the OpenAPI document, and a page on which it can be read."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from aiohttp import web

from bridge.web.api.openapi import document
from bridge.web.api.operations import PREFIX, Operation


class Document:
    """The handler of /api/v1/openapi.json; the document is made once."""

    def __init__(self, operations: Iterable[Operation], *, url: str) -> None:
        self._json = msgspec.json.encode(document(operations, url=url))

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the route."""
        router.add_get(f"{PREFIX}/openapi.json", self.show)

    async def show(self, _request: web.Request) -> web.Response:
        """Answer the document."""
        return web.Response(body=self._json, content_type="application/json", headers={"Cache-Control": "no-cache"})
