"""Many rows at once: whatever their number, none missing and none twice, and the same rules as for one."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from bridge.store.bulk import SIZES, delete_rows, insert_rows, update_rows
from bridge.store.database import Database
from bridge.store.tables import meta, seen

PAIR = ("key", "value")
SEEN = ("network", "chat", "origin", "outcome", "reason", "at")
COUNTS = sorted({0, 1, 2, *(size + more for size in SIZES for more in (-1, 0, 1)), 3 * SIZES[0] + 5})


def pairs(count: int) -> list[tuple[str, str]]:
    return [(f"k{number:04}", f"v{number}") for number in range(count)]


def kept(connection: Connection) -> list[tuple[str, str]]:
    rows = connection.execute(select(meta.c.key, meta.c.value).where(meta.c.key.like("k%")).order_by(meta.c.key))
    return [(row.key, row.value) for row in rows]


@pytest.mark.parametrize("count", COUNTS)
async def test_any_number_goes_in_changes_and_goes(db: Database, count: int) -> None:
    def unit(connection: Connection) -> list[list[tuple[str, str]]]:
        insert_rows(connection, meta, PAIR, pairs(count))
        there = kept(connection)
        update_rows(connection, meta, PAIR, [(key, f"new {value}") for key, value in pairs(count)])
        changed = kept(connection)
        delete_rows(connection, meta, "key", [key for key, _ in pairs(count)[1:]])
        return [there, changed, kept(connection)]

    there, changed, left = await db.write(unit)
    assert there == pairs(count)
    assert changed == [(key, f"new {value}") for key, value in pairs(count)]
    assert left == changed[:1]


async def test_an_update_touches_the_rows_that_it_names_only(db: Database) -> None:
    def unit(connection: Connection) -> list[tuple[str, str]]:
        insert_rows(connection, meta, PAIR, pairs(3))
        update_rows(connection, meta, PAIR, [("k0001", "other"), ("nobody", "x")])
        return kept(connection)

    assert await db.write(unit) == [("k0000", "v0"), ("k0001", "other"), ("k0002", "v2")]


async def test_a_taken_key_fails_all_or_is_left_out(db: Database) -> None:
    await db.write(lambda c: insert_rows(c, meta, PAIR, [("k0001", "mine")]))
    with pytest.raises(IntegrityError):
        await db.write(lambda c: insert_rows(c, meta, PAIR, pairs(40)))
    assert await db.read(kept) == [("k0001", "mine")]
    await db.write(lambda c: insert_rows(c, meta, PAIR, pairs(3), ignore=True))
    assert await db.read(kept) == [("k0000", "v0"), ("k0001", "mine"), ("k0002", "v2")]


async def test_what_another_table_has_is_left_out(db: Database) -> None:
    def row(origin: str) -> tuple[str, str, str, str, str, int]:
        return ("matrix", "!chat", origin, "dropped", "", 0)

    def unit(connection: Connection) -> list[str]:
        insert_rows(connection, seen, SEEN, [row("$a")])
        insert_rows(connection, seen, SEEN, [row("$a"), row("$b")], ignore=True, unless_in=seen)
        return list(connection.scalars(select(seen.c.origin).order_by(seen.c.origin)))

    assert await db.write(unit) == ["$a", "$b"]
