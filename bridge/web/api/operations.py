"""What an operation of the API is: its address, what it takes and answers, who may ask, and what does the work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
from aiohttp import web

from bridge.model.ids import PersonId
from bridge.web.accounts import Session

PREFIX = "/api/v1"

DoorKind: TypeAlias = Literal["open", "account", "full", "admin"]
"""Who may ask: anybody, who is signed in, who is signed in with an account of their own (no guest), an admin."""
Counted: TypeAlias = Literal["", "change", "message"]
"""Against which limit of the account an operation counts."""


@dataclass(frozen=True, slots=True)
class Made:
    """An answer whose status or headers differ from what the operation says."""

    value: Any
    status: int = 201
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation. `body` and `query` are values of the types that the operation names."""

    request: web.Request
    visitor: Session | None
    path: Mapping[str, str]
    body: Any = None
    query: Any = None

    @property
    def session(self) -> Session:
        """Return the session; only operations whose door is `open` may find none (`visitor`)."""
        assert self.visitor is not None
        return self.visitor

    @property
    def person(self) -> PersonId:
        """Return the person who asks."""
        return self.session.account.person


Answer: TypeAlias = msgspec.Struct | Made | web.StreamResponse | None
"""A struct is sent as JSON with the operation's status, None as `{}`."""
Run: TypeAlias = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API does; `path` is below `/api/v1`, `id` its name in the OpenAPI document.

    `body` and `query` are structs whose types and constraints are checked before `run`; `media` are the types of a
    body that is taken as it is (`run` reads it); `answer` is the type of the JSON answer; `answers` the media types
    of an answer that is not JSON; `refusals` the codes of `Refused` beyond those of every operation. A GET with `head`
    answers HEAD too.
    """

    method: str
    path: str
    id: str
    summary: str
    tag: str
    run: Run
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    media: tuple[str, ...] = ()
    answer: type[msgspec.Struct] | None = None
    answers: tuple[str, ...] = ()
    status: int = 200
    also: tuple[int, ...] = ()
    refusals: tuple[str, ...] = ()
    door: DoorKind = "account"
    counts: Counted = ""
    head: bool = True

    @property
    def address(self) -> str:
        """Return the whole path."""
        return PREFIX + self.path


class Offers(Protocol):
    """A part of the API."""

    def operations(self) -> list[Operation]:
        """Return what it does."""
        ...
