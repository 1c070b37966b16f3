"""The built page: its files under addresses that change with their content, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiohttp import web

from bridge.model.errors import RialtoError

FOLDER = Path(__file__).parent / "static" / "page"
REMEDY = "build it with `make page`, or install Rialto again (pip install .)"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class NotBuilt(RialtoError):
    """The page's files are missing or cannot be read; the text is one line with the remedy."""


class _Chunk(msgspec.Struct):
    """One entry of the manifest that the build writes."""

    file: str
    css: list[str] = []


@dataclass(frozen=True, slots=True)
class Built:
    """All files of the page, by name, and the names that its document needs. `version` changes with any of them."""

    files: dict[str, bytes]
    script: str
    style: str
    icon: str
    strings: dict[str, str]
    version: str


def load(folder: Path = FOLDER) -> Built:
    """Read the built page; raise `NotBuilt` where it is not there or not whole."""
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=dict[str, _Chunk])
        names = {name for chunk in manifest.values() for name in (chunk.file, *chunk.css)}
        files = {name: (folder / name).read_bytes() for name in sorted(names)}
        main = manifest["src/main.tsx"]
        strings = {
            Path(source).stem: chunk.file for source, chunk in manifest.items() if source.startswith("src/strings/")
        }
        style, icon = main.css[0], manifest["src/rialto.svg"].file
    except FileNotFoundError as error:
        raise NotBuilt(f"the page is not built ({error.filename} is missing): {REMEDY}") from None
    except (OSError, msgspec.DecodeError, KeyError, IndexError) as error:
        raise NotBuilt(f"the built page in {folder} cannot be read ({error!r}): {REMEDY}") from None
    version = hashlib.sha256("\0".join(files).encode()).hexdigest()[:12]
    return Built(files, main.file, style, icon, strings, version)


class Assets:
    """The handler of /assets/NAME: from memory, the files are few and small."""

    def __init__(self, built: Built) -> None:
        self._files = built.files

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the route."""
        router.add_get("/assets/{name}", self.show)

    async def show(self, request: web.Request) -> web.Response:
        """Answer a file. Its name says what is in it: it never changes."""
        name = request.match_info["name"]
        data = self._files.get(name)
        if data is None:
            raise web.HTTPNotFound
        response = web.Response(
            body=data,
            headers={
                "Content-Type": f"{_TYPES[Path(name).suffix]}; charset=utf-8",
                "Cache-Control": "public, max-age=31536000, immutable",
                "Vary": "Accept-Encoding",
            },
        )
        response.enable_compression()
        return response
