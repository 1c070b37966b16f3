"""One sign-in on its way through another server: what the visitor's browser keeps of it until it comes back.

The browser holds a signed cookie and nothing is kept here, so that a restart in the middle does no harm, and an
address that was made for one browser is worth nothing in another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from bridge.model.clock import now_ms
from bridge.model.errors import Refused

COOKIE = "rialto_sso_"
"""Begins the cookie's name; a part of the state follows, so that two tabs do not disturb each other."""

MINUTES = 10
MOST_COOKIES = 5
_NAMED_BY = 12


class Attempt(msgspec.Struct, frozen=True):
    """Who is on the way where: `state` is random and travels, `following` is a local path.

    `account` is the account to which the identity is to be bound, or "" for a sign-in.
    """

    provider: str
    state: str
    following: str
    expires_at: int
    account: str = ""

    @property
    def cookie(self) -> str:
        """Return the name of its cookie."""
        return cookie_name(self.state)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What ties one attempt together: `nonce` must stand in the ID token, `verifier` shows that the code is redeemed
    by who asked for it (RFC 7636) and does not leave this server before that."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """Return the S256 challenge of the verifier."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())


class Attempts:
    """Makes and reads attempts with the installation's secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def new(self, provider: str, following: str, *, account: str = "") -> Attempt:
        """Return a new attempt, good for ten minutes."""
        return Attempt(
            provider=provider,
            state=secrets.token_urlsafe(32),
            following=following,
            expires_at=now_ms() + MINUTES * 60_000,
            account=account,
        )

    def sealed(self, attempt: Attempt) -> str:
        """Return an attempt as its cookie's value."""
        body = msgspec.json.encode(attempt)
        return _text(body) + "." + _text(self._mac("attempt", body))

    def opened(self, provider: str, state: str, cookies: Mapping[str, str]) -> Attempt:
        """Return the attempt that a state belongs to; raise `Refused` unless it began in this very browser."""
        attempt = self._read(cookies.get(cookie_name(state), ""))
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace")):
            raise stale()
        if attempt.provider != provider or attempt.expires_at <= now_ms():
            raise stale()
        return attempt

    def secrets(self, attempt: Attempt) -> Secrets:
        """Return what belongs to this attempt and is never stored: it follows from its state and our secret."""
        state = attempt.state.encode()
        return Secrets(attempt.state, _text(self._mac("nonce", state)), _text(self._mac("verifier", state)))

    def _read(self, value: str) -> Attempt | None:
        body, _, mac = value.partition(".")
        try:
            raw = _bytes(body)
            if not hmac.compare_digest(_bytes(mac), self._mac("attempt", raw)):
                return None
            return msgspec.json.decode(raw, type=Attempt)
        except (BadBase64, ValueError, msgspec.DecodeError):
            return None

    def _mac(self, purpose: str, data: bytes) -> bytes:
        return hmac.new(self._secret, purpose.encode() + b"\n" + data, hashlib.sha256).digest()


def cookie_name(state: str) -> str:
    """Return the name of the cookie for a state, whatever a stranger may have sent as one."""
    return COOKIE + hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()[:_NAMED_BY]


def surplus(cookies: Mapping[str, str]) -> list[str]:
    """Return the cookies of attempts that were given up, once there are so many that headers grow too long."""
    held = [name for name in cookies if name.startswith(COOKIE)]
    return held if len(held) >= MOST_COOKIES else []


def state_hash(attempt: Attempt) -> str:
    """Return what is stored of an attempt that has come back."""
    return hashlib.sha256(f"sign-in {attempt.state}".encode()).hexdigest()


def stale() -> Refused:
    """Return the refusal of an answer that no sign-in of this browser waits for."""
    return Refused(
        "stale_sign_in", "This sign-in is over, or was begun in another browser: begin again.", field="state"
    )


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
