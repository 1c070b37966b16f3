"""What the operator chose for signing in with accounts from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MATRIX_ID = "matrix"
"""The homeserver's ID among the providers; no OpenID provider may have it."""


@dataclass(frozen=True, slots=True)
class OidcOptions:
    """One OpenID provider. `signup` tells whether a first sign-in makes an account: None leaves it to the server."""

    id: str
    title: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile")
    signup: bool | None = None


def _nobody(_user_id: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class MatrixOptions:
    """The homeserver as a place to sign in. `ours` knows the user IDs of the bot and the ghosts, which stay out."""

    url: str
    server_name: str
    password: bool = False
    sso: bool = False
    signup: bool | None = None
    ours: Callable[[str], bool] = _nobody


@dataclass(frozen=True, slots=True)
class SignInOptions:
    """All ways to sign in that need no password of ours; `seconds` bounds each question to another server."""

    oidc: tuple[OidcOptions, ...] = ()
    matrix: MatrixOptions | None = None
    seconds: float = 10
