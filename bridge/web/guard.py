"""What no page of another site may do in a visitor's name, and the headers that say so to browsers."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.model.errors import Refused
from bridge.web.door import COOKIE, bearer

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not `no-referrer`: with that, browsers send `Origin: null` with the page's own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def same_origin_only(url: str) -> Middleware:
    """Return the middleware that refuses changes asked for by pages of other sites."""
    own = urlsplit(url).netloc.lower()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        # A request that carries its token itself was made on purpose: no browser adds that header.
        if request.method not in SAFE and not bearer(request) and not ours(request, own):
            raise Refused("cross_origin", "This request came from another site.", status=403)
        return await handler(request)

    return middleware


def ours(request: web.Request, own: str) -> bool:
    """Tell whether a request comes from a page of ours, whose address is `own`, or from no page at all."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() in (request.host.lower(), own)
    # Neither header: no browser of today. A cookie alone is believed only with a body that no form can send.
    return COOKIE not in request.cookies or request.content_type == "application/json"


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that every answer carries (a signal handler)."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
