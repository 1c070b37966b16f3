"""What the homeserver says no with: the specification's standard error body, with an HTTP status."""

from __future__ import annotations

from typing import Any


class MatrixError(Exception):
    """Answered as `{"errcode", "error", …}`; `more` holds further keys of the body."""

    def __init__(self, status: int, errcode: str, message: str, /, **more: Any) -> None:
        super().__init__(f"{status} {errcode}: {message}")
        self.status = status
        self.errcode = errcode
        self.message = message
        self.more = more

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that is sent."""
        return {"errcode": self.errcode, "error": self.message, **self.more}


def forbidden(message: str) -> MatrixError:
    """403 M_FORBIDDEN."""
    return MatrixError(403, "M_FORBIDDEN", message)


def bad_request(message: str, errcode: str = "M_UNKNOWN") -> MatrixError:
    """400, by default with the M_UNKNOWN that Synapse uses for most of its own checks."""
    return MatrixError(400, errcode, message)


def not_found(message: str, errcode: str = "M_NOT_FOUND") -> MatrixError:
    """404 M_NOT_FOUND."""
    return MatrixError(404, errcode, message)


def not_in_room(user_id: str, room_id: str) -> MatrixError:
    """What every send of somebody who has not joined is answered with."""
    return forbidden(f"User {user_id} not in room {room_id}")
