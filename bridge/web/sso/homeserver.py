"""The homeserver as a witness: it tells who somebody is, and at once forgets that they were signed in.

These are a client's calls (client-server API, "Login"), made without the application service's token. Neither a
password nor an access token is kept: what the homeserver opens is closed before the visitor is answered.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import msgspec
import structlog

from bridge.model.errors import Refused
from bridge.web.limits import TooFast
from bridge.web.sso.asking import Answer, Asker, Unfit
from bridge.web.sso.options import MatrixOptions
from bridge.web.sso.proof import Known, Proof, name

BASE = "/_matrix/client/v3"
DEVICE = "RIALTO_SIGN_IN"
"""Always the same device: should the homeserver be away when it is to be closed, the next sign-in takes its place."""

CLOSING_PAUSES = (0.0, 1.0, 5.0, 20.0)
MOST_WAIT = 3600
LONGEST_USER = 255

logger = structlog.get_logger(__name__)


class _Login(msgspec.Struct, frozen=True):
    user_id: str
    access_token: str


class Homeserver:
    """The one homeserver of the settings."""

    def __init__(self, options: MatrixOptions, asker: Asker) -> None:
        self._options = options
        self._asker = asker
        self._closing: set[asyncio.Future[None]] = set()

    @property
    def issuer(self) -> str:
        """Return the issuer of its users' identities."""
        return f"matrix:{self._options.server_name}"

    def url(self, path: str) -> str:
        """Return the address of a call."""
        return self._options.url + BASE + path

    async def flows(self) -> frozenset[str]:
        """Return the ways to sign in that it offers; raise `Unfit`."""
        answer = await self._asker.get_object(self.url("/login"))
        listed = answer.get("flows")
        if not isinstance(listed, list):
            raise Unfit(f"{self.url('/login')} names no flows")
        return frozenset(str(flow.get("type")) for flow in listed if isinstance(flow, dict))

    async def password(self, user: str, password: str, known: Known, address: str = "") -> Proof:
        """Return who a user name (or whole user ID) and a password are; raise `Refused` or `Unfit`.

        `address` is the visitor's, which the homeserver is told: its limits are for each address.
        """
        identifier = {"type": "m.id.user", "user": self._name(user)}
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        return await self._identify(body, known, address)

    async def token(self, token: str, known: Known, address: str = "") -> Proof:
        """Return whom a login token stands for; raise `Refused` or `Unfit`."""
        return await self._identify({"type": "m.login.token", "token": token}, known, address)

    async def close(self) -> None:
        """Wait for the sessions that are being closed, but not for a homeserver that is away."""
        closing = list(self._closing)
        if closing:
            await asyncio.wait(closing, timeout=1)
        for task in closing:
            task.cancel()
        await asyncio.gather(*closing, return_exceptions=True)

    def _name(self, user: str) -> str:
        """Return the localpart of a user of this homeserver."""
        given = user.strip()
        if given.startswith("@"):
            localpart, _, server = given[1:].partition(":")
            if server.lower() != self._options.server_name.lower():
                raise Refused(
                    "other_homeserver",
                    f"Only accounts of {self._options.server_name} can sign in here.",
                    field="user",
                )
            given = localpart
        if not given or len(given) > LONGEST_USER:
            raise Refused("bad_field", "user must be a Matrix user name or user ID.", field="user")
        return given

    async def _identify(self, body: dict[str, Any], known: Known, address: str) -> Proof:
        async with self._signed_in(body, address) as session:
            user_id = session.user_id
            self._check(user_id)
            localpart = user_id[1:].partition(":")[0]
            shown = ""
            if not await known(self.issuer, user_id):
                shown = await self._display_name(session)
            return Proof(self.issuer, user_id, localpart, shown or localpart)

    def _check(self, user_id: str) -> None:
        server = self._options.server_name
        if not user_id.startswith("@") or not user_id.endswith(f":{server}") or len(user_id) > LONGEST_USER:
            raise Unfit(f"the homeserver signed in {user_id!r:.300}, who is not of {server}")
        if self._options.ours(user_id):
            raise Refused("not_a_person", "This Matrix account is Rialto's own: it cannot sign in.", status=403)

    @asynccontextmanager
    async def _signed_in(self, body: dict[str, Any], address: str) -> AsyncIterator[_Login]:
        sent = {**body, "device_id": DEVICE, "initial_device_display_name": "Rialto (closed at once)"}
        # Shielded: a visitor who goes away in the middle must not leave an open session behind.
        headers = {"X-Forwarded-For": address} if address else {}
        opening = asyncio.ensure_future(self._asker.ask("POST", self.url("/login"), json=sent, headers=headers))
        try:
            answer = await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._remember(asyncio.ensure_future(self._close_opened(opening)))
            raise
        session = _read(answer)
        try:
            yield session
        finally:
            closing = asyncio.ensure_future(self._close(session))
            self._remember(closing)
            await asyncio.shield(closing)

    def _remember(self, closing: asyncio.Future[None]) -> None:
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _close_opened(self, opening: asyncio.Future[Answer]) -> None:
        try:
            session = _read(await opening)
        except (Unfit, Refused):
            return
        await self._close(session)

    async def _close(self, session: _Login) -> None:
        """End the session on the homeserver; go on trying aside where the homeserver does not answer."""
        if not await self._logout(session):
            self._remember(asyncio.ensure_future(self._close_later(session)))

    async def _close_later(self, session: _Login) -> None:
        for pause in CLOSING_PAUSES[1:]:
            await asyncio.sleep(pause)
            if await self._logout(session):
                return
        logger.error("a session on the homeserver stays open", user=session.user_id, device=DEVICE)

    async def _logout(self, session: _Login) -> bool:
        bearer = {"Authorization": f"Bearer {session.access_token}"}
        try:
            answer = await self._asker.ask("POST", self.url("/logout"), headers=bearer, json={})
        except Unfit as error:
            logger.warning("a session on the homeserver is not closed yet", user=session.user_id, reason=str(error))
            return False
        # 401: another sign-in of the same user has taken the device over, and this token is over with it.
        return answer.status in (200, 401)

    async def _display_name(self, session: _Login) -> str:
        """Return how somebody is called there, "" where the homeserver does not say."""
        bearer = {"Authorization": f"Bearer {session.access_token}"}
        url = self.url(f"/profile/{quote(session.user_id, safe='')}/displayname")
        answer = await self._asker.ask("GET", url, headers=bearer)
        return name(answer.object().get("displayname")) if answer.status == 200 else ""


def _read(answer: Answer) -> _Login:
    """Return the session that was opened; raise `Refused` for what the visitor can mend."""
    if answer.status == 200:
        try:
            return msgspec.convert(answer.object(), _Login)
        except msgspec.ValidationError as error:
            raise Unfit(f"{answer.what} answered a session that cannot be read ({error})") from None
    told = _told(answer)
    code = told.get("errcode")
    if answer.status == 429:
        raise TooFast("The homeserver wants fewer tries to sign in: wait a little.", _wait(answer.headers, told))
    if code == "M_USER_DEACTIVATED":
        raise Refused("account_closed", "This account is closed.", status=403)
    if answer.status in (401, 403):
        raise Refused("wrong_login", "The name or the password is wrong.", status=401)
    raise Unfit(f"{answer.what} answered {answer.status} ({code}: {str(told.get('error'))[:300]})")


def _told(answer: Answer) -> dict[str, Any]:
    try:
        return answer.object()
    except Unfit:
        return {}


def _wait(headers: Mapping[str, str], told: dict[str, Any]) -> int:
    """Return the whole seconds that the homeserver wants us to wait."""
    try:
        seconds = float(headers["Retry-After"])
    except (KeyError, ValueError):
        given = told.get("retry_after_ms")
        seconds = given / 1000 if isinstance(given, (int, float)) and not isinstance(given, bool) else 1.0
    return max(1, math.ceil(min(seconds, MOST_WAIT))) if math.isfinite(seconds) else 1
