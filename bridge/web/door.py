"""The door: who is asking (token or cookie), how often they may, and how one signs in and out."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from aiohttp import web

from bridge.model.errors import Refused
from bridge.store.accounts import Account
from bridge.web.accounts import DAY_MS, Session, Visit
from bridge.web.limits import Limit
from bridge.web.parts import WebParts

COOKIE = "rialto_session"


class Door:
    """Knows visitors by `Authorization: Bearer` or, on the page, by the cookie with the same token."""

    def __init__(self, parts: WebParts) -> None:
        limits = parts.limits
        self._accounts = parts.accounts
        self._secure = parts.url.startswith("https:")
        logins = limits.logins_per_minute
        self._by_address = Limit(logins / 60, logins, "Too many tries to sign in: wait a little.")
        self._by_name = Limit(logins / 60, logins, "Too many tries to sign in: wait a little.")
        signups = limits.signups_per_address
        self._signups = Limit(signups / 3600, signups, "Many accounts were made from here: try again in a while.")
        self._messages = Limit(limits.messages_per_second, limits.burst, "You write very fast: wait a moment.")
        self._changes = Limit(limits.changes_per_minute / 60, limits.changes_burst, "Too many changes: wait a moment.")

    async def visitor(self, request: web.Request) -> Session | None:
        """Return the session of a request, or None."""
        token = bearer(request) or request.cookies.get(COOKIE, "")
        return await self._accounts.session(token, visit(request)) if token else None

    async def enter(self, request: web.Request) -> Session:
        """Return the session of a request; raise `Refused` (401) where there is none."""
        session = await self.visitor(request)
        if session is None:
            raise Refused("signed_out", "Sign in first.", status=401)
        return session

    async def sign_in(self, request: web.Request, name: str, password: str) -> tuple[str, Account]:
        """Return a new token and its account; raise `Refused` for a wrong password or too many tries."""
        self.count_login(request, name)
        return await self._accounts.login(name, password, visit(request))

    def count_login(self, request: web.Request, name: str = "") -> None:
        """Count a try to sign in, against the address and the name that is tried; raise `TooFast`."""
        self._by_address.check(neighbourhood(address(request)))
        if name:
            self._by_name.check(name.strip().lower()[:64])

    def count_signup(self, request: web.Request) -> None:
        """Count a try to make an account or to come as a guest, against the address; raise `TooFast`."""
        self._signups.check(neighbourhood(address(request)))

    def count_message(self, session: Session) -> None:
        """Count a message against the account's limit; raise `TooFast`."""
        self._messages.check(session.account.id)

    def count_change(self, session: Session) -> None:
        """Count a change other than a message; raise `TooFast`."""
        self._changes.check(session.account.id)

    def give_cookie(self, response: web.StreamResponse, token: str) -> None:
        """Keep the token in the visitor's browser, out of reach of scripts."""
        response.set_cookie(
            COOKIE,
            token,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self._secure,
            max_age=self._accounts.options.session_days * DAY_MS // 1000,
        )

    def take_cookie(self, response: web.StreamResponse) -> None:
        """Make the browser forget the token."""
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Lax", secure=self._secure)


def bearer(request: web.Request) -> str:
    """Return the token of the `Authorization` header, or an empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def address(request: web.Request) -> str:
    """Return where a request comes from; behind a proxy on this machine, what the proxy says."""
    peer = request.remote or ""
    try:
        local = ip_address(peer).is_loopback
    except ValueError:
        return peer
    # Some proxies add to the header that a visitor has sent, others a header of their own behind it.
    forwarded = request.headers.getall("X-Forwarded-For", [""])[-1] if local else ""
    return forwarded.rpartition(",")[2].strip() or peer


def neighbourhood(of: str) -> str:
    """Return for what limits count an address: one of IPv6 stands for its /64, which one household has all of."""
    try:
        parsed = ip_address(of)
    except ValueError:
        return of[:64]
    if parsed.version == 4:
        return of
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))


def visit(request: web.Request) -> Visit:
    """Return what a session remembers of a request."""
    return Visit.of(request.headers.get("User-Agent", ""), address(request))
