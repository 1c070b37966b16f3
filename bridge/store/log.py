"""The log of a room: appending, folding edits and removals in, reading pages, finding events by origin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from bridge.model.clock import now_ms
from bridge.model.errors import RialtoError
from bridge.model.events import (
    FOLDED,
    Content,
    Edited,
    Entry,
    Event,
    Origin,
    Removed,
    Said,
    decode_content,
    encode_content,
)
from bridge.model.ids import WEB, EventId, PersonId, RoomId
from bridge.store.bulk import insert_rows
from bridge.store.tables import events

_APPENDED = (
    *("room", "seq", "id", "kind", "who", "at", "stored_at"),
    *("network", "chat", "origin", "hops", "target", "content", "version"),
)


class OriginConflict(RialtoError):
    """An event of the batch is in the log already."""

    code = "origin_conflict"


def append(connection: Connection, entries: Sequence[tuple[Event, int, int | None]]) -> None:
    """Insert `(event, seq, seq of its target or None)`; raise `OriginConflict` where an origin is known."""
    stored_at = now_ms()
    rows = [
        (
            event.room,
            seq,
            event.id,
            event.kind,
            event.who,
            event.at,
            stored_at,
            event.origin.network,
            event.origin.chat,
            event.origin.id,
            event.hops,
            target,
            encode_content(event.content),
            0,
        )
        for event, seq, target in entries
    ]
    try:
        insert_rows(connection, events, _APPENDED, rows)
    except IntegrityError as error:
        raise OriginConflict("an event of the batch is in the log already") from error


def fold_edit(connection: Connection, room: RoomId, target: int, edit: Edited, at: int) -> None:
    """Let the target show the new wording."""
    present = encode_content(Said(text=edit.text, html=edit.html, style=edit.style))
    connection.execute(
        update(events)
        .where(events.c.room == room, events.c.seq == target, events.c.removed_at.is_(None))
        .values(present=present, version=events.c.version + 1, edited_at=at)
    )


def fold_removal(connection: Connection, room: RoomId, target: int, at: int) -> None:
    """Erase the target's content and that of its edits; the numbers stay."""
    connection.execute(
        update(events)
        .where(events.c.room == room, events.c.seq == target)
        .values(content=None, present=None, removed_at=at)
    )
    connection.execute(
        update(events)
        .where(events.c.room == room, events.c.target == target, events.c.kind == "edited")
        .values(content=None, removed_at=at)
    )


def _entry(row: Row[Any]) -> Entry:
    original = decode_content(row.content) if row.content is not None else None
    present: Content | None = decode_content(row.present) if row.present is not None else original
    event = Event(
        id=row.id,
        room=row.room,
        who=row.who,
        at=row.at,
        origin=Origin(row.network, row.chat, row.origin),
        content=original if original is not None else Removed(target=row.id),
        hops=row.hops,
    )
    return Entry(
        seq=row.seq,
        event=event,
        present=present,
        version=row.version,
        edited_at=row.edited_at,
        removed_at=row.removed_at,
        erased=row.kind if original is None else "",
    )


def as_entry(row: Row[Any]) -> Entry:
    """Return the entry of a row that some statement has selected with all columns of `events`."""
    return _entry(row)


def page(
    connection: Connection,
    room: RoomId,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
    raw: bool = False,
    first: int = 1,
) -> list[Entry]:
    """Return up to `limit` entries in rising `seq` between the exclusive bounds: the first ones after
    `after` where it is given, else the last ones. Folded unless `raw`; none with a number below `first`, and no
    edit or removal of such a line."""
    statement = select(events).where(events.c.room == room)
    if first > 1:
        statement = statement.where(events.c.seq >= first)
        if raw:
            statement = statement.where(events.c.target.is_(None) | (events.c.target >= first))
    if before is not None:
        statement = statement.where(events.c.seq < before)
    if after is not None:
        statement = statement.where(events.c.seq > after)
    if not raw:
        statement = statement.where(events.c.kind.not_in(FOLDED))
    order = events.c.seq.asc() if after is not None else events.c.seq.desc()
    rows = connection.execute(statement.order_by(order).limit(limit)).all()
    entries = [_entry(row) for row in rows]
    return entries if after is not None else entries[::-1]


def entry(connection: Connection, room: RoomId, seq: int) -> Entry | None:
    """Return one entry, or None."""
    row = connection.execute(select(events).where(events.c.room == room, events.c.seq == seq)).one_or_none()
    return None if row is None else _entry(row)


def entries(connection: Connection, room: RoomId, numbers: Iterable[int]) -> dict[int, Entry]:
    """Return the entries with these numbers."""
    statement = select(events).where(events.c.room == room, events.c.seq.in_(list(numbers)))
    return {row.seq: _entry(row) for row in connection.execute(statement)}


def by_id(connection: Connection, event: EventId) -> Entry | None:
    """Return the entry of an event, or None."""
    row = connection.execute(select(events).where(events.c.id == event)).one_or_none()
    return None if row is None else _entry(row)


def shown_as(connection: Connection, room: RoomId, event: EventId) -> int | None:
    """Return the number of the entry of a folded page in which an event of `room` is shown: of an edit or a removal it
    is that of its target. None where there is no such event."""
    row = connection.execute(
        select(events.c.seq, events.c.kind, events.c.target).where(events.c.room == room, events.c.id == event)
    ).one_or_none()
    if row is None:
        return None
    return int(row.target if row.kind in FOLDED else row.seq)


def by_ids(connection: Connection, room: RoomId, wanted: Iterable[EventId]) -> list[Entry]:
    """Return those entries of `room` that have one of these IDs."""
    statement = select(events).where(events.c.room == room, events.c.id.in_(list(wanted)))
    return [_entry(row) for row in connection.execute(statement)]


def by_origins(connection: Connection, origins: Iterable[Origin]) -> list[Entry]:
    """Return the entries that came from these origins."""
    keys = [(origin.network, origin.chat, origin.id) for origin in origins]
    if not keys:
        return []
    column = tuple_(events.c.network, events.c.chat, events.c.origin)
    return [_entry(row) for row in connection.execute(select(events).where(column.in_(keys)))]


def wording_at(connection: Connection, room: RoomId, seq: int, version: int) -> Content | None:
    """Return a line as it was after `version` edits, or None where that is erased."""
    if version == 0:
        row = connection.execute(
            select(events.c.content).where(events.c.room == room, events.c.seq == seq)
        ).one_or_none()
    else:
        row = connection.execute(
            select(events.c.content)
            .where(events.c.room == room, events.c.target == seq, events.c.kind == "edited")
            .order_by(events.c.seq)
            .offset(version - 1)
            .limit(1)
        ).one_or_none()
    return None if row is None or row.content is None else decode_content(row.content)


def edits_before(connection: Connection, room: RoomId, target: int, seq: int) -> list[Entry]:
    """Return the edits of a line that have a lower number than `seq`, in order."""
    statement = (
        select(events)
        .where(events.c.room == room, events.c.target == target, events.c.kind == "edited", events.c.seq < seq)
        .order_by(events.c.seq)
    )
    return [_entry(row) for row in connection.execute(statement)]


def version_of_edit(connection: Connection, room: RoomId, target: int, seq: int) -> int:
    """Return which version of its target the edit `seq` made: 1 for the first edit."""
    statement = select(events.c.seq).where(
        events.c.room == room, events.c.target == target, events.c.kind == "edited", events.c.seq <= seq
    )
    return len(connection.execute(statement).all())


def first_since(connection: Connection, room: RoomId, last: int, at: int) -> int:
    """Return the first number of a log of `last` entries that was stored at `at` (UTC milliseconds) or later; the one
    after the last where there is none. Numbers have no gaps and are stored in order, so a few looks are enough."""
    low, high = 1, last + 1
    while low < high:
        middle = (low + high) // 2
        stored_at = connection.scalar(
            select(events.c.stored_at).where(events.c.room == room, events.c.seq == middle)
        )
        if stored_at is not None and stored_at < at:
            low = middle + 1
        else:
            high = middle
    return low


def spoke_since(connection: Connection, room: RoomId, at: int) -> dict[PersonId, int]:
    """Return when each person of the page wrote last in a room (UTC milliseconds), as far as that was after `at`."""
    last = connection.scalar(select(func.max(events.c.seq)).where(events.c.room == room)) or 0
    statement = (
        select(events.c.who, func.max(events.c.at))
        .where(events.c.room == room, events.c.seq >= first_since(connection, room, last, at))
        .where(events.c.kind == "said", events.c.network == WEB)
        .group_by(events.c.who)
    )
    return {PersonId(who): int(newest) for who, newest in connection.execute(statement)}


ERASE_AT_ONCE = 500


def erase(connection: Connection, room: RoomId, after: int) -> int | None:
    """Erase the content of some events with numbers above `after`, oldest first; the numbers stay. Return the last
    number that was looked at, or None where there was nothing more."""
    numbers = list(
        connection.scalars(
            select(events.c.seq)
            .where(events.c.room == room, events.c.seq > after)
            .order_by(events.c.seq)
            .limit(ERASE_AT_ONCE)
        )
    )
    if not numbers:
        return None
    connection.execute(
        update(events)
        .where(events.c.room == room, events.c.seq > after, events.c.seq <= numbers[-1])
        .values(content=None, present=None, removed_at=func.coalesce(events.c.removed_at, events.c.at))
    )
    return int(numbers[-1])


def search_reference(connection: Connection, reference: str) -> list[Entry]:
    """Return the entries that an operator may mean by `reference`: an event ID of ours or of a network."""
    statement = select(events).where(or_(events.c.id == reference, events.c.origin == reference)).limit(20)
    return [_entry(row) for row in connection.execute(statement)]
