"""Signing in with one's Matrix account: by its password here, or on the homeserver's own pages."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from urllib.parse import urlencode

import structlog

from bridge.model.errors import Refused
from bridge.web.sso.asking import Unfit
from bridge.web.sso.attempts import Secrets
from bridge.web.sso.homeserver import Homeserver
from bridge.web.sso.options import MATRIX_ID, MatrixOptions
from bridge.web.sso.proof import Back, Known, Proof

OFFER_SECONDS = 300.0
AGAIN_SECONDS = 20.0
FIRST_SECONDS = 3.0
"""So long a page waits for the homeserver's first word; later ones are not waited for."""

PASSWORD, SSO, TOKEN = "m.login.password", "m.login.sso", "m.login.token"

logger = structlog.get_logger(__name__)


class MatrixSignIn:
    """The homeserver among the providers. `callback` is the address to which it sends visitors back."""

    id = MATRIX_ID

    def __init__(
        self,
        options: MatrixOptions,
        homeserver: Homeserver,
        callback: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._homeserver = homeserver
        self._callback = callback
        self._clock = clock
        self._flows: frozenset[str] = frozenset()
        self._due = -math.inf
        self._asking: asyncio.Task[None] | None = None

    @property
    def title(self) -> str:
        """Its name for people."""
        return self._options.server_name

    @property
    def issuer(self) -> str:
        """The issuer of its users' identities."""
        return self._homeserver.issuer

    @property
    def signup(self) -> bool | None:
        """Whether a first sign-in makes an account; None leaves it to the server's own rule."""
        return self._options.signup

    async def offered(self) -> tuple[bool, bool]:
        """Return whether a password, and whether the homeserver's own pages, can be used at present.

        The settings allow it and the homeserver offers it; its word is kept for some minutes, and asked for aside
        once there is one.
        """
        if self._clock() >= self._due and self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        if self._due == -math.inf and self._asking is not None:
            await asyncio.wait({self._asking}, timeout=FIRST_SECONDS)
        sso = self._options.sso and {SSO, TOKEN} <= self._flows
        return self._options.password and PASSWORD in self._flows, sso

    async def password(self, user: str, password: str, known: Known, address: str = "") -> Proof:
        """Return who somebody with a Matrix password is; raise `Refused` or `Unfit`."""
        if not self._options.password:
            raise Refused("no_such_provider", "Matrix passwords are not taken here.", status=404)
        return await self._homeserver.password(user, password, known, address)

    async def address(self, secrets: Secrets) -> str:
        """Return where to send the visitor."""
        if not self._options.sso:
            raise Refused("no_such_provider", "There is no such way to sign in.", status=404)
        back = f"{self._callback}?{urlencode({'state': secrets.state})}"
        return f"{self._homeserver.url('/login/sso/redirect')}?{urlencode({'redirectUrl': back})}"

    async def prove(self, secrets: Secrets, back: Back, known: Known) -> Proof:
        """Return who came back; raise `Refused` or `Unfit`."""
        token = back.query.get("loginToken")
        if not token:
            raise Refused("missing_field", "loginToken is missing.", field="loginToken")
        return await self._homeserver.token(token, known, back.address)

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._homeserver.close()

    async def _ask(self) -> None:
        try:
            self._flows = await self._homeserver.flows()
            self._due = self._clock() + OFFER_SECONDS
        except Unfit as error:
            logger.warning("the homeserver does not say how one can sign in", reason=str(error))
            self._due = self._clock() + AGAIN_SECONDS
        finally:
            self._asking = None
