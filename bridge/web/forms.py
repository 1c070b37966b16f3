"""Forms of the page, which work without scripts: reading them, and where to go afterwards."""

from __future__ import annotations

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from bridge.model.errors import Refused
from bridge.web.avatars import AVATAR_BYTES

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def fields(request: web.Request) -> dict[str, str]:
    """Return the text fields of a form."""
    if request.content_type not in FORMS:
        raise Refused("unsupported_media_type", "Send this as a form.", status=415)
    form = await request.post()
    return {name: value.replace("\0", "") for name, value in form.items() if isinstance(value, str)}


async def picture(request: web.Request) -> bytes:
    """Return the file in the field `picture`; raise `Refused` where there is none or it is too large."""
    if request.content_type != "multipart/form-data":
        raise Refused("unsupported_media_type", "Send this as a form with a file.", status=415)
    try:
        reader = await request.multipart()
        async for part in reader:
            if isinstance(part, BodyPartReader) and part.name == "picture":
                return await _limited(part)
    except ValueError as error:
        raise Refused("bad_request", f"The form cannot be read: {error}.") from None
    raise Refused("missing_field", "Choose a picture.", field="avatar")


async def _limited(part: BodyPartReader) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > AVATAR_BYTES:
            raise Refused("too_large", f"A picture may have {AVATAR_BYTES} bytes.", field="avatar", status=413)
    return bytes(data)


def local_path(wanted: str | None, otherwise: str) -> str:
    """Return a path on this server, never an address elsewhere."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return otherwise
    return wanted if wanted.isprintable() else otherwise


def go(path: str) -> web.HTTPSeeOther:
    """Return the redirect that follows a form."""
    return web.HTTPSeeOther(path)
