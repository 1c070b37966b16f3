"""Pictures of people: recognised by their bytes, kept as blobs, fetched where they belong to another network."""

from __future__ import annotations

import hashlib

from aiohttp import web

from bridge.model.errors import Refused, RialtoError
from bridge.store import blobs
from bridge.store.blobs import Blob
from bridge.store.database import Database
from bridge.web.parts import RemoteAvatars

AVATAR_BYTES = 1024 * 1024
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
REMOTE_BYTES = 4 * 1024 * 1024


def media_type(data: bytes) -> str | None:
    """Return the type of a picture that browsers show and that cannot hold scripts, or None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


class Avatars:
    """Keeps and shows pictures by their references."""

    def __init__(self, db: Database, remote: RemoteAvatars) -> None:
        self._db = db
        self._remote = remote

    async def keep(self, data: bytes) -> str:
        """Keep a picture and return its reference; raise `Refused` for what is none or is too large."""
        if len(data) > AVATAR_BYTES:
            raise Refused("too_large", f"A picture may have {AVATAR_BYTES} bytes.", field="avatar", status=413)
        kind = media_type(data)
        if kind is None:
            raise Refused("not_an_image", "A picture must be PNG, JPEG, GIF or WebP.", field="avatar", status=415)
        name = hashlib.sha256(data).hexdigest()
        await self._db.write(lambda c: blobs.put(c, Blob(name, kind, data)))
        return blobs.REFERENCE + name

    async def show(self, request: web.Request, reference: str) -> web.Response:
        """Return a picture; raise `Refused` (404) where there is none to be had."""
        if not reference:
            raise _none()
        tag = hashlib.sha256(reference.encode()).hexdigest()[:32]
        # Addresses with `v` are made anew with each picture; those without must ask again.
        lasting = "private, max-age=604800, immutable" if "v" in request.query else "private, no-cache"
        headers = {"Cache-Control": lasting, "ETag": f'"{tag}"', "Content-Disposition": "inline"}
        if any(known.value == tag for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        data = await self._bytes(reference)
        kind = media_type(data)
        if kind is None or len(data) > REMOTE_BYTES:
            raise _none()
        return web.Response(body=data, content_type=kind, headers=headers)

    async def _bytes(self, reference: str) -> bytes:
        if reference.startswith(blobs.REFERENCE):
            blob = await self._db.read(lambda c: blobs.get(c, reference.removeprefix(blobs.REFERENCE)))
            if blob is None:
                raise _none()
            return blob.data
        try:
            data, _ = await self._remote.fetch(reference)
        except RialtoError as error:
            raise _none() from error
        return data


def _none() -> Refused:
    return Refused("no_picture", "There is no picture.", status=404)
