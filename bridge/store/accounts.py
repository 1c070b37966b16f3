"""Accounts of the web rooms: who has one, what it is called, whether it is open."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select, update

from bridge.model.clock import now_ms
from bridge.model.ids import AccountId, PersonId
from bridge.store.tables import accounts, memberships, people, sessions


class Account(msgspec.Struct, frozen=True):
    """Someone who signs in here; `name` is the login name (a guest's is its ID), `kind` `full` or `guest`.

    `password` is an argon2 hash, or empty where nobody comes in with a password. Until `newcomer_until` (UTC
    milliseconds) the person's ghosts are made only when the person speaks.
    """

    id: AccountId
    person: PersonId
    name: str
    password: str
    admin: bool = False
    active: bool = True
    created_at: int = 0
    kind: str = "full"
    newcomer_until: int = 0


def read_account(row: Row[Any]) -> Account:
    """Return the account of a row of the table."""
    return Account(
        id=row.id,
        person=row.person,
        name=row.name,
        password=row.password,
        admin=row.admin,
        active=row.active,
        created_at=row.created_at,
        kind=row.kind,
        newcomer_until=row.newcomer_until,
    )


def add(connection: Connection, account: Account, skeleton: str) -> None:
    """Insert an account; raise `IntegrityError` where the name is taken."""
    connection.execute(
        insert(accounts),
        {
            "id": account.id,
            "person": account.person,
            "name": account.name,
            "skeleton": skeleton,
            "password": account.password,
            "kind": account.kind,
            "admin": account.admin,
            "active": account.active,
            "newcomer_until": account.newcomer_until,
            "created_at": account.created_at or now_ms(),
        },
    )


def get(connection: Connection, account: AccountId, *, lock: bool = False) -> Account | None:
    """Return an account, or None; with `lock` nobody changes it before this transaction ends."""
    statement = select(accounts).where(accounts.c.id == account)
    return _one(connection, statement.with_for_update(key_share=True) if lock else statement)


def by_name(connection: Connection, name: str) -> Account | None:
    """Return the account with this login name, whatever its case, or None."""
    return _one(connection, select(accounts).where(func.lower(accounts.c.name) == name.lower()))


def by_person(connection: Connection, person: PersonId) -> Account | None:
    """Return a person's account, or None."""
    return _one(connection, select(accounts).where(accounts.c.person == person))


def _one(connection: Connection, statement: Select[Any]) -> Account | None:
    row = connection.execute(statement).one_or_none()
    return None if row is None else read_account(row)


def everyone(connection: Connection) -> list[Account]:
    """Return all accounts by name."""
    # Sorted here: what order a PostgreSQL database has depends on how it was made.
    return sorted(map(read_account, connection.execute(select(accounts))), key=lambda account: account.name)


def names(connection: Connection) -> list[tuple[PersonId, str, str]]:
    """Return the person, login name and display name of every account; a guest has no login name, and none of the
    two once its account is closed."""
    statement = select(accounts.c.person, accounts.c.kind, accounts.c.name, people.c.name.label("shown")).join(
        people, people.c.id == accounts.c.person
    )
    open_or_full = accounts.c.active.is_(True) | (accounts.c.kind != "guest")
    return [
        (PersonId(row.person), row.shown if row.kind == "guest" else row.name, row.shown)
        for row in connection.execute(statement.where(open_or_full))
    ]


def admin_skeletons(connection: Connection) -> list[tuple[PersonId, str]]:
    """Return the people who administer this server, with the skeletons of their login names."""
    statement = select(accounts.c.person, accounts.c.skeleton).where(accounts.c.admin.is_(True))
    return [(PersonId(person), skeleton) for person, skeleton in connection.execute(statement)]


def admin_names(connection: Connection) -> list[str]:
    """Return the login names and display names of the people who administer this server."""
    statement = (
        select(accounts.c.name, people.c.name.label("shown"))
        .join(people, people.c.id == accounts.c.person)
        .where(accounts.c.admin.is_(True))
    )
    return [name for row in connection.execute(statement) for name in (row.name, row.shown)]


def admins(connection: Connection, *, lock: bool = False) -> list[AccountId]:
    """Return the open accounts that administer this server; with `lock` none of them changes before this
    transaction ends."""
    statement = select(accounts.c.id).where(accounts.c.admin.is_(True), accounts.c.active.is_(True))
    # In one order, so that two transactions which lock them all do not wait for each other.
    statement = statement.order_by(accounts.c.id)
    rows = connection.scalars(statement.with_for_update(key_share=True) if lock else statement)
    return [AccountId(account) for account in rows]


def set_admin(connection: Connection, account: AccountId, admin: bool) -> None:
    """Let an account administer this server, or not."""
    connection.execute(update(accounts).where(accounts.c.id == account).values(admin=admin))


def set_password(connection: Connection, account: AccountId, password: str) -> None:
    """Write another password's hash and end every session of the account."""
    connection.execute(update(accounts).where(accounts.c.id == account).values(password=password))
    connection.execute(sessions.delete().where(sessions.c.account == account))


def replace_hash(connection: Connection, account: AccountId, old: str, new: str) -> bool:
    """Write a hash in place of `old`; tell False where the password was changed meanwhile. Sessions go on."""
    statement = update(accounts).where(accounts.c.id == account, accounts.c.password == old)
    return connection.execute(statement.values(password=new)).rowcount > 0


def close(connection: Connection, account: Account) -> None:
    """Close an account and its person for good: the password is forgotten, the sessions end, the name stays taken."""
    connection.execute(update(accounts).where(accounts.c.id == account.id).values(active=False, password=""))
    connection.execute(update(people).where(people.c.id == account.person).values(active=False))
    connection.execute(sessions.delete().where(sessions.c.account == account.id))


def half_closed(connection: Connection) -> list[PersonId]:
    """Return the people of closed accounts who are still in a room: a stop came between."""
    statement = (
        select(accounts.c.person)
        .join(memberships, memberships.c.person == accounts.c.person)
        .where(accounts.c.active.is_(False), memberships.c.joined.is_(True))
    )
    return [PersonId(person) for person in connection.scalars(statement.distinct())]


def idle_guests(connection: Connection, unused_since: int) -> list[Account]:
    """Return the open accounts of guests who have neither come nor used a session since then (UTC milliseconds)."""
    used = select(sessions.c.account).where(sessions.c.used_at >= unused_since)
    statement = select(accounts).where(
        accounts.c.kind == "guest",
        accounts.c.active.is_(True),
        accounts.c.created_at < unused_since,
        accounts.c.id.not_in(used),
    )
    return [read_account(row) for row in connection.execute(statement)]


def settings(connection: Connection, account: AccountId) -> str:
    """Return an account's settings, as the JSON that was put there."""
    return connection.scalar(select(accounts.c.settings).where(accounts.c.id == account)) or "{}"


def put_settings(connection: Connection, account: AccountId, json: str) -> None:
    """Write an account's settings."""
    connection.execute(update(accounts).where(accounts.c.id == account).values(settings=json))
