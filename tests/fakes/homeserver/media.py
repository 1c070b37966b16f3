"""Media: uploads at once or in two steps, downloads with authentication only."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import quote

from aiohttp import web

from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.errors import MatrixError, bad_request, forbidden, not_found
from tests.fakes.homeserver.timeline import Timeline
from tests.fakes.homeserver.world import Media, World

_DAY_MS = 24 * 60 * 60 * 1000
_PATIENCE_MS = 20_000


class MediaStore:
    """Handlers for media; `limit` is the largest upload in bytes."""

    def __init__(self, world: World, timeline: Timeline, limit: int) -> None:
        self._world = world
        self._timeline = timeline
        self._limit = limit

    def routes(self) -> list[Route]:
        """What this part answers."""
        old, new = "/_matrix/media", "/_matrix/client/v1/media"
        return [
            Route("GET", f"{new}/config", self._config),
            *(Route("GET", f"{old}/{version}/config", self._config) for version in ("v3", "r0")),
            Route("POST", f"{old}/v1/create", self._create),
            *(Route("POST", f"{old}/{version}/upload", self._upload) for version in ("v3", "r0")),
            Route("PUT", f"{old}/v3/upload/{{server}}/{{media}}", self._upload_to),
            Route("GET", f"{new}/download/{{server}}/{{media}}", self._download),
            Route("GET", f"{new}/download/{{server}}/{{media}}/{{name}}", self._download),
            Route("GET", f"{new}/thumbnail/{{server}}/{{media}}", self._thumbnail),
            *(
                Route("GET", f"{old}/{version}/{{what:download|thumbnail}}/{{rest:.+}}", self._legacy, auth=False)
                for version in ("v3", "r0")
            ),
        ]

    async def _config(self, _: Call) -> Reply:
        return {"m.upload.size": self._limit}

    def _reserve(self, call: Call) -> tuple[str, Media]:
        media_id = self._world.opaque("media")[:24]
        self._world.media[media_id] = Media(call.user_id)
        return f"mxc://{self._world.server_name}/{media_id}", self._world.media[media_id]

    async def _create(self, call: Call) -> Reply:
        uri, _ = self._reserve(call)
        return {"content_uri": uri, "unused_expires_at": self._timeline.now() + _DAY_MS}

    async def _upload(self, call: Call) -> Reply:
        self._check_size(call)
        uri, media = self._reserve(call)
        _fill(media, call)
        return {"content_uri": uri}

    async def _upload_to(self, call: Call) -> Reply:
        media = self._world.media.get(call.path["media"])
        if media is None or call.path["server"] != self._world.server_name:
            raise not_found("Unknown media ID")
        if media.creator != call.user_id:
            raise forbidden("Only the creator of the media ID can upload to it")
        if media.data is not None:
            raise MatrixError(409, "M_CANNOT_OVERWRITE_MEDIA", "Media ID already has content")
        self._check_size(call)
        _fill(media, call)
        return {}

    def _check_size(self, call: Call) -> None:
        if len(call.raw) > self._limit:
            raise MatrixError(413, "M_TOO_LARGE", "Upload request body is too large")

    async def _found(self, call: Call) -> tuple[Media, bytes]:
        media = self._world.media.get(call.path["media"])
        if media is None or call.path["server"] != self._world.server_name:
            raise not_found(f"Not found '{call.request.path}'")
        if media.data is None:
            # The caller says how long it will wait for the bytes; they end the wait when they come.
            with suppress(TimeoutError):
                async with asyncio.timeout(call.number("timeout_ms", _PATIENCE_MS) / 1000):
                    await media.arrived.wait()
        if media.data is None:
            raise MatrixError(504, "M_NOT_YET_UPLOADED", "Media has not been uploaded yet")
        return media, media.data

    async def _download(self, call: Call) -> Reply:
        media, data = await self._found(call)
        name = call.path.get("name") or media.filename
        named = f"; filename*=utf-8''{quote(name)}" if name else ""
        headers = {"Content-Type": media.content_type, "Content-Disposition": f"inline{named}"}
        return web.Response(body=data, headers=headers)

    async def _thumbnail(self, call: Call) -> Reply:
        """An image is its own thumbnail: a server may always answer with a larger one than was asked for."""
        media, data = await self._found(call)
        if not media.content_type.startswith("image/"):
            raise bad_request(f"Cannot find any thumbnails for the requested media ('{call.request.path}')")
        return web.Response(body=data, headers={"Content-Type": media.content_type})

    async def _legacy(self, _: Call) -> Reply:
        raise not_found("Not found")


def _fill(media: Media, call: Call) -> None:
    media.content_type = call.request.headers.get("Content-Type", "application/octet-stream")
    media.filename = call.request.query.get("filename")
    media.data = call.raw
    media.arrived.set()
