"""The page's one HTML document, for all of its addresses: what the visitor sees at each is the page's own matter."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from bridge.model.errors import Refused
from bridge.web.built import Built
from bridge.web.door import Door
from bridge.web.languages import wanted

ADDRESSES = (
    "/",
    "/login",
    "/signup",
    "/rooms",
    "/rooms/{room}",
    "/rooms/{room}/{part}",
    "/account",
    "/directory",
    "/admin",
    "/invite/{token}",
    "/ticket/{token}",
)
"""The page reads the same ones (page/src/store/route.ts)."""

THEMES = ("auto", "light", "dark")
DENSITIES = ("cosy", "compact")


class Shell:
    """Answers the document at each address of the page, and a plain one where something went wrong."""

    def __init__(self, built: Built, door: Door) -> None:
        self._built = built
        self._door = door
        self._environment = Environment(
            loader=PackageLoader("bridge.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        for address in ADDRESSES:
            router.add_get(address, self.show)

    async def show(self, request: web.Request) -> web.Response:
        """Answer the document. What it says of the visitor spares the page a question before its first view."""
        signed_in = await self._door.visitor(request) is not None
        return self._answer(request, "page.html", signed_in=signed_in)

    async def failure(self, request: web.Request, refusal: Refused) -> web.Response:
        """Show a failure to somebody who asked for a page; it needs no script."""
        words = wanted(request).failure(refusal)
        return self._answer(request, "error.html", status=refusal.status, failure=words)

    def _answer(self, request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
        language = wanted(request)
        text = self._environment.get_template(template).render(
            language=language,
            t=language.t,
            built=self._built,
            theme=_chosen(request, "rialto_theme", THEMES),
            density=_chosen(request, "rialto_density", DENSITIES),
            **values,
        )
        response = web.Response(text=text, content_type="text/html", status=status)
        response.headers["Content-Language"] = language.code
        response.headers["Vary"] = "Accept-Language, Cookie"
        return response


def _chosen(request: web.Request, cookie: str, allowed: tuple[str, ...]) -> str:
    """Return what the visitor chose on the page, which keeps it in a cookie, or the first of what is allowed."""
    value = request.cookies.get(cookie, "")
    return value if value in allowed else allowed[0]
