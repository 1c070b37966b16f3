"""Tickets: one-time links with which somebody chooses a new password, or becomes the first administrator."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from bridge.model.errors import Refused
from bridge.model.ids import AccountId
from bridge.store import accounts, tickets
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.store.tickets import Purpose, Ticket
from bridge.web.accounts.credentials import refuse_who_cannot_sign_in
from bridge.web.accounts.options import HOUR_MS
from bridge.web.accounts.passwords import Passwords
from bridge.web.accounts.registry import Registry, wish
from bridge.web.accounts.sessions import UNKNOWN, Sessions, Visit
from bridge.web.accounts.tokens import new_token, token_hash

LASTING_MS = 24 * HOUR_MS


class Tickets:
    """The one-time links of this server."""

    def __init__(
        self, db: Database, registry: Registry, passwords: Passwords, sessions: Sessions, clock: Callable[[], int]
    ) -> None:
        self._db = db
        self._registry = registry
        self._passwords = passwords
        self._sessions = sessions
        self._clock = clock

    async def for_reset(self, account: Account) -> tuple[str, int]:
        """Return the token with which a new password for an account can be chosen, and until when (UTC
        milliseconds); an earlier one is void. Raises `Refused` for a guest or a closed account."""
        refuse_who_cannot_sign_in(account)
        return await self._make("reset", account.id)

    async def for_claim(self) -> tuple[str, int]:
        """Return the token with which an administrator's account can be made, and until when; an earlier one is
        void."""
        return await self._make("claim", None)

    async def needs_claim(self) -> bool:
        """Tell whether nobody administers this server."""
        return not await self._db.read(accounts.admins)

    async def _make(self, purpose: Purpose, account: AccountId | None) -> tuple[str, int]:
        token, at = new_token(), self._clock()
        ticket = Ticket(purpose, account, expires_at=at + LASTING_MS, created_at=at)
        await self._db.write(lambda c: tickets.add(c, ticket, token_hash(token)))
        return token, ticket.expires_at

    async def look(self, token: str) -> tuple[Ticket, Account | None]:
        """Return what a link is for and whose account it is about; raise `Refused` (404) where it is void."""

        def unit(connection: Connection) -> tuple[Ticket, Account | None] | None:
            found = tickets.find(connection, token_hash(token), self._clock())
            if found is None:
                return None
            return found, None if found.account is None else accounts.get(connection, found.account)

        looked = await self._db.read(unit)
        if looked is None:
            raise _void()
        return looked

    async def reset(self, token: str, password: str, visit: Visit = UNKNOWN) -> tuple[str, Account]:
        """Set the password that the holder of a link chose; return a new session's token and the account. All other
        sessions end."""
        await self._meant_for(token, "reset")
        fresh = await self._passwords.hash(password)

        def unit(connection: Connection) -> Account:
            spent = tickets.spend(connection, token_hash(token), "reset", self._clock())
            account = None if spent is None or spent.account is None else accounts.get(connection, spent.account)
            if account is None or not account.active:
                raise _void()
            accounts.set_password(connection, account.id, fresh)
            return account

        account = await self._db.write(unit)
        self._sessions.ended(account)
        return await self._sessions.open(account, visit, verified=fresh), account

    async def claim(self, token: str, name: str, password: str, visit: Visit = UNKNOWN) -> tuple[str, Account]:
        """Make the administrator's account that the holder of a link chose; return a session's token and it."""
        await self._meant_for(token, "claim")

        def spend(connection: Connection, _account: AccountId) -> None:
            if tickets.spend(connection, token_hash(token), "claim", self._clock()) is None:
                raise _void()

        account = await self._registry.make(wish(name, admin=True), password, spend)
        return await self._sessions.open(account, visit), account

    async def drop_old(self) -> None:
        """Forget the links whose time is over."""
        await self._db.write(lambda c: tickets.drop_expired(c, self._clock()))

    async def _meant_for(self, token: str, purpose: Purpose) -> None:
        """Refuse what is no such link before a password is hashed for it."""
        ticket, _ = await self.look(token)
        if ticket.purpose != purpose:
            raise _void()


def _void() -> Refused:
    return Refused(
        "no_such_ticket", "This link is not valid, or no longer: ask for a new one.", field="token", status=404
    )
