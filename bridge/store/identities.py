"""Identities elsewhere (issuer, subject), each of which opens one account here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select

from bridge.model.clock import now_ms
from bridge.model.ids import AccountId
from bridge.store import accounts
from bridge.store.accounts import Account, read_account
from bridge.store.tables import accounts as accounts_table
from bridge.store.tables import identities, tickets

SPENT = "sign_in"
"""The purpose of tickets that stand for sign-ins which have come back: none comes back twice."""


class Identity(msgspec.Struct, frozen=True):
    """Somebody as a server elsewhere vouches for them."""

    issuer: str
    subject: str
    account: AccountId
    created_at: int


def _identity(row: Row[Any]) -> Identity:
    return Identity(row.issuer, row.subject, row.account, row.created_at)


def find(connection: Connection, issuer: str, subject: str) -> Identity | None:
    """Return an identity that is bound to an account, or None."""
    row = connection.execute(
        select(identities).where(identities.c.issuer == issuer, identities.c.subject == subject)
    ).one_or_none()
    return None if row is None else _identity(row)


def account_of(connection: Connection, issuer: str, subject: str) -> Account | None:
    """Return the account that an identity opens, be it active or closed, or None."""
    statement = select(accounts_table).join(identities, identities.c.account == accounts_table.c.id)
    row = connection.execute(
        statement.where(identities.c.issuer == issuer, identities.c.subject == subject)
    ).one_or_none()
    return None if row is None else read_account(row)


def bind(connection: Connection, issuer: str, subject: str, account: AccountId) -> None:
    """Bind an identity to an account; raise `IntegrityError` where it is bound already."""
    connection.execute(
        insert(identities), {"issuer": issuer, "subject": subject, "account": account, "created_at": now_ms()}
    )


def of_account(connection: Connection, account: AccountId) -> list[Identity]:
    """Return the identities that open an account, oldest first."""
    statement = select(identities).where(identities.c.account == account)
    return [_identity(row) for row in connection.execute(statement.order_by(identities.c.created_at))]


def unbind(connection: Connection, identity: Identity, other_ways: Collection[str]) -> bool:
    """Take an identity from its account, unless that would leave no way in; tell whether it was taken.

    Ways in are a password, and the identities of the issuers `other_ways` (without their last slash).
    """
    # Locked, so that of two last ways which go at the same time one stays.
    owner = accounts.get(connection, identity.account, lock=True)
    left = [
        other
        for other in of_account(connection, identity.account)
        if other != identity and other.issuer.rstrip("/") in other_ways
    ]
    if not left and (owner is None or not owner.password):
        return False
    connection.execute(
        delete(identities).where(identities.c.issuer == identity.issuer, identities.c.subject == identity.subject)
    )
    return True


def spend(connection: Connection, state_hash: str, expires_at: int) -> bool:
    """Note that a sign-in has come back; tell False where it had before. Those that are over are forgotten."""
    at = now_ms()
    connection.execute(delete(tickets).where(tickets.c.purpose == SPENT, tickets.c.expires_at <= at))
    if connection.execute(select(tickets.c.token_hash).where(tickets.c.token_hash == state_hash)).first():
        return False
    connection.execute(
        insert(tickets), {"token_hash": state_hash, "purpose": SPENT, "created_at": at, "expires_at": expires_at}
    )
    return True
