"""The page on which the API's document can be read: made on the server, without a single script."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bridge.web.api.operations import PREFIX, Operation
from bridge.web.languages import CODES, wanted

_FOLDER = Path(__file__).parents[1]
_STYLE = (_FOLDER / "templates" / "docs.css").read_text()
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Stricter than that of other pages: nothing is loaded, and only this one style counts."""


class Words(msgspec.Struct, frozen=True):
    """What the page says in one language: its own words, and a sentence for each operation."""

    page: dict[str, str]
    operations: dict[str, str]


class Browse:
    """The handler of /api/v1/docs."""

    def __init__(self, operations: list[Operation], document: dict[str, Any]) -> None:
        self._operations = operations
        self._document = document
        self._template = Environment(
            loader=PackageLoader("bridge.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        ).get_template("docs.html")
        self._made: dict[str, str] = {}

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the route."""
        router.add_get(f"{PREFIX}/docs", self.show)

    async def show(self, request: web.Request) -> web.Response:
        """Answer the page in the language of `?lang=`, or in the visitor's."""
        asked = request.query.get("lang", "")
        code = asked if asked in CODES else wanted(request).code
        if code not in self._made:
            self._made[code] = self._page(code)
        headers = {
            "Content-Security-Policy": POLICY,
            "Content-Language": code,
            "Vary": "Accept-Language, Cookie",
            "Cache-Control": "no-cache",
        }
        return web.Response(text=self._made[code], content_type="text/html", headers=headers)

    def _page(self, code: str) -> str:
        spoken = words(code)
        by_tag: dict[str, list[tuple[Operation, dict[str, Any], str]]] = {}
        for each in self._operations:
            entry = self._document["paths"][each.address][each.method.lower()]
            by_tag.setdefault(each.tag, []).append((each, entry, spoken.operations.get(each.id, each.summary)))
        return self._template.render(
            code=code,
            codes=CODES,
            w=spoken.page,
            style=Markup(_STYLE),  # the file is ours, and its hash in the policy is that of its plain text
            document=self._document,
            by_tag=by_tag,
            schemas=self._document["components"]["schemas"],
            prefix=PREFIX,
        )


@cache
def words(code: str) -> Words:
    """Return the words of one language, read once."""
    return msgspec.json.decode((_FOLDER / "strings" / f"docs.{code}.json").read_bytes(), type=Words)
