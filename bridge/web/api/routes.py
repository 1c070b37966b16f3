"""Puts operations behind aiohttp's router: the door, the limits, reading and answering, the same for all of them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from aiohttp import web

from bridge.model.errors import Refused
from bridge.web.accounts import Session
from bridge.web.api import reading
from bridge.web.api.operations import Call, Made, Operation
from bridge.web.door import Door

_encoder = msgspec.json.Encoder()


def add_operations(router: web.UrlDispatcher, door: Door, operations: Iterable[Operation]) -> None:
    """Add a route for each operation."""
    for operation in operations:
        # A GET answers HEAD too, unless another operation has taken the address already.
        handler = _Handler(door, operation)
        if operation.method == "GET":
            router.add_get(operation.address, handler.handle, name=operation.id, allow_head=operation.head)
        else:
            router.add_route(operation.method, operation.address, handler.handle, name=operation.id)


class _Handler:
    """One operation's handler."""

    def __init__(self, door: Door, operation: Operation) -> None:
        self._door = door
        self._operation = operation

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Let the visitor in, read what was sent, do it, and send the answer."""
        wanted = self._operation
        path = reading.path_values(request)
        visitor = await self._enter(request)
        query = reading.query(request, wanted.query) if wanted.query is not None else None
        body = await reading.body(request, wanted.body) if wanted.body is not None else None
        if visitor is not None and wanted.counts == "change":
            self._door.count_change(visitor)
        elif visitor is not None and wanted.counts == "message":
            self._door.count_message(visitor)
        answer = await wanted.run(Call(request, visitor, path, body, query))
        if isinstance(answer, web.StreamResponse):
            return answer
        if isinstance(answer, Made):
            return _json(answer.value, answer.status, answer.headers)
        return _json({} if answer is None else answer, wanted.status)

    async def _enter(self, request: web.Request) -> Session | None:
        wanted = self._operation.door
        if wanted == "open":
            return await self._door.visitor(request)
        session = await self._door.enter(request)
        if wanted == "admin" and not session.account.admin:
            raise Refused("admins_only", "Only an administrator of this server may do this.", status=403)
        if wanted == "full" and session.account.kind == "guest":
            raise Refused("no_guests", "Guests may not do this: make an account first.", status=403)
        return session


def _json(value: object, status: int, headers: object = None) -> web.Response:
    return web.Response(
        body=_encoder.encode(value),
        status=status,
        content_type="application/json",
        headers=headers,  # type: ignore[arg-type]
    )
