"""What a server elsewhere vouches for: somebody's lasting identity, and how they are called there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

import msgspec

from bridge.web.sso.attempts import Secrets

MOST_NAME = 255


class Proof(msgspec.Struct, frozen=True):
    """An identity that was proved; `login` and `shown` are names to begin with, "" where there is none."""

    issuer: str
    subject: str
    login: str = ""
    shown: str = ""


class Back(msgspec.Struct, frozen=True):
    """What a visitor brought back: the query of the callback, and the network address that they have."""

    query: Mapping[str, str]
    address: str = ""


Known: TypeAlias = Callable[[str, str], Awaitable[bool]]
"""Tells whether an identity (issuer, subject) has an account: then nobody needs to ask for its names."""


class Provider(Protocol):
    """A place to sign in."""

    @property
    def id(self) -> str:
        """Its name in addresses."""
        ...

    @property
    def title(self) -> str:
        """Its name for people."""
        ...

    @property
    def issuer(self) -> str:
        """The issuer of its identities, without a last slash."""
        ...

    @property
    def signup(self) -> bool | None:
        """Whether a first sign-in makes an account; None leaves it to the server's own rule."""
        ...

    async def address(self, secrets: Secrets) -> str:
        """Return where to send the visitor; raise `Unfit`."""
        ...

    async def prove(self, secrets: Secrets, back: Back, known: Known) -> Proof:
        """Return who came back; raise `Unfit`, or `Refused` where the visitor or the place said no."""
        ...


def name(value: object) -> str:
    """Return a name that a server gave, or "" where it gave something else."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "ignore").decode().replace("\0", "").strip()[:MOST_NAME]
