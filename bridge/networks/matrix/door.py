"""What every request of a homeserver passes: its token, the limits on its body, the form of errors, what is logged."""

from __future__ import annotations

import asyncio
import hmac
import logging
from dataclasses import dataclass

import msgspec
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

log = logging.getLogger(__name__)
protocol_log = logging.getLogger(f"{__name__}.protocol")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long a homeserver may make us wait.

    A transaction of 100 events of 64 KiB, with as many ephemeral and to-device ones, must fit into `body_bytes`: a
    homeserver that is answered 413 sends the same transaction for ever. Synapse gives up on an answer after 60 s.
    """

    body_bytes: int = 16 * 1024 * 1024
    body_seconds: float = 60.0
    query_seconds: float = 20.0


class Refusal(Exception):
    """An answer other than 200, with a Matrix error body; `message` is for the homeserver's log."""

    def __init__(self, status: int, errcode: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.errcode = errcode
        self.message = message


def answer(content: object, *, status: int = 200) -> web.Response:
    """A JSON answer. There is always a body: Synapse counts a 200 without one as a failure."""
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")


def guard(hs_token: str) -> Middleware:
    """The middleware around every handler: checks the token, turns each failure into a Matrix error.

    401 M_UNAUTHORIZED without a token, 403 M_FORBIDDEN with a wrong one, 404 and 405 M_UNRECOGNIZED for what is not
    served (said before the token is looked at: that much is no secret), 500 M_UNKNOWN for a fault of ours.
    """
    if not hs_token:
        raise ValueError("hs_token is empty: every request would be let in")

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.match_info.http_exception is None:
                _check_token(request, hs_token)
            return await handler(request)
        except Refusal as refusal:
            return _error(refusal.status, refusal.errcode, refusal.message)
        except web.HTTPException as error:
            response = _error(error.status, "M_UNRECOGNIZED", "There is no such endpoint here.")
            if isinstance(error, web.HTTPMethodNotAllowed):
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except Exception:
            # The path names the transaction, user or alias; the query may hold a token and is left out.
            log.exception("request failed: %s %r", request.method, request.path)
            return _error(500, "M_UNKNOWN", "The bridge could not do this now.")

    return middleware


async def read_body(request: web.Request, limits: Limits) -> bytes:
    """The whole body, unzipped; raises Refusal: 413 above the limit (whatever was announced), 408 when it is slow."""
    if (request.content_length or 0) > limits.body_bytes:
        raise _too_large(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise _too_large(limits)
    except TimeoutError:
        raise Refusal(408, "M_UNKNOWN", "The body took too long to arrive.") from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
        # Broken framing, broken compression or a homeserver that went away: its fault, and not worth a traceback.
        raise Refusal(400, "M_NOT_JSON", "The body could not be read.") from None
    return bytes(body)


def runner(app: web.Application, *, shutdown_seconds: float = 10.0) -> web.AppRunner:
    """The only way to serve the application that keeps tokens out of the logs; add a site to it and start it.

    A request in hand when the runner is cleaned up has `shutdown_seconds` to end. A homeserver that hangs up does not
    cancel the handler, so a transaction being committed is committed.
    """
    return web.AppRunner(
        app, access_log_class=AccessLog, logger=protocol_log, shutdown_timeout=shutdown_seconds, handle_signals=False
    )


class AccessLog(AbstractAccessLogger):
    """One line a request, at level debug, without the query: `?access_token=` is a secret."""

    @property
    def enabled(self) -> bool:
        """False when nobody would read the line; then it is not made."""
        return log.isEnabledFor(logging.DEBUG)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Log method, path, status and the seconds it took."""
        log.debug("%s %r -> %d in %.3f s", request.method, request.path, response.status, time)


def _check_token(request: web.Request, hs_token: str) -> None:
    """Raise Refusal unless every token that the request gives, in header and query, is the right one."""
    given = [_bearer(value) for value in request.headers.getall("Authorization", [])]
    given += request.query.getall("access_token", [])
    if not given:
        raise Refusal(401, "M_UNAUTHORIZED", "No access token was given.")
    wanted = hs_token.encode()
    # No short cut: all are compared, each in constant time.
    matches = [hmac.compare_digest(token.encode(errors="surrogatepass"), wanted) for token in given]
    if not all(matches):
        raise Refusal(403, "M_FORBIDDEN", "The access token is wrong.")


def _bearer(value: str) -> str:
    scheme, _, token = value.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _too_large(limits: Limits) -> Refusal:
    return Refusal(413, "M_TOO_LARGE", f"The body is larger than {limits.body_bytes} bytes.")


def _error(status: int, errcode: str, message: str) -> web.Response:
    return answer({"errcode": errcode, "error": message}, status=status)


class _WithoutRequestText(logging.Filter):
    """Drops exception texts: for a request line that is no HTTP the library quotes it, token and all."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0] is not None:
            record.msg = f"{record.msg} (%s)"
            record.args = (*(record.args if isinstance(record.args, tuple) else ()), record.exc_info[0].__name__)
            record.exc_info = None
        return True


protocol_log.addFilter(_WithoutRequestText())
