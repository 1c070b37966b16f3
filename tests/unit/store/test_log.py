"""The log: pages, folding, versions, and what an origin conflict leaves."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from bridge.model.events import Edited, Joined, Origin, Removed, Said
from bridge.model.ids import MATRIX, WEB, EventId
from bridge.store import log
from bridge.store.database import Database
from bridge.store.log import OriginConflict
from tests.unit.store.rows import OTHER, ROOM, event, fill, furnish, lines


@pytest.fixture(autouse=True)
async def furnished(db: Database) -> None:
    await furnish(db)


async def numbers(db: Database, **bounds: Any) -> list[int]:
    return [entry.seq for entry in await db.read(lambda c: log.page(c, ROOM, **bounds))]


@pytest.mark.parametrize(
    ("bounds", "wanted"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"limit": 3}, [6, 7, 8]),
        ({"before": 4}, [1, 2, 3]),
        ({"before": 4, "limit": 2}, [2, 3]),
        ({"before": 1}, []),
        ({"before": 99, "limit": 1}, [8]),
        ({"after": 5}, [6, 7, 8]),
        ({"after": 5, "limit": 2}, [6, 7]),
        ({"after": 8}, []),
        ({"after": 0, "limit": 1}, [1]),
        ({"after": 2, "before": 6}, [3, 4, 5]),
        ({"after": 2, "before": 6, "limit": 2}, [3, 4]),
        ({"after": 5, "before": 6}, []),
    ],
)
async def test_pages(db: Database, bounds: dict[str, int], wanted: list[int]) -> None:
    await lines(db, 8)
    await lines(db, 3, room=OTHER)
    assert await numbers(db, **bounds) == wanted


async def talk(db: Database) -> None:
    """A line, two edits of it, another line, and its removal."""
    await fill(
        db,
        (event(1, Said("one")), 1, None),
        (event(2, Edited(EventId("e1"), "two", style="emote")), 2, 1),
        (event(3, Said("other")), 3, None),
        (event(4, Edited(EventId("e1"), "three")), 4, 1),
        (event(5, Removed(EventId("e3"))), 5, 3),
    )

    def fold(connection: Connection) -> None:
        log.fold_edit(connection, ROOM, 1, Edited(EventId("e1"), "two", style="emote"), 20)
        log.fold_edit(connection, ROOM, 1, Edited(EventId("e1"), "three"), 40)
        log.fold_removal(connection, ROOM, 3, 50)

    await db.write(fold)


async def test_a_folded_page_shows_what_is_and_a_raw_one_what_happened(db: Database) -> None:
    await talk(db)
    assert await numbers(db) == [1, 3]
    assert await numbers(db, limit=2, after=1, raw=True) == [2, 3]
    assert await numbers(db, raw=True) == [1, 2, 3, 4, 5]
    line, other = await db.read(lambda c: log.page(c, ROOM))
    assert (line.present, line.version, line.edited_at) == (Said("three"), 2, 40)
    assert line.event.content == Said("one")
    assert (other.present, other.removed_at, other.erased) == (None, 50, "said")


async def test_a_page_is_empty_only_where_nothing_follows(db: Database) -> None:
    """Edits between two lines take no place of a folded page."""
    await fill(db, (event(1), 1, None))
    await fill(db, *((event(seq, Edited(EventId("e1"), "x")), seq, 1) for seq in range(2, 60)))
    await fill(db, (event(60), 60, None))
    assert await numbers(db, after=1, limit=1) == [60]
    assert await numbers(db, before=60, limit=1) == [1]


async def test_versions_of_a_line(db: Database) -> None:
    await talk(db)
    contents = [await db.read(partial(log.wording_at, room=ROOM, seq=1, version=version)) for version in range(4)]
    assert contents[0] == Said("one")
    assert contents[1] == Edited(EventId("e1"), "two", style="emote")
    assert contents[2] == Edited(EventId("e1"), "three")
    assert contents[3] is None
    made = [await db.read(partial(log.version_of_edit, room=ROOM, target=1, seq=seq)) for seq in (2, 4)]
    assert made == [1, 2]
    earlier = [await db.read(partial(log.edits_before, room=ROOM, target=1, seq=seq)) for seq in (2, 4, 5)]
    assert [[entry.seq for entry in entries] for entries in earlier] == [[], [2], [2, 4]]


async def test_a_removal_erases_the_line_and_its_edits(db: Database) -> None:
    await talk(db)
    await db.write(lambda c: log.fold_removal(c, ROOM, 1, 60))
    for version in range(3):
        assert await db.read(partial(log.wording_at, room=ROOM, seq=1, version=version)) is None
    raw = await db.read(lambda c: log.page(c, ROOM, raw=True))
    assert [entry.erased for entry in raw] == ["said", "edited", "said", "edited", ""]
    assert not any(word in repr(raw) for word in ("'one'", "'two'", "'three'", "'other'"))


async def test_an_edit_after_the_removal_brings_nothing_back(db: Database) -> None:
    await talk(db)
    await db.write(lambda c: log.fold_edit(c, ROOM, 3, Edited(EventId("e3"), "again"), 70))
    entry = await db.read(lambda c: log.entry(c, ROOM, 3))
    assert entry is not None
    assert entry.present is None


async def test_a_known_origin_stops_the_batch_and_leaves_nothing_of_it(db: Database) -> None:
    origin = Origin(MATRIX, "!chat", "$1")
    await fill(db, (event(1, origin=origin), 1, None))
    with pytest.raises(OriginConflict):
        await fill(db, (event(2), 2, None), (event(3, origin=origin), 3, None))
    assert await numbers(db) == [1]
    # The same ID in another chat, or on another network, is another event.
    await fill(
        db,
        (event(2, origin=Origin(MATRIX, "!other", "$1")), 2, None),
        (event(3, origin=Origin(WEB, "!chat", "$1")), 3, None),
    )
    (found,) = await db.read(lambda c: log.by_origins(c, [origin]))
    assert found.seq == 1


async def test_finding_events(db: Database) -> None:
    origin = Origin(MATRIX, "!chat", "$1")
    await fill(db, (event(1, Joined("Anna"), origin=origin), 1, None), (event(2), 2, None))
    await lines(db, 1, room=OTHER)

    def unit(connection: Connection) -> None:
        assert [entry.seq for entry in log.by_ids(connection, ROOM, [EventId("e2"), EventId("r2e1")])] == [2]
        assert log.entries(connection, ROOM, {1, 2, 9}).keys() == {1, 2}
        by_name = log.by_id(connection, EventId("e1"))
        assert by_name is not None
        assert by_name.event.content == Joined("Anna")
        assert by_name.event.origin == origin
        assert log.by_id(connection, EventId("e9")) is None
        assert [entry.seq for entry in log.search_reference(connection, "$1")] == [1]
        assert log.by_origins(connection, []) == []

    await db.read(unit)
