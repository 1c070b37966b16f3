"""What an answer that is not a success means: the homeserver's words turned into our errors."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping

import msgspec

from bridge.model.errors import AuthFailed, NetworkError, NotJoined, Rejected, Retry

_NOT_JOINED_CODES = {"M_NOT_JOINED", "ORG.MATRIX.MSC3848.NOT_JOINED"}
# Synapse says "User @x:hs not in room !r" for a sender. "The target user is not in the room" and "Host not in room"
# are about somebody else, whom no join of ours can help.
_NOT_JOINED_TEXT = re.compile(
    r"^(?!host\b)(?!.*\btarget user\b).*\bnot (?:currently )?(?:in|joined to|a member of) (?:the |this )?room\b",
    re.IGNORECASE | re.DOTALL,
)
_GATEWAY = {502, 503, 504}
_MESSAGE_LIMIT = 500


class MatrixError(msgspec.Struct, frozen=True):
    """A standard error body (client-server API, "Standard error response")."""

    errcode: str
    error: str = ""
    retry_after_ms: float | None = None
    unstable: str = msgspec.field(name="org.matrix.msc3848.unstable.errcode", default="")


def read_error(body: bytes) -> MatrixError | None:
    """The error that a body states, or None where it is not a Matrix error (a proxy's page, an empty answer)."""
    try:
        return msgspec.json.decode(body, type=MatrixError)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _without_detail(body)


def _without_detail(body: bytes) -> MatrixError | None:
    """The errcode alone, where the fields beside it have a wrong type: one odd field must not hide it."""
    try:
        loose = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    errcode = loose.get("errcode")
    return MatrixError(errcode) if isinstance(errcode, str) else None


def is_gateway_down(status: int, error: MatrixError | None) -> bool:
    """Whether a proxy answered in the homeserver's place because it could not reach it."""
    return status in _GATEWAY and error is None


def failure(what: str, status: int, headers: Mapping[str, str], error: MatrixError | None) -> NetworkError:
    """The error to raise for an answer outside of 2xx; see `_failure`. Its `short` names no call."""
    made = _failure(what, status, headers, error)
    made.short = error.error[:_MESSAGE_LIMIT] if error and error.error else f"the homeserver answered {status}"
    return made


def _failure(what: str, status: int, headers: Mapping[str, str], error: MatrixError | None) -> NetworkError:
    """The error to raise for an answer outside of 2xx.

    `what` names the call in the message. 429, 408 and 5xx are Retry with the seconds that the server asked for. A
    redirect is Retry too: the address in the settings is wrong, and nothing may be given up for that. 401 is
    AuthFailed where it is about our token or from somebody who does not speak Matrix; 403 from a sender who is not in
    the room is NotJoined; any other 4xx is Rejected.
    """
    errcode = error.errcode if error else "M_UNKNOWN"
    said = f"{errcode}: {error.error[:_MESSAGE_LIMIT]}" if error else "no Matrix error in the answer"
    message = f"{what} answered {status} ({said})"
    if 300 <= status < 400:
        place = headers.get("Location", "nowhere")[:_MESSAGE_LIMIT]
        return Retry(f"{what} is redirected ({status}) to {place}: is the homeserver's address right?", status=status)
    if status in (408, 429) or status >= 500:
        return Retry(message, after=_after(headers, error), status=status)
    if status == 401 and (error is None or errcode in ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN")):
        return AuthFailed(message)
    if status == 403 and error is not None and _is_not_joined(error):
        return NotJoined(message, status=status, errcode=errcode)
    return Rejected(message, status=status, errcode=errcode)


def _is_not_joined(error: MatrixError) -> bool:
    if _NOT_JOINED_CODES & {error.errcode, error.unstable}:
        return True
    return error.errcode == "M_FORBIDDEN" and _NOT_JOINED_TEXT.search(error.error) is not None


def _after(headers: Mapping[str, str], error: MatrixError | None) -> float | None:
    """The pause asked for, in seconds: the header before the older `retry_after_ms`; None where there is neither."""
    seconds = _header_seconds(headers.get("Retry-After", ""))
    if seconds is None and error is not None and error.retry_after_ms is not None:
        seconds = error.retry_after_ms / 1000
    return None if seconds is None or not math.isfinite(seconds) else max(0.0, seconds)


def _header_seconds(value: str) -> float | None:
    """Retry-After as seconds from now: a number, or a date (RFC 9110, section 10.2.3)."""
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
