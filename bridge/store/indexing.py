"""The full-text index from its writing side: which lines wait for it, putting them in, taking them out.

A line's row has an ID that rises with the time at which the line was stored: both databases then find the newest
lines first without sorting, and a page of hits ends at an ID. Its words are cut by `text.words`; before them stand
marks for its room, its author and whether it has a link, so that a search within them reads nothing else.

The writing thread of SQLite gives the interpreter away between two statements, and under load gets it back late. So
`write` needs the same few statements for however many lines and rooms; all that can be done before is done in `read`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from zlib import crc32

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Row,
    Select,
    Text,
    TextClause,
    bindparam,
    delete,
    func,
    select,
    text,
)

from bridge.model.events import Said, decode_content
from bridge.model.ids import PersonId, RoomId
from bridge.model.search import has_link
from bridge.store.tables import events, indexed, rooms, searchable
from bridge.store.upsert import insert_or_update

TIE_BITS: Final = 21
"""The lower part of an ID keeps apart the lines of one millisecond."""
ENOUGH_CHARS = 100_000
"""What has so many characters is a batch, however few lines it is."""

# Private-use characters: to the databases letters, and never part of a word of a line.
ROOM_MARK: Final = "\ue000"
WHO_MARK: Final = "\ue001"
LINK_MARK: Final = "\ue002"

_SQLITE_NEW = """
    SELECT json_extract(n.value, '$[0]') AS id, e.room, e.seq, json_extract(n.value, '$[4]') AS words
    FROM json_each(:new) AS n
    JOIN events AS e ON e.room = json_extract(n.value, '$[1]') AND e.seq = json_extract(n.value, '$[2]')
    WHERE e.version = json_extract(n.value, '$[3]') AND e.removed_at IS NULL
"""
_POSTGRESQL_NEW = """
    SELECT n.id, e.room, e.seq, CAST(n.words AS tsvector) AS words
    FROM unnest(:ids, :rooms, :seqs, :versions, :words) AS n (id, room, seq, version, words)
    JOIN events AS e ON e.room = n.room AND e.seq = n.seq
    WHERE e.version = n.version AND e.removed_at IS NULL
"""
"""The lines that are to be written and still read as they were read: what was edited or removed meanwhile is left out,
for the event that did it comes later in the log."""

_BIG: ARRAY[Any] = ARRAY(BigInteger)
_TEXT: ARRAY[Any] = ARRAY(Text)
_TYPES = {"ids": _BIG, "rooms": _TEXT, "seqs": _BIG, "versions": _BIG, "words": _TEXT}


def _statements(new: str, row: str, out: str, types: dict[str, ARRAY[Any]]) -> tuple[TextClause, ...]:
    """Return what takes the old words of lines out, and puts lines and their words in."""
    typed = [bindparam(name, type_=type_) for name, type_ in types.items()]
    return (
        text(f"DELETE FROM fulltext WHERE {row} {out}").bindparams(*(p for p in typed if p.key == "ids")),
        text(
            f"INSERT INTO searchable (id, room, seq) SELECT id, room, seq FROM ({new}) AS s WHERE true "
            "ON CONFLICT DO NOTHING"
        ).bindparams(*typed),
        text(f"INSERT INTO fulltext ({row}, words) SELECT id, words FROM ({new}) AS s ORDER BY id").bindparams(*typed),
    )


_SQLITE = _statements(_SQLITE_NEW, "rowid", "IN (SELECT value FROM json_each(:ids))", {})
_POSTGRESQL = _statements(_POSTGRESQL_NEW, "id", "= ANY(:ids)", _TYPES)


class Line(msgspec.Struct, frozen=True):
    """A line that waits for the index as it read when it was looked at; `id` is its row's, which is there already
    where `known`."""

    room: RoomId
    seq: int
    who: PersonId
    version: int
    text: str
    id: int
    known: bool = False


class Portion(msgspec.Struct, frozen=True):
    """A part of a room's log that waits for the index: the number up to which it goes, how many entries of the log it
    is, their lines, and whether more comes after it."""

    room: RoomId
    upto: int
    entries: int
    lines: list[Line] = []
    more: bool = False


def first_id(at: int) -> int:
    """Return the lowest ID that a line stored at this time (UTC milliseconds) may have."""
    return at << TIE_BITS


def behind(connection: Connection, limit: int) -> list[RoomId]:
    """Return rooms whose log goes further than the index."""
    statement = (
        select(rooms.c.id)
        .outerjoin(indexed, indexed.c.room == rooms.c.id)
        .where(rooms.c.last_seq > func.coalesce(indexed.c.seq, 0))
        .limit(limit)
    )
    return [RoomId(room) for room in connection.scalars(statement)]


def waiting(connection: Connection) -> int:
    """Return how many entries of all logs the index has not looked at yet."""
    statement = select(func.sum(rooms.c.last_seq - func.coalesce(indexed.c.seq, 0))).select_from(
        rooms.outerjoin(indexed, indexed.c.room == rooms.c.id)
    )
    return int(connection.scalar(statement) or 0)


def read(connection: Connection, room: RoomId, limit: int, given: set[int]) -> Portion:
    """Return what comes next in a room's log, up to `limit` entries: new lines, and the targets of new edits.

    `given` are the IDs that other portions of the same bite have got; those of this one are added.
    """
    start = connection.scalar(select(indexed.c.seq).where(indexed.c.room == room)) or 0
    place = connection.execute(select(rooms.c.last_seq, rooms.c.deleted_at).where(rooms.c.id == room)).one()
    if place.deleted_at is not None:
        # Nobody will ever look for anything there.
        return Portion(room, place.last_seq, place.last_seq - start)
    fresh = _rows(connection, events.c.room == room, events.c.seq > start, limit=limit)
    kept = _bounded(fresh)
    upto = kept[-1].seq if kept else start
    edited = {row.target for row in kept if row.kind == "edited" and row.target <= start}
    targets = _rows(connection, events.c.room == room, events.c.seq.in_(edited)) if edited else []
    lines = _numbered(connection, room, [row for row in (*targets, *kept) if _is_line(row)], given)
    return Portion(room, upto, len(kept), lines, more=len(kept) < len(fresh) or len(fresh) == limit)


def write(connection: Connection, portions: Sequence[Portion], cut: Sequence[Sequence[str]]) -> None:
    """Put the lines of all portions into the index, `cut` being the words of each in order, and note how far it goes
    now. A line that was edited or removed meanwhile is left out."""
    lines = [line for portion in portions for line in portion.lines]
    _unwrite(connection, [line.id for line in lines if line.known])
    if lines:
        _write(connection, [(line, found) for line, found in zip(lines, cut, strict=True)])
    insert_or_update(
        connection,
        indexed,
        [{"room": portion.room, "seq": portion.upto} for portion in portions if portion.entries],
        update=("seq",),
    )


def drop(connection: Connection, room: RoomId, numbers: Iterable[int]) -> None:
    """Take lines of a room out of the index; one that is not there is no matter."""
    statement = select(searchable.c.id).where(searchable.c.room == room, searchable.c.seq.in_(list(numbers)))
    found = list(connection.scalars(statement))
    if found:
        _unwrite(connection, found)
        connection.execute(delete(searchable).where(searchable.c.id.in_(found)))


def _rows(connection: Connection, *where: Any, limit: int | None = None) -> list[Row[Any]]:
    columns = (
        *(events.c.seq, events.c.kind, events.c.who, events.c.target, events.c.stored_at, events.c.version),
        *(events.c.removed_at, func.coalesce(events.c.present, events.c.content).label("content")),
    )
    statement: Select[Any] = select(*columns).where(*where).order_by(events.c.seq).limit(limit)
    return list(connection.execute(statement))


def _bounded(rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Return the first rows, as many as have enough characters; at least one."""
    chars = 0
    for index, row in enumerate(rows):
        chars += len(row.content or "")
        if chars > ENOUGH_CHARS:
            return rows[: index + 1]
    return rows


def _is_line(row: Row[Any]) -> bool:
    return row.kind == "said" and row.removed_at is None and row.content is not None


def _numbered(connection: Connection, room: RoomId, rows: Sequence[Row[Any]], given: set[int]) -> list[Line]:
    """Give each line its row's ID, or a free one: those of one room in their order, those of other rooms apart."""
    salt = crc32(room.encode()) & 2047
    statement = select(searchable.c.seq, searchable.c.id).where(
        searchable.c.room == room, searchable.c.seq.in_([row.seq for row in rows])
    )
    known = {row.seq: row.id for row in connection.execute(statement)}
    wished = [first_id(row.stored_at) | (row.seq & 1023) << 11 | salt for row in rows]
    taken = _taken(connection, wished) | given
    lines: list[Line] = []
    for row, number in zip(rows, wished, strict=True):
        said = decode_content(row.content)
        assert isinstance(said, Said)
        if (at := known.get(row.seq)) is None:
            at = number
            while at in taken:
                at += 1
                taken |= _taken(connection, [at])
            taken.add(at)
            given.add(at)
        lines.append(Line(room, row.seq, row.who, row.version, said.text, at, known=row.seq in known))
    return lines


def _taken(connection: Connection, numbers: Sequence[int]) -> set[int]:
    return set(connection.scalars(select(searchable.c.id).where(searchable.c.id.in_(numbers))))


def _marks(line: Line) -> list[str]:
    return [ROOM_MARK + line.room, WHO_MARK + line.who, *([LINK_MARK] if has_link(line.text) else [])]


def _write(connection: Connection, lines: Sequence[tuple[Line, Sequence[str]]]) -> None:
    if connection.dialect.name == "postgresql":
        new: dict[str, Any] = {
            "ids": [line.id for line, _ in lines],
            "rooms": [line.room for line, _ in lines],
            "seqs": [line.seq for line, _ in lines],
            "versions": [line.version for line, _ in lines],
            "words": [_vector(_marks(line), found) for line, found in lines],
        }
        _, put, put_words = _POSTGRESQL
    else:
        rows = [
            (line.id, line.room, line.seq, line.version, " ".join((*_marks(line), *found))) for line, found in lines
        ]
        new = {"new": msgspec.json.encode(rows).decode()}
        _, put, put_words = _SQLITE
    connection.execute(put, new)
    connection.execute(put_words, new)


def _unwrite(connection: Connection, numbers: Sequence[int]) -> None:
    if not numbers:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(_POSTGRESQL[0], {"ids": list(numbers)})
    else:
        connection.execute(_SQLITE[0], {"ids": msgspec.json.encode(numbers).decode()})


def _vector(marks: Sequence[str], found: Sequence[str]) -> str:
    """Return a `tsvector` as PostgreSQL writes it: each word with its places. No word holds a quote."""
    return " ".join((*(f"'{mark}'" for mark in marks), *(f"'{word}':{at}" for at, word in enumerate(found, 1))))
