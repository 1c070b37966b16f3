"""Accounts of the web rooms: made and closed here for the page and for the commands, with their sessions."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec
from argon2 import PasswordHasher
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bridge.core.native import PERSON_NAME_CHARS, Native
from bridge.core.people import People
from bridge.model.clock import now_ms
from bridge.model.errors import Refused
from bridge.model.ids import WEB, AccountId, new_account_id, new_person_id
from bridge.model.people import Person
from bridge.store import accounts, people
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.text.names import clean, skeleton
from bridge.web.names import NameBook
from bridge.web.passwords import Passwords

_LOGIN_NAME = re.compile(r"[a-z0-9._-]{1,32}")
Bind: TypeAlias = Callable[[Connection, AccountId], None]
DAY_MS = 24 * 3600 * 1000
SESSION_DAYS = 60
"""A session that nobody used for so long is over."""


class Session(msgspec.Struct, frozen=True):
    """Somebody who is signed in; `token_hash` names the session in the database."""

    account: Account
    token_hash: str


class Accounts:
    """Everything that is done to accounts. `hasher` sets the cost of a password (argon2's own by default)."""

    def __init__(self, db: Database, known: People, native: Native, hasher: PasswordHasher | None = None) -> None:
        self._db = db
        self._people = known
        self._native = native
        self._passwords = Passwords(hasher)
        self._names = NameBook(db)
        self._listeners: list[Callable[[Account, str | None], None]] = []

    def on_session_end(self, listener: Callable[[Account, str | None], None]) -> None:
        """Call `listener(account, token_hash)` when a session ends; the hash is None when all of them do."""
        self._listeners.append(listener)

    async def add(self, name: str, password: str, *, admin: bool = False, display_name: str | None = None) -> Account:
        """Make an account and its person; raise `Refused` with the field at fault."""
        login = name.strip().lower()
        if not _LOGIN_NAME.fullmatch(login):
            raise Refused(
                "bad_name", "A login name has 1 to 32 of the characters a-z, 0-9, '.', '_' and '-'.", field="name"
            )
        shown = _display_name(login if display_name is None else display_name)
        async with self._names.lock:
            await self._refuse_taken(login, "name", None)
            await self._refuse_taken(shown, "display_name", None)
            account = Account(
                id=new_account_id(),
                person=new_person_id(),
                name=login,
                password=await self._passwords.hash(password),
                admin=admin,
                created_at=now_ms(),
            )
            await self._insert(account, Person(id=account.person, home=WEB, name=shown))
            self._names.note(account.person, login, shown)
        if admin:
            await self._people.reload_reserved()
        return account

    async def add_proved(self, logins: Iterable[str], shown: Iterable[str], bind: Bind) -> Account:
        """Make an account without a password for somebody whom another server vouches for.

        It takes the first login name and the first display name that are free; `bind(connection, account)` runs in
        the same transaction. Raises what `bind` raises.
        """
        async with self._names.lock:
            login, name = await self._first_free(logins), await self._first_free(shown)
            account = Account(
                id=new_account_id(), person=new_person_id(), name=login, password="", created_at=now_ms()
            )
            await self._insert(account, Person(id=account.person, home=WEB, name=name), bind)
            self._names.note(account.person, login, name)
        return account

    async def _first_free(self, candidates: Iterable[str]) -> str:
        for name in candidates:
            if not await self._names.taken(name):
                return name
        raise _taken(name, "name")

    async def _insert(self, account: Account, person: Person, bind: Bind | None = None) -> None:
        def unit(connection: Connection) -> None:
            people.add(connection, person)
            accounts.add(connection, account, skeleton(account.name))
            if bind is not None:
                bind(connection, account.id)

        try:
            await self._db.write(unit)
        except IntegrityError:
            raise _taken(account.name, "name") from None

    async def rename(self, account: Account, display_name: str) -> Person:
        """Give an account's person a new display name, here and on every network."""
        shown = _display_name(display_name)
        async with self._names.lock:
            await self._refuse_taken(shown, "display_name", account)
            person = await self._native.set_profile(account.person, name=shown)
            self._names.note(account.person, shown)
        return person

    async def _refuse_taken(self, name: str, field: str, own: Account | None) -> None:
        if await self._names.taken(name, own.person if own is not None else None):
            raise _taken(name, field)

    async def passwd(self, name: str, password: str) -> Account:
        """Set a new password; every session of the account ends."""
        account = await self.named(name)
        known = await self._passwords.hash(password)
        await self._db.write(lambda c: accounts.set_password(c, account.id, known))
        self._ended(account, None)
        return account

    async def deactivate(self, name: str) -> Account:
        """Close an account for good: its sessions end, its person leaves every room, its name stays taken."""
        account = await self.named(name)
        await self._db.write(lambda c: accounts.deactivate(c, account.id))
        self._ended(account, None)
        await self._native.deactivate(account.person)
        return account

    async def named(self, name: str) -> Account:
        account = await self._db.read(lambda c: accounts.by_name(c, name.strip()))
        if account is None:
            raise Refused("no_such_account", f"There is no account {name.strip()!r}.", field="name", status=404)
        return account

    async def login(self, name: str, password: str) -> tuple[str, Account]:
        """Return a new session's token and the account; raise `Refused` (401) without saying what was wrong."""
        account = await self._db.read(lambda c: accounts.by_name(c, name.strip()))
        known = account.password if account is not None and account.active else None
        fits = await self._passwords.verify(known, password)
        if account is None or not fits:
            raise Refused("wrong_login", "The name or the password is wrong.", status=401)
        if self._passwords.outdated(account.password):
            fresh = await self._passwords.hash(password)
            await self._db.write(lambda c: accounts.replace_hash(c, account.id, account.password, fresh))
        return await self.open(account), account

    async def open(self, account: Account) -> str:
        """Return the token of a new session."""
        token = secrets.token_urlsafe(32)
        hashed = token_hash(token)

        def unit(connection: Connection) -> None:
            accounts.drop_sessions(connection, now_ms() - SESSION_DAYS * DAY_MS)
            accounts.open_session(connection, account.id, hashed)

        await self._db.write(unit)
        return token

    async def session(self, token: str) -> Session | None:
        """Return the session of a token, or None where it is unknown, ended or too old."""
        return await self.session_by_hash(token_hash(token))

    async def session_by_hash(self, hashed: str) -> Session | None:
        """Return the session that the database knows by this hash, or None."""

        def unit(connection: Connection) -> tuple[Account | None, int | None]:
            return accounts.by_session(connection, hashed), accounts.session_used_at(connection, hashed)

        account, used_at = await self._db.read(unit)
        if account is None or used_at is None:
            return None
        age = now_ms() - used_at
        if age > SESSION_DAYS * DAY_MS:
            return None
        if age > DAY_MS:
            await self._db.write(lambda c: accounts.touch_session(c, hashed))
        return Session(account, hashed)

    async def logout(self, session: Session) -> None:
        """End a session."""
        await self._db.write(lambda c: accounts.close_session(c, session.token_hash))
        self._ended(session.account, session.token_hash)

    def _ended(self, account: Account, hashed: str | None) -> None:
        for listener in self._listeners:
            listener(account, hashed)

    async def list(self) -> Sequence[Account]:
        """Return all accounts by name."""
        return await self._db.read(accounts.everyone)


def token_hash(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _display_name(name: str) -> str:
    shown = clean(name, limit=PERSON_NAME_CHARS)
    if not shown:
        raise Refused("empty_name", "A name needs a character that can be read.", field="display_name")
    return shown


def _taken(name: str, field: str) -> Refused:
    return Refused(
        "name_taken", f"{name!r} looks like a name that somebody has already: choose another.", field=field, status=409
    )
