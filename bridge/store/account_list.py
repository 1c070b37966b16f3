"""The list of accounts as administrators see it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, or_, select

from bridge.model.ids import AccountId
from bridge.store.accounts import Account, read_account
from bridge.store.tables import accounts, people, sessions


class Listed(msgspec.Struct, frozen=True):
    """An account with its display name, how many sessions it has, and when one was last noted as used (UTC
    milliseconds)."""

    account: Account
    shown: str
    sessions: int
    used_at: int | None


def find(
    connection: Connection,
    *,
    query: str = "",
    after: AccountId | None = None,
    limit: int = 50,
    only: AccountId | None = None,
) -> list[Listed]:
    """Return up to `limit` accounts by name, from the one after `after` on; with `query` only those whose login or
    display name holds it, with `only` that one."""
    used = (
        select(func.count().label("many"), func.max(sessions.c.used_at).label("used_at"), sessions.c.account)
        .group_by(sessions.c.account)
        .subquery()
    )
    statement = (
        select(accounts, people.c.name.label("shown"), used.c.many, used.c.used_at)
        .join(people, people.c.id == accounts.c.person)
        .outerjoin(used, used.c.account == accounts.c.id)
        .order_by(accounts.c.name)
        .limit(limit)
    )
    if query:
        held = query.lower()
        statement = statement.where(
            or_(
                func.lower(accounts.c.name).contains(held, autoescape=True),
                func.lower(people.c.name).contains(held, autoescape=True),
            )
        )
    if after is not None:
        last = select(accounts.c.name).where(accounts.c.id == after).scalar_subquery()
        statement = statement.where(accounts.c.name > last)
    if only is not None:
        statement = statement.where(accounts.c.id == only)
    return [
        Listed(read_account(row), row.shown, row.many or 0, row.used_at) for row in connection.execute(statement)
    ]
