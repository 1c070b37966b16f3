"""Accounts of the web rooms and their sessions; tokens are stored as hashes only."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from bridge.model.clock import now_ms
from bridge.model.ids import AccountId, PersonId, new_session_id
from bridge.store.tables import accounts, people, sessions


class Account(msgspec.Struct, frozen=True):
    """Someone who signs in here; `name` is the login name, `password` an argon2 hash, `kind` `full` or `guest`."""

    id: AccountId
    person: PersonId
    name: str
    password: str
    admin: bool = False
    active: bool = True
    created_at: int = 0
    kind: str = "full"


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        person=row.person,
        name=row.name,
        password=row.password,
        admin=row.admin,
        active=row.active,
        created_at=row.created_at,
        kind=row.kind,
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
            "created_at": now_ms(),
        },
    )


def by_name(connection: Connection, name: str) -> Account | None:
    """Return the account with this login name, whatever its case, or None."""
    row = connection.execute(select(accounts).where(func.lower(accounts.c.name) == name.lower())).one_or_none()
    return None if row is None else _account(row)


def by_person(connection: Connection, person: PersonId) -> Account | None:
    """Return a person's account, or None."""
    row = connection.execute(select(accounts).where(accounts.c.person == person)).one_or_none()
    return None if row is None else _account(row)


def looks_taken(connection: Connection, skeleton: str) -> bool:
    """Tell whether an account's name looks like this one."""
    return connection.execute(select(accounts.c.id).where(accounts.c.skeleton == skeleton)).first() is not None


def everyone(connection: Connection) -> list[Account]:
    """Return all accounts by name."""
    # Sorted here: what order a PostgreSQL database has depends on how it was made.
    return sorted(map(_account, connection.execute(select(accounts))), key=lambda account: account.name)


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


def set_password(connection: Connection, account: AccountId, password: str) -> None:
    """Write a new hash, and end every session of the account."""
    connection.execute(update(accounts).where(accounts.c.id == account).values(password=password))
    connection.execute(delete(sessions).where(sessions.c.account == account))


def deactivate(connection: Connection, account: AccountId) -> None:
    """Close an account for good: its name stays taken, its sessions end."""
    connection.execute(update(accounts).where(accounts.c.id == account).values(active=False))
    connection.execute(delete(sessions).where(sessions.c.account == account))


def replace_hash(connection: Connection, account: AccountId, old: str, new: str) -> None:
    """Write the same password's newer hash, unless the password was changed meanwhile; sessions go on."""
    connection.execute(
        update(accounts).where(accounts.c.id == account, accounts.c.password == old).values(password=new)
    )


def names(connection: Connection) -> list[tuple[PersonId, str, str]]:
    """Return every account's person, login name and display name."""
    statement = select(accounts.c.person, accounts.c.name, people.c.name.label("shown")).join(
        people, people.c.id == accounts.c.person
    )
    return [(PersonId(row.person), row.name, row.shown) for row in connection.execute(statement)]


def open_session(connection: Connection, account: AccountId, token_hash: str) -> None:
    """Insert a session."""
    at = now_ms()
    connection.execute(
        insert(sessions),
        {"token_hash": token_hash, "id": new_session_id(), "account": account, "created_at": at, "used_at": at},
    )


def by_session(connection: Connection, token_hash: str) -> Account | None:
    """Return the active account of a session, or None."""
    row = connection.execute(
        select(accounts)
        .join(sessions, sessions.c.account == accounts.c.id)
        .where(sessions.c.token_hash == token_hash, accounts.c.active.is_(True))
    ).one_or_none()
    return None if row is None else _account(row)


def session_used_at(connection: Connection, token_hash: str) -> int | None:
    """Return when a session was last noted as used (UTC milliseconds), or None where there is none."""
    return connection.scalar(select(sessions.c.used_at).where(sessions.c.token_hash == token_hash))


def touch_session(connection: Connection, token_hash: str) -> None:
    """Note that a session is in use."""
    connection.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(used_at=now_ms()))


def drop_sessions(connection: Connection, unused_since: int) -> None:
    """End the sessions that were last used before `unused_since` (UTC milliseconds)."""
    connection.execute(delete(sessions).where(sessions.c.used_at < unused_since))


def close_session(connection: Connection, token_hash: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))
