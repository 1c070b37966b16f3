"""Reading requests: numbers in the query, bytes as they are; and answering JSON."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from bridge.model.errors import Refused

BODY_BYTES = 256 * 1024
MOST = 2**53
"""The largest number that every JSON reader takes exactly."""


def number(request: web.Request, field: str, *, least: int = 0, most: int = MOST) -> int | None:
    """Return a whole number of the query, or None where it is not given; raise `Refused` outside its bounds."""
    value = request.query.get(field)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 16 and least <= int(value) <= most):
        raise Refused("bad_field", f"{field} must be a whole number from {least} to {most}.", field=field)
    return int(value)


def refuse_encoded(request: web.Request) -> None:
    """Raise `Refused` (415) for a body that is compressed."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused("unsupported_media_type", "Send the body as it is, without a Content-Encoding.", status=415)


async def raw_bytes(request: web.Request, limit: int) -> bytes:
    """Return the body as it is; raise `Refused` (413) above `limit` bytes."""
    refusal = Refused("too_large", f"At most {limit} bytes can be taken.", status=413)
    refuse_encoded(request)
    if request.content_length is not None and request.content_length > limit:
        raise refusal
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise refusal
    return bytes(data)


def answer(value: Any, *, status: int = 200) -> web.Response:
    """Return a JSON answer."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
