"""Credentials: signing in with name and password, and new passwords."""

from __future__ import annotations

from sqlalchemy import Connection

from bridge.model.errors import Refused
from bridge.store import accounts, sessions, tickets
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.web.accounts.passwords import Passwords
from bridge.web.accounts.sessions import UNKNOWN, Session, Sessions, Visit, wrong_login


class Credentials:
    """What people prove with that they are who they say."""

    def __init__(self, db: Database, passwords: Passwords, sessions: Sessions) -> None:
        self._db = db
        self._passwords = passwords
        self._sessions = sessions

    async def login(self, name: str, password: str, visit: Visit = UNKNOWN) -> tuple[str, Account]:
        """Return a new session's token and the account; raise `Refused` (401) without saying what was wrong."""
        account = await self._db.read(lambda c: accounts.by_name(c, name.strip()))
        known = account.password if account is not None and account.active else None
        fits = await self._passwords.verify(known, password)
        if account is None or not fits:
            raise wrong_login()
        verified = await self._renewed(account, password)
        return await self._sessions.open(account, visit, verified=verified), account

    async def _renewed(self, account: Account, password: str) -> str:
        """Return the hash of a password that was right, made anew where it was made at yesterday's cost."""
        if not self._passwords.outdated(account.password):
            return account.password
        fresh = await self._passwords.hash(password)
        replaced = await self._db.write(lambda c: accounts.replace_hash(c, account.id, account.password, fresh))
        return fresh if replaced else account.password

    async def prove(self, account: Account, password: str | None, *, field: str = "password") -> None:
        """Make sure that who asks knows the account's password, where it has one; raise `Refused` naming `field`."""
        if not account.password:
            return
        if password is None:
            raise Refused("missing_field", f"{field} is missing.", field=field)
        if not await self._passwords.verify(account.password, password):
            raise Refused("wrong_password", "That is not your password.", field=field, status=403)

    async def change(self, session: Session, old: str | None, new: str) -> None:
        """Set a new password for who knows the present one; the account's other sessions end."""
        account = session.account
        await self.prove(account, old, field="old")
        fresh = await self._passwords.hash(new, field="new")

        def unit(connection: Connection) -> list[str] | None:
            if not accounts.replace_hash(connection, account.id, account.password, fresh):
                return None
            tickets.drop(connection, "reset", account.id)
            return sessions.end_others(connection, account.id, session.token_hash)

        ended = await self._db.write(unit)
        if ended is None:
            raise Refused("wrong_password", "The password was changed meanwhile.", field="old", status=403)
        self._sessions.ended(account, ended)

    async def set(self, account: Account, password: str) -> None:
        """Set a new password; every session of the account ends, and a link to reset it is void. Raises `Refused`
        for a guest or a closed account."""
        refuse_who_cannot_sign_in(account)
        fresh = await self._passwords.hash(password)

        def unit(connection: Connection) -> None:
            accounts.set_password(connection, account.id, fresh)
            tickets.drop(connection, "reset", account.id)

        await self._db.write(unit)
        self._sessions.ended(account)


def refuse_who_cannot_sign_in(account: Account) -> None:
    """Raise `Refused` for a guest, and for a closed account: neither has a password."""
    if account.kind == "guest" or not account.active:
        raise Refused("no_such_account", "Nobody signs in to this account.", field="name", status=404)
