"""One-time links: tickets that let their holder do one thing, once, within a time; only hashes are stored."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select

from bridge.model.ids import AccountId
from bridge.store.tables import tickets

Purpose: TypeAlias = Literal["reset", "claim"]
"""To choose a new password for an account; to make the account of an administrator."""
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class Ticket(msgspec.Struct, frozen=True):
    """What a one-time link lets its holder do; times are UTC milliseconds."""

    purpose: Purpose
    account: AccountId | None
    expires_at: int
    created_at: int = 0


def _ticket(row: Row[Any]) -> Ticket:
    return Ticket(purpose=row.purpose, account=row.account, expires_at=row.expires_at, created_at=row.created_at)


def add(connection: Connection, ticket: Ticket, token_hash: str) -> None:
    """Insert a ticket; an earlier one for the same thing is void from now on."""
    drop(connection, ticket.purpose, ticket.account)
    connection.execute(insert(tickets), {"token_hash": token_hash, **msgspec.structs.asdict(ticket)})


def find(connection: Connection, token_hash: str, at: int) -> Ticket | None:
    """Return a ticket that can be used at the time `at`, or None."""
    row = connection.execute(
        select(tickets).where(
            tickets.c.token_hash == token_hash, tickets.c.purpose.in_(PURPOSES), tickets.c.expires_at > at
        )
    ).one_or_none()
    return None if row is None else _ticket(row)


def spend(connection: Connection, token_hash: str, purpose: Purpose, at: int) -> Ticket | None:
    """Use a ticket up; return it, or None where there is none (any more): of two who try, one gets it."""
    found = find(connection, token_hash, at)
    if found is None or found.purpose != purpose:
        return None
    gone = connection.execute(delete(tickets).where(tickets.c.token_hash == token_hash)).rowcount
    return found if gone else None


def drop(connection: Connection, purpose: Purpose, account: AccountId | None) -> None:
    """Make void what there is for this purpose and account."""
    connection.execute(
        delete(tickets).where(tickets.c.purpose == purpose, tickets.c.account.is_not_distinct_from(account))
    )


def drop_all(connection: Connection) -> None:
    """Make every one-time link void."""
    connection.execute(delete(tickets).where(tickets.c.purpose.in_(PURPOSES)))


def drop_expired(connection: Connection, at: int) -> None:
    """Forget the tickets whose time was over at `at` (UTC milliseconds)."""
    connection.execute(delete(tickets).where(tickets.c.purpose.in_(PURPOSES), tickets.c.expires_at <= at))
