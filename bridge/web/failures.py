"""Every failure as an answer: `{error: {code, message, field?}}` for programs, a page for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.model.errors import Refused

logger = structlog.get_logger(__name__)
ErrorPage = Callable[[web.Request, Refused], Awaitable[web.StreamResponse]]

VISITED = "/api/v1/sso/"
"""Addresses of the API to which browsers are led."""

_CODES = {
    400: ("bad_request", "The request cannot be understood."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not know that method."),
    413: ("too_large", "The body is too large."),
    415: ("unsupported_media_type", "Send this as application/json."),
}


def answering(error_page: ErrorPage) -> Middleware:
    """Return the outermost middleware: whatever goes wrong, the answer has the documented form."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refusal:
            return await _answer(request, refusal)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            answer = await _answer(request, _as_refusal(error))
            if "Allow" in error.headers:
                answer.headers["Allow"] = error.headers["Allow"]
            return answer
        except web.RequestPayloadError:
            return await _answer(request, Refused("bad_request", "The body cannot be read: it is cut short."))
        except Exception:
            if request.transport is None or request.transport.is_closing():
                # The visitor went away in the middle: there is nobody to answer, and nothing is wrong here.
                return web.Response(status=400)
            logger.exception("a request failed", method=request.method, path=request.path)
            return await _answer(request, Refused("internal", "Something went wrong here; try again.", status=500))

    async def _answer(request: web.Request, refusal: Refused) -> web.StreamResponse:
        program = request.path.startswith("/api/") and not request.path.startswith(VISITED)
        page = not program and "text/html" in request.headers.get("Accept", "")
        answer = await error_page(request, refusal) if page else as_json(refusal)
        if refusal.retry_after is not None:
            answer.headers["Retry-After"] = str(refusal.retry_after)
        if refusal.status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    return middleware


def as_json(refusal: Refused) -> web.Response:
    """Return a refusal as programs read it."""
    error: dict[str, Any] = {"code": refusal.reason_code, "message": refusal.message}
    if refusal.field is not None:
        error["field"] = refusal.field
    return web.Response(
        body=msgspec.json.encode({"error": error}), status=refusal.status, content_type="application/json"
    )


def _as_refusal(error: web.HTTPException) -> Refused:
    code, message = _CODES.get(error.status, ("http_error", error.reason))
    return Refused(code, message, status=error.status)
