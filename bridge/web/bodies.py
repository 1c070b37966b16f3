"""Reading requests: JSON objects and their fields, numbers in the query, raw bytes; every fault names its field."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from bridge.model.errors import Refused

BODY_BYTES = 256 * 1024
MOST = 2**53
"""The largest number that every JSON reader takes exactly."""


async def json_object(request: web.Request) -> dict[str, Any]:
    """Return the body, which must be a JSON object sent as application/json."""
    if request.content_type != "application/json":
        raise Refused("unsupported_media_type", "Send this as application/json.", status=415)
    raw = await request.read()
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("bad_json", f"The body is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise Refused("bad_json", "The body must be a JSON object.")
    return body


def text(body: dict[str, Any], field: str, *, within: str = "") -> str:
    """Return a field that must be there and be text; `within` is the path to its object, for the error."""
    found = optional_text(body, field, within=within)
    if found is None:
        raise Refused("missing_field", f"{within}{field} is missing.", field=within + field)
    return found


def optional_text(body: dict[str, Any], field: str, *, within: str = "") -> str | None:
    """Return a field that may be missing or null, and must be text otherwise."""
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused("bad_field", f"{within}{field} must be text.", field=within + field)
    if "\0" in value:
        raise Refused("bad_field", f"{within}{field} may not hold the character U+0000.", field=within + field)
    return value


def optional_bool(body: dict[str, Any], field: str) -> bool | None:
    """Return a field that may be missing or null, and must be true or false otherwise."""
    value = body.get(field)
    if value is not None and not isinstance(value, bool):
        raise Refused("bad_field", f"{field} must be true or false.", field=field)
    return value


def number(request: web.Request, field: str, *, least: int = 0, most: int = MOST) -> int | None:
    """Return a whole number of the query, or None where it is not given; raise `Refused` outside its bounds."""
    value = request.query.get(field)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 16 and least <= int(value) <= most):
        raise Refused("bad_field", f"{field} must be a whole number from {least} to {most}.", field=field)
    return int(value)


def flag(request: web.Request, field: str) -> bool:
    """Return a switch of the query: 1 or true, 0 or false, off when it is not given."""
    value = request.query.get(field, "0").lower()
    if value not in ("0", "1", "true", "false"):
        raise Refused("bad_field", f"{field} must be 0 or 1.", field=field)
    return value in ("1", "true")


async def raw_bytes(request: web.Request, limit: int) -> bytes:
    """Return the body as it is; raise `Refused` (413) above `limit` bytes."""
    refusal = Refused("too_large", f"At most {limit} bytes can be taken.", status=413)
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
