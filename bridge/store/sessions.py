"""Sessions of accounts; only the hash of a token is stored."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from bridge.model.ids import AccountId, SessionId
from bridge.store.accounts import Account, read_account
from bridge.store.tables import accounts, sessions


class StoredSession(msgspec.Struct, frozen=True):
    """A session: `id` names it and opens nothing; `agent` and `address` are of its last noted use; times are UTC
    milliseconds."""

    id: SessionId
    account: AccountId
    token_hash: str
    agent: str = ""
    address: str = ""
    created_at: int = 0
    used_at: int = 0


def _session(row: Row[Any]) -> StoredSession:
    return StoredSession(
        id=row.id,
        account=row.account,
        token_hash=row.token_hash,
        agent=row.agent,
        address=row.address,
        created_at=row.created_at,
        used_at=row.used_at,
    )


def add(connection: Connection, session: StoredSession) -> None:
    """Insert a session."""
    connection.execute(insert(sessions), msgspec.structs.asdict(session))


def get(connection: Connection, token_hash: str) -> StoredSession | None:
    """Return a session, or None."""
    row = connection.execute(select(sessions).where(sessions.c.token_hash == token_hash)).one_or_none()
    return None if row is None else _session(row)


def find(connection: Connection, token_hash: str) -> tuple[StoredSession, Account] | None:
    """Return a session with its account, which is open, or None."""
    session = get(connection, token_hash)
    if session is None:
        return None
    row = connection.execute(
        select(accounts).where(accounts.c.id == session.account, accounts.c.active.is_(True))
    ).one_or_none()
    return None if row is None else (session, read_account(row))


def of_account(connection: Connection, account: AccountId) -> list[StoredSession]:
    """Return an account's sessions, the last used ones first."""
    statement = select(sessions).where(sessions.c.account == account)
    return [_session(row) for row in connection.execute(statement.order_by(sessions.c.used_at.desc(), sessions.c.id))]


def touch(connection: Connection, token_hash: str, used_at: int, agent: str, address: str) -> None:
    """Note that a session is in use, by whom and from where; empty texts leave what is known."""
    values: dict[str, Any] = {"used_at": used_at}
    values |= {name: value for name, value in (("agent", agent), ("address", address)) if value}
    connection.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(**values))


def end(connection: Connection, token_hash: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


def end_one(connection: Connection, account: AccountId, session: SessionId) -> str | None:
    """End the session of this name, if it is the account's; return its hash, None where there is none."""
    mine = (sessions.c.account == account) & (sessions.c.id == session)
    hashed = connection.scalar(select(sessions.c.token_hash).where(mine))
    connection.execute(delete(sessions).where(mine))
    return hashed


def end_others(connection: Connection, account: AccountId, but: str = "") -> list[str]:
    """End an account's sessions but the one with the hash `but`; return the hashes of those that ended."""
    others = (sessions.c.account == account) & (sessions.c.token_hash != but)
    ended = list(connection.scalars(select(sessions.c.token_hash).where(others)))
    connection.execute(delete(sessions).where(others))
    return ended


def drop(connection: Connection, unused_since: int) -> None:
    """Forget the sessions that were last used before `unused_since` (UTC milliseconds)."""
    connection.execute(delete(sessions).where(sessions.c.used_at < unused_since))
