"""PostgreSQL is stopped, crashes, or breaks the connection in the middle: what is answered is what is on disk."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError

from bridge.model.errors import DatabaseAway
from bridge.store import meta, tables
from bridge.store.database import Database, Unit, open_database
from bridge.store.postgres import database as postgres
from bridge.store.postgres.session import Session
from tests.rigs.database import kinds
from tests.rigs.postgresql import QUICK, Cluster, require_postgresql
from tests.unit.store.blocking import Blocked, on_disk

pytestmark = pytest.mark.skipif("postgresql" not in kinds(), reason="RIALTO_TEST_DATABASE leaves PostgreSQL out")


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server of this module's own, that its tests may stop."""
    require_postgresql()
    made = Cluster(*QUICK)
    made.start()
    yield made
    made.remove()


@pytest.fixture
def url(server: Cluster) -> str:
    return server.new()


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    opened = open_database(url)
    yield opened
    await opened.close()


def adding(key: str) -> Unit[None]:
    """A unit that cannot be done twice."""

    def unit(connection: Connection) -> None:
        connection.execute(insert(tables.meta).values(key=key, value=""))

    return unit


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
async def test_writes_go_through_restarts_once_and_in_order(
    server: Cluster, url: str, db: Database, how: signal.Signals
) -> None:
    seen: list[int] = []

    async def write(number: int) -> None:
        await db.write(adding(f"k{number:04}"))
        seen.append(number)

    async def talk() -> None:
        for start in range(0, 2000, 20):
            await asyncio.gather(*(write(number) for number in range(start, start + 20)))

    talking = asyncio.ensure_future(talk())
    for _ in range(4):
        await asyncio.sleep(0.1)
        await asyncio.to_thread(server.stop, how)
        await asyncio.to_thread(server.start)
    await asyncio.wait_for(talking, 60)
    assert seen == list(range(2000)), "answers come in the order of the writes"
    assert sorted(await on_disk(url)) == [f"k{number:04}" for number in range(2000)]


async def test_what_waits_while_the_server_is_away_goes_on_by_itself(server: Cluster, db: Database) -> None:
    await db.write(adding("before"))
    server.stop()
    writing = asyncio.ensure_future(db.write(adding("meanwhile")))
    reading = asyncio.ensure_future(db.read(lambda c: meta.get(c, "before")))
    async with asyncio.timeout(20):
        while "refuse" not in db.trouble:
            await asyncio.sleep(0.01)
    assert "127.0.0.1" in db.trouble
    assert not await db.usable(0.1)
    assert not writing.done()
    assert not reading.done()
    await asyncio.to_thread(server.start)
    assert await db.usable(20)
    assert await asyncio.wait_for(reading, 20) == ""
    await asyncio.wait_for(writing, 20)
    assert db.trouble == ""


@pytest.mark.parametrize("took", [True, False], ids=["it took effect", "it did not"])
async def test_a_commit_whose_answer_is_lost_is_settled_truthfully(
    url: str, db: Database, took: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(adding("first"))
    commit = Session.commit
    broken: list[str] = []

    async def breaking(self: Session, mark: str) -> None:
        if broken:
            return await commit(self, mark)
        broken.append(mark)
        if took:
            await commit(self, mark)
        self._raw.terminate()
        raise ConnectionResetError("the answer is lost")

    monkeypatch.setattr(Session, "commit", breaking)
    ran: list[str] = []

    def unit(connection: Connection) -> str:
        ran.append("ran")
        adding("doubtful")(connection)
        return "done"

    assert await db.write(unit) == "done"
    assert await on_disk(url) == {"first": "", "doubtful": ""}
    assert len(ran) == (1 if took else 2)


async def test_a_session_that_lingers_in_the_server_is_ended_before_the_next_one_writes(
    url: str, db: Database
) -> None:
    await db.write(adding("first"))
    blocked = Blocked(db, url)
    await blocked.entered()
    later = asyncio.ensure_future(db.write(adding("later")))
    session = db._writer._session  # type: ignore[attr-defined]
    session._raw.terminate()
    await blocked.free()
    await later
    assert await on_disk(url) == {"first": "", "later": ""}


async def test_a_unit_that_swallows_a_failure_of_the_database_fails_alone(url: str, db: Database) -> None:
    blocked = Blocked(db, url)
    await blocked.entered()

    def swallowing(connection: Connection) -> None:
        adding("lost")(connection)
        with pytest.raises(IntegrityError):
            adding("lost")(connection)

    jobs = [asyncio.ensure_future(db.write(unit)) for unit in (adding("a"), swallowing, adding("b"))]
    await asyncio.sleep(0)
    await blocked.free()
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [outcome is None for outcome in outcomes] == [True, False, True]
    assert await on_disk(url) == {"a": "", "b": ""}
    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await db.write(swallowing)


async def test_two_databases_do_not_write_at_once(url: str, db: Database) -> None:
    await db.write(adding("mine"))
    other = open_database(url)
    waiting = asyncio.ensure_future(other.write(adding("theirs")))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await db.close()
    await asyncio.wait_for(waiting, 20)
    await other.close()


async def test_a_unit_that_breaks_every_connection_fails_in_the_end_and_alone(url: str, db: Database) -> None:
    def poison(connection: Connection) -> None:
        adding("poison")(connection)
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    jobs = [asyncio.ensure_future(db.write(unit)) for unit in (adding("a"), poison, adding("b"))]
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [outcome is None for outcome in outcomes] == [True, False, True]
    assert await on_disk(url) == {"a": "", "b": ""}


async def test_the_end_does_not_wait_for_ever(
    server: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CLOSE_SECONDS", 0.3)
    db = open_database(url)
    await db.write(adding("before"))
    server.stop()
    try:
        writing = asyncio.ensure_future(db.write(adding("meanwhile")))
        await asyncio.sleep(0.1)
        await asyncio.wait_for(db.close(), 20)
        with pytest.raises(DatabaseAway, match="127"):
            await writing
    finally:
        server.start()
    assert await on_disk(url) == {"before": ""}


async def test_text_that_postgresql_cannot_hold_is_kept_without_its_nul(db: Database) -> None:
    await db.write(lambda c: meta.put(c, "nul\x00", "a\x00b"))
    assert await db.read(lambda c: meta.get(c, "nul\x00")) == "a\ufffdb"


async def test_the_unix_socket(server: Cluster, url: str) -> None:
    db = open_database(server.socket_url(url.rpartition("/")[2]))
    await db.write(adding("by the socket"))
    await db.close()
    assert "by the socket" in await on_disk(url)
