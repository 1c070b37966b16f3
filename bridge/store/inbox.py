"""The inbox: what networks handed over and we acknowledged, until a room has taken it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, tuple_, update

from bridge.model.clock import now_ms
from bridge.model.events import Origin
from bridge.model.ids import NetworkId
from bridge.store.bulk import delete_rows, insert_rows
from bridge.store.tables import deliveries, events, inbox, links, seen, transactions
from bridge.store.upsert import insert_or_ignore

KEPT_TRANSACTIONS = 1_000
_STORED = ("network", "chat", "origin", "raw", "at")
_LAST_ID = select(func.max(inbox.c.id))
_NEWER = select(inbox.c.id, inbox.c.origin, inbox.c.chat).where(inbox.c.id > bindparam("top"))
_SAME_TRANSACTION = select(transactions.c.id).where(
    transactions.c.network == bindparam("network"),
    transactions.c.txn == bindparam("txn"),
    transactions.c.digest == bindparam("digest"),
)
_NEW_TRANSACTION = insert(transactions)


class InboxRow(msgspec.Struct, frozen=True):
    """One event as it came; `attempts` counts how often its processing began and was not finished."""

    id: int
    chat: str
    origin: str
    raw: bytes
    attempts: int = 0
    quarantined: str | None = None


class Arrival(msgspec.Struct, frozen=True):
    """An event to store: where it happened, its ID there, and its bytes."""

    chat: str
    origin: str
    raw: bytes


def _row(row: Row[Any]) -> InboxRow:
    return InboxRow(row.id, row.chat, row.origin, row.raw, row.attempts, row.quarantined)


def is_repeat(connection: Connection, network: NetworkId, txn: str, digest: str) -> bool:
    """Tell whether a transaction with this ID and these events was stored before."""
    found = connection.execute(_SAME_TRANSACTION, {"network": network, "txn": txn, "digest": digest})
    return found.first() is not None


def last_transaction(connection: Connection, network: NetworkId) -> str | None:
    """Return the ID of the last transaction that was stored, or None."""
    statement = select(transactions.c.txn).where(transactions.c.network == network)
    return connection.scalar(statement.order_by(transactions.c.id.desc()).limit(1))


def store_transaction(
    connection: Connection, network: NetworkId, txn: str, digest: str, arrivals: Sequence[Arrival]
) -> list[InboxRow]:
    """Store a transaction's events in order; return the rows that are new to the inbox."""
    made = connection.execute(
        _NEW_TRANSACTION, {"network": network, "txn": txn, "digest": digest, "at": now_ms()}
    )
    key = made.inserted_primary_key
    assert key is not None
    if key[0] % 100 == 0:
        connection.execute(delete(transactions).where(transactions.c.id <= key[0] - KEPT_TRANSACTIONS))
    return store(connection, network, arrivals)


def store(connection: Connection, network: NetworkId, arrivals: Sequence[Arrival]) -> list[InboxRow]:
    """Store events in order; one that waits here already is left where it is, one that got no number before
    (`seen`) is not decided twice."""
    if not arrivals:
        return []
    top = _last_id(connection)
    at = now_ms()
    rows = [(network, a.chat, a.origin, a.raw, at) for a in arrivals]
    stored = insert_rows(connection, inbox, _STORED, rows, ignore=True, unless_in=seen)
    if stored == len(arrivals) and connection.dialect.name == "sqlite":
        # All are new and nobody else can write in between: their numbers are the last ones, in a row.
        first = _last_id(connection) - stored + 1
        return [InboxRow(first + n, a.chat, a.origin, a.raw) for n, a in enumerate(arrivals)]
    new = connection.execute(_NEWER, {"top": top}).all()
    ids = {(row.chat, row.origin): row.id for row in new}
    return [
        InboxRow(ids[a.chat, a.origin], a.chat, a.origin, a.raw) for a in arrivals if (a.chat, a.origin) in ids
    ]


def _last_id(connection: Connection) -> int:
    return connection.scalar(_LAST_ID) or 0


def chats(connection: Connection, network: NetworkId) -> list[str]:
    """Return the chats for which something waits."""
    statement = select(inbox.c.chat).where(inbox.c.network == network, inbox.c.quarantined.is_(None)).distinct()
    return list(connection.scalars(statement))


def waiting(
    connection: Connection, network: NetworkId, chat: str, *, limit: int, after: int = 0
) -> list[InboxRow]:
    """Return the first rows of a chat that are not in quarantine, in order of arrival."""
    statement = (
        select(inbox)
        .where(inbox.c.network == network, inbox.c.chat == chat, inbox.c.quarantined.is_(None), inbox.c.id > after)
        .order_by(inbox.c.id)
        .limit(limit)
    )
    return [_row(row) for row in connection.execute(statement)]


def raise_attempts(connection: Connection, ids: Iterable[int]) -> None:
    """Note that the processing of these rows begins."""
    connection.execute(update(inbox).where(inbox.c.id.in_(list(ids))).values(attempts=inbox.c.attempts + 1))


def quarantine(connection: Connection, ids: Iterable[int], reason: str) -> None:
    """Set rows aside, so that they are not tried again by themselves."""
    connection.execute(update(inbox).where(inbox.c.id.in_(list(ids))).values(quarantined=reason))


def release(connection: Connection) -> int:
    """Let every row in quarantine be tried again; return how many there were."""
    done = connection.execute(
        update(inbox).where(inbox.c.quarantined.is_not(None)).values(quarantined=None, attempts=0)
    )
    return done.rowcount


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Delete rows that a room has taken."""
    delete_rows(connection, inbox, "id", ids)


def note_seen(connection: Connection, outcomes: Sequence[tuple[Origin, str, str]]) -> None:
    """Remember `(origin, outcome, reason)` of what got no number, so that it is not processed again."""
    at = now_ms()
    insert_or_ignore(
        connection,
        seen,
        [
            {
                "network": origin.network,
                "chat": origin.chat,
                "origin": origin.id,
                "outcome": outcome,
                "reason": reason,
                "at": at,
            }
            for origin, outcome, reason in outcomes
        ],
    )


def counts(connection: Connection) -> Mapping[str, int]:
    """Return how many rows wait and how many are in quarantine."""
    aside = func.count(inbox.c.quarantined)
    total, quarantined = connection.execute(select(func.count(), aside).select_from(inbox)).one()
    return {"waiting": total - quarantined, "quarantined": quarantined}


def known(
    connection: Connection, network: NetworkId, chat: str, origins: Sequence[str], *, before: int
) -> set[str]:
    """Return those of `origins` that the network had handed over before `before` (UTC ms): they are in the
    log, came back as an echo, were dropped, or still wait here. A send of ours that was answered but has not
    come back does not count: what happened before it may be missing."""
    wanted = list(origins)
    in_log = select(events.c.origin).where(
        events.c.network == network,
        events.c.chat == chat,
        events.c.origin.in_(wanted),
        events.c.stored_at < before,
    )
    dropped = select(seen.c.origin).where(
        seen.c.network == network, seen.c.chat == chat, seen.c.origin.in_(wanted), seen.c.at < before
    )
    echoed = (
        select(deliveries.c.remote_id)
        .join(links, links.c.id == deliveries.c.link)
        .where(
            links.c.network == network,
            links.c.chat == chat,
            deliveries.c.remote_id.in_(wanted),
            deliveries.c.echoed_at < before,
        )
    )
    waits = select(inbox.c.origin).where(
        inbox.c.network == network, inbox.c.chat == chat, inbox.c.origin.in_(wanted), inbox.c.at < before
    )
    found: set[str] = set()
    for statement in (in_log, dropped, echoed, waits):
        found.update(connection.scalars(statement))
    return found


def outcomes(connection: Connection, origins: Sequence[Origin]) -> dict[Origin, tuple[str, str]]:
    """Return what became of origins that got no number: `(outcome, reason)`."""
    keys = [(origin.network, origin.chat, origin.id) for origin in origins]
    column = tuple_(seen.c.network, seen.c.chat, seen.c.origin)
    rows = connection.execute(select(seen).where(column.in_(keys)))
    return {Origin(row.network, row.chat, row.origin): (row.outcome, row.reason) for row in rows}


def find(
    connection: Connection, reference: str
) -> tuple[list[tuple[NetworkId, InboxRow]], list[tuple[Origin, str, str]]]:
    """Return the inbox rows, and the outcomes of dropped events, that have the origin ID `reference`."""
    waiting_rows = connection.execute(select(inbox).where(inbox.c.origin == reference))
    rows = [(NetworkId(row.network), _row(row)) for row in waiting_rows]
    dropped = [
        (Origin(row.network, row.chat, row.origin), row.outcome, row.reason)
        for row in connection.execute(select(seen).where(seen.c.origin == reference))
    ]
    return rows, dropped


def close_gap(
    connection: Connection, network: NetworkId, chat: str, fetched: Sequence[Arrival], *, horizon: int
) -> None:
    """Put the fetched events of a gap in their place: after what had come before `horizon` (UTC ms), before
    and among what came since."""
    live = [row for row in _all_waiting(connection, network, chat) if row.at >= horizon]
    in_gap = {arrival.origin for arrival in fetched}
    remove(connection, [row.id for row in live])
    later = [Arrival(row.chat, row.origin, row.raw) for row in live if row.origin not in in_gap]
    store(connection, network, [*fetched, *later])


def _all_waiting(connection: Connection, network: NetworkId, chat: str) -> Sequence[Row[Any]]:
    statement = select(inbox).where(
        inbox.c.network == network, inbox.c.chat == chat, inbox.c.quarantined.is_(None)
    )
    return connection.execute(statement.order_by(inbox.c.id)).all()
