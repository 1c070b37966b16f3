"""The registry: makes, renames, finds and closes accounts, and is the only writer of their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bridge.core.native import PERSON_NAME_CHARS, Native
from bridge.core.people import GUEST_HINT, People
from bridge.model.errors import Refused
from bridge.model.ids import WEB, AccountId, new_account_id, new_person_id
from bridge.model.people import Person
from bridge.store import accounts, invites, people, tickets
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.text.names import clean, skeleton
from bridge.web.accounts.names import NameBook
from bridge.web.accounts.passwords import Passwords
from bridge.web.accounts.sessions import Sessions

_LOGIN_NAME = re.compile(r"[a-z0-9._-]{1,32}")
GUEST_NAME_CHARS = 48
"""Leaves room for what makes a guest's name distinct."""

Also: TypeAlias = Callable[[Connection, AccountId], None]
"""What is written with a new account in one transaction; what it raises undoes the account."""


class Wish(msgspec.Struct, frozen=True):
    """An account that somebody asks for, its names checked in their form; `shown` is the display name."""

    login: str
    shown: str
    admin: bool = False
    newcomer_until: int = 0


class Registry:
    """All accounts."""

    def __init__(
        self, db: Database, known: People, native: Native, passwords: Passwords, sessions: Sessions,
        clock: Callable[[], int],
    ) -> None:
        self._db = db
        self._people = known
        self._native = native
        self._passwords = passwords
        self._sessions = sessions
        self._clock = clock
        self._names = NameBook(db)

    async def add(self, name: str, password: str, *, admin: bool = False, display_name: str | None = None) -> Account:
        """Make an account and its person; raise `Refused` with the field at fault."""
        return await self.make(wish(name, display_name, admin=admin), password)

    async def make(
        self,
        wanted: Wish,
        password: str | None,
        also: Also | None = None,
        *,
        last_check: Callable[[], None] | None = None,
    ) -> Account:
        """Make an account, without a password where that is None; `also` is written with it.

        Raises `Refused` where a name or the password cannot be taken, and what `last_check` (called when nothing
        else stands against it) and `also` raise.
        """
        await self._refuse_taken(wanted.login, "name", None)
        await self._refuse_taken(wanted.shown, "display_name", None)
        # Outside of the lock: a hash takes long.
        hashed = "" if password is None else await self._passwords.hash(password)
        async with self._names.lock:
            await self._refuse_taken(wanted.login, "name", None)
            await self._refuse_taken(wanted.shown, "display_name", None)
            if last_check is not None:
                last_check()
            account = await self._insert(wanted, hashed, also)
        if wanted.admin:
            await self._people.reload_reserved()
        return account

    async def add_proved(
        self, logins: Iterable[str], shown: Iterable[str], bind: Also, *, newcomer_until: int = 0
    ) -> Account:
        """Make an account without a password for somebody whom another server vouches for.

        It takes the first login name and the first display name that are free; `bind(connection, account)` runs in
        the same transaction. Raises what `bind` raises.
        """
        async with self._names.lock:
            login, name = await self._first_free(logins), await self._first_free(shown)
            return await self._insert(Wish(login, name, newcomer_until=newcomer_until), "", bind)

    async def add_guest(self, display_name: str, also: Also) -> Account:
        """Make a guest's account, which nobody can sign in to, under a name made distinct; `also` is written with
        it. Raises `Refused` for a name that cannot be read, and what `also` raises."""
        wished = _display_name(display_name)[:GUEST_NAME_CHARS].rstrip()
        async with self._names.lock:
            shown = await self._names.distinct(wished, GUEST_HINT)
            account = self._account(Wish("", shown), "")
            guest = msgspec.structs.replace(account, name=account.id, kind="guest")
            await self._write(guest, shown, also)
            self._names.note(guest.person, shown)
        return guest

    async def _first_free(self, candidates: Iterable[str]) -> str:
        name = ""
        for name in candidates:
            if not await self._names.taken(name):
                return name
        raise _taken(name, "name")

    def _account(self, wanted: Wish, hashed: str) -> Account:
        return Account(
            id=new_account_id(),
            person=new_person_id(),
            name=wanted.login,
            password=hashed,
            admin=wanted.admin,
            created_at=self._clock(),
            newcomer_until=wanted.newcomer_until,
        )

    async def _insert(self, wanted: Wish, hashed: str, also: Also | None) -> Account:
        account = self._account(wanted, hashed)
        await self._write(account, wanted.shown, also)
        self._names.note(account.person, wanted.login, wanted.shown)
        return account

    async def _write(self, account: Account, shown: str, also: Also | None) -> None:
        def unit(connection: Connection) -> None:
            people.add(connection, Person(id=account.person, home=WEB, name=shown))
            accounts.add(connection, account, skeleton(account.name))
            if also is not None:
                also(connection, account.id)

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

    async def close(self, account: Account, check: Callable[[Connection], None] | None = None) -> None:
        """Close an account for good: its sessions end, its links and invites are void, its person leaves every room,
        its name stays taken (a guest's does not). What `check` raises in the same transaction keeps it open."""
        at = self._clock()

        def unit(connection: Connection) -> Person | None:
            if check is not None:
                check(connection)
            accounts.close(connection, account)
            if account.admin:
                # Who made a link is not known, and an administrator may hold some to other accounts.
                tickets.drop_all(connection)
            tickets.drop(connection, "reset", account.id)
            invites.revoke_of(connection, account.person, at)
            return people.get(connection, account.person)

        person = await self._db.write(unit)
        self._sessions.ended(account)
        await self._native.deactivate(account.person)
        if account.kind == "guest" and person is not None:
            self._names.release(account.person, person.name)

    async def finish_closing(self) -> None:
        """Take the people of closed accounts out of their rooms whom a stop left there."""
        for person in await self._db.read(accounts.half_closed):
            await self._native.deactivate(person)

    async def named(self, name: str) -> Account:
        """Return the account with a login name; raise `Refused` (404) where there is none."""
        account = await self._db.read(lambda c: accounts.by_name(c, name.strip()))
        if account is None:
            raise Refused("no_such_account", f"There is no account {name.strip()!r}.", field="name", status=404)
        return account

    async def get(self, account: AccountId) -> Account:
        """Return the account with an ID; raise `Refused` (404) where there is none."""
        found = await self._db.read(lambda c: accounts.get(c, account))
        if found is None:
            raise Refused("no_such_account", "There is no such account.", field="id", status=404)
        return found

    async def list(self) -> Sequence[Account]:
        """Return all accounts by name."""
        return await self._db.read(accounts.everyone)


def wish(name: str, display_name: str | None = None, *, admin: bool = False, newcomer_until: int = 0) -> Wish:
    """Return a wish with these names in their settled form; raise `Refused` with the field at fault."""
    login = name.strip().lower()
    if not _LOGIN_NAME.fullmatch(login):
        raise Refused(
            "bad_name", "A login name has 1 to 32 of the characters a-z, 0-9, '.', '_' and '-'.", field="name"
        )
    shown = _display_name(login if display_name is None else display_name)
    return Wish(login, shown, admin, newcomer_until)


def _display_name(name: str) -> str:
    shown = clean(name, limit=PERSON_NAME_CHARS)
    if not shown:
        raise Refused("empty_name", "A name needs a character that can be read.", field="display_name")
    return shown


def _taken(name: str, field: str) -> Refused:
    return Refused(
        "name_taken", f"{name!r} looks like a name that somebody has already: choose another.", field=field, status=409
    )
