"""Deliveries: the durable outbox of every link, and the record of what became of each part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, or_, select, update

from bridge.model.clock import now_ms
from bridge.model.deliveries import PENDING, Delivery, DeliveryKey, DeliveryState
from bridge.model.ids import LinkId, RoomId
from bridge.store.bulk import insert_rows
from bridge.store.tables import deliveries, links

_ADDED = ("link", "seq", "part", "room", "state", "reason", "updated_at")


_MARK = (
    update(deliveries)
    .where(
        deliveries.c.link == bindparam("of_link"),
        deliveries.c.seq == bindparam("of_seq"),
        deliveries.c.part == bindparam("of_part"),
        or_(*(deliveries.c.state == state for state in PENDING)),
    )
    .values(state="sending", version=bindparam("marked"), first_try=bindparam("now"), updated_at=bindparam("now"))
)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        key=DeliveryKey(link=row.link, room=row.room, seq=row.seq, part=row.part),
        state=row.state,
        reason=row.reason,
        remote_id=row.remote_id,
        version=row.version,
        attempts=row.attempts,
        first_try=row.first_try,
        updated_at=row.updated_at,
    )


def _is(key: DeliveryKey) -> Any:
    return (deliveries.c.link == key.link) & (deliveries.c.seq == key.seq) & (deliveries.c.part == key.part)


def add(
    connection: Connection, keys: Iterable[DeliveryKey], *, state: DeliveryState = "waiting", reason: str = ""
) -> None:
    """Insert deliveries in their first state."""
    at = now_ms()
    rows = [(key.link, key.seq, key.part, key.room, state, reason, at) for key in keys]
    insert_rows(connection, deliveries, _ADDED, rows)


def pending(connection: Connection, link: LinkId, *, limit: int) -> list[Delivery]:
    """Return the first deliveries of a link that are not ended, in order."""
    statement = (
        select(deliveries)
        .where(deliveries.c.link == link, deliveries.c.state.in_(PENDING))
        .order_by(deliveries.c.seq, deliveries.c.part)
        .limit(limit)
    )
    return [_delivery(row) for row in connection.execute(statement)]


def parts(connection: Connection, link: LinkId, seq: int) -> list[Delivery]:
    """Return every part of one event on one link, in order."""
    statement = (
        select(deliveries)
        .where(deliveries.c.link == link, deliveries.c.seq == seq)
        .order_by(deliveries.c.part)
    )
    return [_delivery(row) for row in connection.execute(statement)]


def mark_sending(connection: Connection, versions: Mapping[DeliveryKey, int], first_try: int) -> None:
    """Note, before their requests leave, which versions are on their way since when."""
    connection.execute(
        _MARK,
        [
            {"of_link": key.link, "of_seq": key.seq, "of_part": key.part, "marked": version, "now": first_try}
            for key, version in versions.items()
        ],
    )


def set_back(connection: Connection, keys: Iterable[DeliveryKey]) -> None:
    """Note that no request of these has left although they were marked as sending."""
    for key in keys:
        connection.execute(
            update(deliveries)
            .where(_is(key), deliveries.c.state == "sending")
            .values(state="waiting", first_try=None, updated_at=now_ms())
        )


def settle(
    connection: Connection,
    key: DeliveryKey,
    state: DeliveryState,
    *,
    reason: str = "",
    remote_id: str | None = None,
    version: int | None = None,
) -> None:
    """End a delivery, or set it back to waiting; a remote ID that is known is kept."""
    values: dict[str, Any] = {"state": state, "reason": reason, "updated_at": now_ms()}
    if remote_id is not None:
        values["remote_id"] = remote_id
    if version is not None:
        values["version"] = version
    connection.execute(update(deliveries).where(_is(key)).values(**values))


def bar(connection: Connection, link: LinkId, reason: str) -> None:
    """End everything that waits on a link to which nothing may be written any more."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.link == link, deliveries.c.state.in_(PENDING))
        .values(state="skipped", reason=reason, updated_at=now_ms())
    )


def note_attempt(connection: Connection, key: DeliveryKey, reason: str) -> None:
    """Count a try that failed for now, and keep why."""
    connection.execute(
        update(deliveries)
        .where(_is(key), deliveries.c.state.in_(PENDING))
        .values(attempts=deliveries.c.attempts + 1, reason=reason, updated_at=now_ms())
    )


def bind(connection: Connection, key: DeliveryKey, remote_id: str, version: int) -> bool:
    """Take the echo's word that a delivery arrived; return whether there is such a delivery."""
    at = now_ms()
    known = connection.execute(
        select(deliveries.c.remote_id, deliveries.c.state).where(_is(key))
    ).one_or_none()
    if known is None or known.remote_id not in (None, remote_id):
        return False
    values: dict[str, Any] = {"remote_id": remote_id, "echoed_at": at, "updated_at": at}
    if known.state != "sent":
        values |= {"state": "sent", "reason": "", "version": version}
    connection.execute(update(deliveries).where(_is(key)).values(**values))
    return True


def of_page(connection: Connection, room: RoomId, first: int, last: int) -> dict[int, list[Delivery]]:
    """Return the deliveries of the events `first` to `last`, by number."""
    statement = select(deliveries).where(
        deliveries.c.room == room, deliveries.c.seq >= first, deliveries.c.seq <= last
    )
    found: dict[int, list[Delivery]] = {}
    for row in connection.execute(statement.order_by(deliveries.c.seq, deliveries.c.link, deliveries.c.part)):
        found.setdefault(row.seq, []).append(_delivery(row))
    return found


def of_events(connection: Connection, room: RoomId, numbers: Sequence[int]) -> dict[int, list[Delivery]]:
    """Return the deliveries of the events with these numbers, by number."""
    statement = select(deliveries).where(deliveries.c.room == room, deliveries.c.seq.in_(list(numbers)))
    found: dict[int, list[Delivery]] = {}
    for row in connection.execute(statement.order_by(deliveries.c.seq, deliveries.c.link, deliveries.c.part)):
        found.setdefault(row.seq, []).append(_delivery(row))
    return found


def by_remote(connection: Connection, link: LinkId, remote_ids: Sequence[str]) -> list[Delivery]:
    """Return the deliveries that a network calls by these IDs."""
    statement = select(deliveries).where(deliveries.c.link == link, deliveries.c.remote_id.in_(list(remote_ids)))
    return [_delivery(row) for row in connection.execute(statement)]


def by_any_remote(connection: Connection, remote_id: str) -> list[Delivery]:
    """Return the deliveries that any network calls by this ID."""
    statement = select(deliveries).where(deliveries.c.remote_id == remote_id).limit(20)
    return [_delivery(row) for row in connection.execute(statement)]


def rooms_with_pending(connection: Connection) -> list[RoomId]:
    """Return the rooms in which something waits to be delivered."""
    statement = select(deliveries.c.room).where(deliveries.c.state.in_(PENDING)).distinct()
    return [RoomId(room) for room in connection.scalars(statement)]


def counts(connection: Connection) -> Mapping[tuple[str, str], int]:
    """Return how many deliveries there are by (network, state)."""
    statement = (
        select(links.c.network, deliveries.c.state, func.count())
        .join(links, links.c.id == deliveries.c.link)
        .group_by(links.c.network, deliveries.c.state)
    )
    return {(network, state): number for network, state, number in connection.execute(statement)}


def dead(connection: Connection, room: RoomId | None = None, *, limit: int = 500) -> list[Delivery]:
    """Return the dead letters, oldest first."""
    statement = select(deliveries).where(deliveries.c.state == "dead")
    if room is not None:
        statement = statement.where(deliveries.c.room == room)
    order = (deliveries.c.room, deliveries.c.seq, deliveries.c.part)
    return [_delivery(row) for row in connection.execute(statement.order_by(*order).limit(limit))]


def revive(connection: Connection, key: DeliveryKey) -> bool:
    """Put a dead letter back into its lane; return whether it was one."""
    done = connection.execute(
        update(deliveries)
        .where(_is(key), deliveries.c.state == "dead")
        .values(state="waiting", reason="", attempts=0, first_try=None, updated_at=now_ms())
    )
    return bool(done.rowcount)


def give_up(connection: Connection, key: DeliveryKey) -> bool:
    """Drop a dead letter for good: it stays in the record as skipped; return whether it was one."""
    done = connection.execute(
        update(deliveries)
        .where(_is(key), deliveries.c.state == "dead")
        .values(state="skipped", reason="dropped by the operator", updated_at=now_ms())
    )
    return bool(done.rowcount)
