"""Accounts of the web rooms: made, entered and closed here for the page, the API and the commands."""

from __future__ import annotations

from collections.abc import Callable

from argon2 import PasswordHasher

from bridge.core.native import Native
from bridge.core.people import People
from bridge.model.clock import now_ms
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.web.accounts.admins import OPERATOR, Admins, keep_one
from bridge.web.accounts.credentials import Credentials
from bridge.web.accounts.invites import Invites
from bridge.web.accounts.newcomers import Newcomers
from bridge.web.accounts.options import DAY_MS, HOUR_MS, SESSION_DAYS, AccountOptions
from bridge.web.accounts.passwords import Passwords
from bridge.web.accounts.preferences import Preferences
from bridge.web.accounts.registry import Registry
from bridge.web.accounts.sessions import Session, Sessions, Visit
from bridge.web.accounts.tickets import Tickets
from bridge.web.accounts.tokens import token_hash
from bridge.web.accounts.upkeep import Upkeep

__all__ = [
    "DAY_MS",
    "HOUR_MS",
    "SESSION_DAYS",
    "AccountOptions",
    "Accounts",
    "Session",
    "Visit",
    "token_hash",
]


class Accounts:
    """One place that leads to everything done to accounts, each described where it is done.

    `hasher` sets the cost of a password (argon2's own by default), `clock` gives UTC milliseconds.
    """

    def __init__(
        self,
        db: Database,
        known: People,
        native: Native,
        hasher: PasswordHasher | None = None,
        *,
        options: AccountOptions | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self.options = options or AccountOptions()
        passwords = Passwords(hasher)
        self.sessions = Sessions(db, self.options, clock)
        self.registry = Registry(db, known, native, passwords, self.sessions, clock)
        self.credentials = Credentials(db, passwords, self.sessions)
        self.tickets = Tickets(db, self.registry, passwords, self.sessions, clock)
        self.invites = Invites(db, self.options, clock)
        self.newcomers = Newcomers(db, self.options, self.registry, self.invites, self.sessions, native, clock)
        self.admins = Admins(
            db, known, self.registry, self.sessions, self.credentials, self.tickets, self.invites, clock
        )
        self.preferences = Preferences(db)
        self.upkeep = Upkeep(db, self.options, self.registry, self.sessions, self.tickets, self.invites, clock)

        self.add = self.registry.add
        self.add_proved = self.newcomers.add_proved
        self.rename = self.registry.rename
        self.named = self.registry.named
        self.list = self.registry.list
        self.login = self.credentials.login
        self.open = self.sessions.open
        self.session = self.sessions.find
        self.session_by_hash = self.sessions.by_hash
        self.logout = self.sessions.end
        self.on_session_end = self.sessions.on_end

    async def passwd(self, name: str, password: str) -> Account:
        """Set a new password, as the operator; every session of the account ends."""
        account = await self.named(name)
        await self.admins.set_password(OPERATOR, account, password)
        return account

    async def deactivate(self, name: str) -> Account:
        """Close an account for good, as the operator."""
        account = await self.named(name)
        await self.admins.deactivate(OPERATOR, account)
        return account

    async def leave(self, account: Account, password: str | None) -> None:
        """Close one's own account for good; raise `Refused` for a wrong password, and for the last administrator."""
        await self.credentials.prove(account, password)
        await self.registry.close(account, lambda connection: keep_one(connection, account))
