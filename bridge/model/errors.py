"""The vocabulary of failures: each says its code, whether a retry can help, and what to tell people."""

from __future__ import annotations

from typing import ClassVar


class RialtoError(Exception):
    """The root of every failure that Rialto raises on purpose; `code` is stable and documented."""

    code: ClassVar[str] = "error"


class Refused(RialtoError):
    """A request breaks a rule; `field` names the input at fault, `message` the remedy, and `retry_after` in how
    many whole seconds the same request may succeed."""

    def __init__(
        self, code: str, message: str, *, field: str | None = None, status: int = 400, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.reason_code = code
        self.message = message
        self.field = field
        self.status = status
        self.retry_after = retry_after


class NetworkError(RialtoError):
    """A foreign network did not do what it was asked to; `short` is what people in the room are told of it."""

    code: ClassVar[str] = "network"
    short: str = ""

    @property
    def told(self) -> str:
        """Return the reason for people: the short one where there is one."""
        return self.short or str(self)


class Retry(NetworkError):
    """The call may succeed later: 429, 5xx, a timeout, a broken connection.

    `after` is in seconds; `certain` tells that the request surely had no effect (429, connection refused).
    """

    code: ClassVar[str] = "retry"

    def __init__(
        self, message: str, *, after: float | None = None, status: int | None = None, certain: bool = False
    ) -> None:
        super().__init__(message)
        self.after = after
        self.status = status
        self.certain = certain


class Unreachable(Retry):
    """The connection was refused, reset or timed out: the network itself may be down."""

    code: ClassVar[str] = "unreachable"


class AuthFailed(NetworkError):
    """The network does not know our credentials (401): everything to it pauses until they are mended."""

    code: ClassVar[str] = "auth"


class Rejected(NetworkError):
    """The network said no for good (4xx); `errcode` is its own word for it."""

    code: ClassVar[str] = "rejected"

    def __init__(self, message: str, *, status: int, errcode: str = "M_UNKNOWN") -> None:
        super().__init__(message)
        self.status = status
        self.errcode = errcode


class NotJoined(Rejected):
    """The sender is not in the chat: join, then try once more."""

    code: ClassVar[str] = "not_joined"


class SchemaTooNew(RialtoError):
    """The database was written by a newer Rialto."""

    code: ClassVar[str] = "schema_too_new"


class DatabaseAway(RialtoError):
    """Something was not written: the database did not come back before the end."""

    code: ClassVar[str] = "database_away"
