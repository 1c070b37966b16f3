"""The page's own files, under an address that changes with their content, so that browsers may keep them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Statics:
    """Serves `static/` from memory; the files are few and small."""

    def __init__(self) -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in _TYPES}
        digest = hashlib.sha256()
        for name, data in self._files.items():
            digest.update(name.encode() + b"\0" + data)
        self.version = digest.hexdigest()[:12]

    def address(self, name: str) -> str:
        """Return where a file is; raise `KeyError` for one that is not there."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the route."""
        router.add_get("/static/{version}/{name}", self.show)

    async def show(self, request: web.Request) -> web.Response:
        """Answer a file; one of another version (an old page is still open) must not be kept."""
        name = request.match_info["name"]
        data = self._files.get(name)
        if data is None:
            raise web.HTTPNotFound
        current = request.match_info["version"] == self.version
        return web.Response(
            body=data,
            headers={
                "Content-Type": f"{_TYPES[Path(name).suffix]}; charset=utf-8",
                "Cache-Control": "public, max-age=31536000, immutable" if current else "no-store",
            },
        )
