"""The group committer, on both databases: units share commits, never failures; results come after the commit."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bridge.store import meta
from bridge.store.database import Database, Unit, open_database
from bridge.store.sqlite import GROUP, SqliteDatabase
from tests.unit.store.blocking import Blocked, on_disk


def putting(key: str, value: str = "x") -> Unit[None]:
    return lambda connection: meta.put(connection, key, value)


async def test_a_result_comes_only_after_the_commit(db: Database, url: str) -> None:
    for number in range(5):
        await db.write(putting(f"k{number}"))
        assert f"k{number}" in await on_disk(url)


async def test_one_units_failure_leaves_the_others_of_its_group(db: Database, url: str) -> None:
    blocked = Blocked(db, url)
    await blocked.entered()

    def broken(connection: Connection) -> None:
        meta.put(connection, "half", "written")
        raise LookupError("on purpose")

    def conflicting(connection: Connection) -> None:
        meta.put(connection, "half too", "written")
        connection.execute(text("INSERT INTO meta (key, value) VALUES ('k0', 'twice')"))
        connection.execute(text("INSERT INTO meta (key, value) VALUES ('k0', 'twice')"))

    jobs = [asyncio.ensure_future(db.write(unit)) for unit in (putting("a"), broken, putting("b"), conflicting)]
    last = asyncio.ensure_future(db.write(lambda c: (meta.get(c, "a"), meta.get(c, "half"))))
    await asyncio.sleep(0)
    await blocked.free()
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), LookupError, type(None), IntegrityError]
    assert await last == ("x", None), "units of one group see each other's work, and nothing of what failed"
    assert await on_disk(url) == {"a": "x", "b": "x"}


async def test_a_group_shares_one_commit(db: Database, url: str) -> None:
    commits: list[int] = []
    blocked = Blocked(db, url)
    await blocked.entered()

    def unit(connection: Connection) -> None:
        commits.append(id(connection.get_transaction()))

    jobs = [asyncio.ensure_future(db.write(unit)) for _ in range(GROUP)]
    await asyncio.sleep(0)
    await blocked.free()
    await asyncio.gather(*jobs)
    assert len(commits) == GROUP
    assert len(set(commits)) == 1


async def test_reads_see_what_was_committed_and_cannot_write(db: Database, url: str) -> None:
    await db.write(putting("a", "1"))
    assert await db.read(lambda c: meta.get(c, "a")) == "1"
    with pytest.raises(DBAPIError):
        await db.read(putting("b"))
    blocked = Blocked(db, url)
    await blocked.entered()
    later = asyncio.ensure_future(db.write(putting("a", "2")))
    await asyncio.sleep(0)
    assert await db.read(lambda c: meta.get(c, "a")) == "1", "a reader neither waits for a writer nor sees half of it"
    await blocked.free()
    await later
    assert await db.read(lambda c: meta.get(c, "a")) == "2"


async def test_closing_finishes_what_was_accepted(url: str) -> None:
    db = open_database(url)
    blocked = Blocked(db, url)
    await blocked.entered()
    jobs = [asyncio.ensure_future(db.write(putting(f"k{number}"))) for number in range(3 * GROUP)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(db.close())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="closed"):
        await db.write(putting("late"))
    await blocked.free()
    await asyncio.gather(*jobs, closing)
    assert len(await on_disk(url)) == 3 * GROUP
    await db.close()


async def test_who_gives_up_waiting_does_not_take_the_unit_back(db: Database, url: str) -> None:
    blocked = Blocked(db, url)
    await blocked.entered()
    job = asyncio.ensure_future(db.write(putting("a")))
    await asyncio.sleep(0)
    job.cancel()
    await blocked.free()
    await db.write(putting("b"))
    assert await on_disk(url) == {"a": "x", "b": "x"}


async def test_what_is_committed_survives_a_power_cut(db: Database) -> None:
    def settings(connection: Connection) -> tuple[object, ...]:
        if connection.dialect.name == "postgresql":
            return (connection.execute(text("SHOW synchronous_commit")).scalar(),)
        return tuple(connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous"))

    wanted: tuple[object, ...] = ("wal", 2) if isinstance(db, SqliteDatabase) else ("on",)
    assert await db.write(settings) == wanted


@pytest.mark.parametrize(("url", "words"), [("mysql://host/x", "not supported"), ("sqlite://", "name a file")])
def test_an_address_that_cannot_be_used_says_why(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        open_database(url)
