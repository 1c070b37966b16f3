"""The search: lines that contain words, newest first, a page at a time.

What the index says is held against the log: a line that was edited since must still say what is looked for, one that
was removed is never shown, and none is shown from before the first number that may be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal_column, select, text

from bridge.model.events import Entry, Said
from bridge.model.search import Asked, Found
from bridge.store import log
from bridge.store.indexing import LINK_MARK, ROOM_MARK, WHO_MARK
from bridge.store.tables import events, searchable

MARKED_ROOMS = 100
"""In so many rooms a search looks by their marks; in more it looks everywhere and leaves out what is elsewhere."""
LOOKED_AT = 2_000
"""So many rows are held against the log for one page at most; then it is shorter, and says where to go on."""


def find(connection: Connection, asked: Asked, limit: int, says: Callable[[str], bool]) -> Found:
    """Return up to `limit` lines that contain all that is asked for, and may be read; `says` tells whether a line that
    was edited still does as it reads now."""
    if not asked.rooms or not asked.parts:
        return Found([])
    hits: list[Entry] = []
    below, looked_at = asked.below, 0
    while looked_at < LOOKED_AT:
        # One more than is wanted tells whether there is another page.
        wanted = limit + 1 - len(hits)
        rows = connection.execute(_statement(connection, asked, below).limit(wanted)).all()
        for row in rows:
            entry = log.as_entry(row)
            if _counts(entry, asked, says):
                if len(hits) == limit:
                    return Found(hits, next=below)
                hits.append(entry)
            below = row.row
        if len(rows) < wanted:
            return Found(hits)
        looked_at += len(rows)
    return Found(hits, next=below)


def _counts(entry: Entry, asked: Asked, says: Callable[[str], bool]) -> bool:
    """Tell whether a hit may be read, and says what is asked for as it reads now."""
    if entry.seq < asked.rooms[entry.event.room] or not isinstance(entry.present, Said):
        return False
    return entry.version == 0 or says(entry.present.text)


def _statement(connection: Connection, asked: Asked, below: int | None) -> Select[Any]:
    postgresql = connection.dialect.name == "postgresql"
    row: ColumnElement[int] = literal_column("fulltext.id" if postgresql else "fulltext.rowid")
    matched = "fulltext.words @@ CAST(:asked AS tsquery)" if postgresql else "fulltext MATCH :asked"
    statement = (
        select(row.label("row"), events)
        .select_from(text("fulltext"))
        .join(searchable, searchable.c.id == row)
        .join(events, (events.c.room == searchable.c.room) & (events.c.seq == searchable.c.seq))
        .where(text(matched).bindparams(asked=_tsquery(asked) if postgresql else _match(asked)))
        .where(events.c.removed_at.is_(None))
        .order_by(row.desc())
    )
    if below is not None:
        statement = statement.where(row < below)
    if asked.who is not None:
        statement = statement.where(events.c.who == asked.who)
    if len(asked.rooms) > MARKED_ROOMS:
        statement = statement.where(searchable.c.room.in_(asked.rooms))
    elif len(asked.rooms) == 1:
        # The only room: what may not be read of it is not even looked at.
        statement = statement.where(searchable.c.seq >= next(iter(asked.rooms.values())))
    return statement


def _marks(asked: Asked) -> list[str]:
    return [*([WHO_MARK + asked.who] if asked.who is not None else []), *([LINK_MARK] if asked.link else [])]


def _room_marks(asked: Asked) -> list[str]:
    return [ROOM_MARK + room for room in asked.rooms] if len(asked.rooms) <= MARKED_ROOMS else []


def _match(asked: Asked) -> str:
    """Return an expression of FTS5; no word or mark holds a quote."""
    terms = [f'"{mark}"' for mark in _marks(asked)]
    if rooms := _room_marks(asked):
        terms.append("(" + " OR ".join(f'"{mark}"' for mark in rooms) + ")")
    terms += [f'"{" ".join(part.words)}"' + (" *" if part.prefix else "") for part in asked.parts]
    return " AND ".join(terms)


def _tsquery(asked: Asked) -> str:
    """Return a `tsquery` as PostgreSQL writes it; no word or mark holds a quote or a backslash."""
    terms = [f"'{mark}'" for mark in _marks(asked)]
    if rooms := _room_marks(asked):
        terms.append("(" + " | ".join(f"'{mark}'" for mark in rooms) + ")")
    for part in asked.parts:
        terms.append("(" + " <-> ".join(f"'{word}'" for word in part.words) + (":*" if part.prefix else "") + ")")
    return " & ".join(terms)
