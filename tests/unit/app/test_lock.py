"""One server for one database: who comes second is refused, and who loses the lock takes it again or ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from bridge.app.lock import BadDatabase, Busy, held, held_on_server
from bridge.store.postgres import locks
from bridge.store.postgres.connecting import LOCKS, SERVER_LOCK
from tests.rigs.database import kinds, new_url, using
from tests.rigs.ports import free_port
from tests.rigs.postgresql import Cluster, cluster, require_postgresql

END_THE_HOLDER = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
    f"AND classid = {LOCKS} AND objid = {SERVER_LOCK} "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.mark.parametrize("kind", kinds())
async def test_who_comes_second_is_refused_until_the_first_has_ended(kind: str, tmp_path: Path) -> None:
    with using(kind):
        url = new_url(tmp_path)
    async with held(url, tmp_path / "rialto.yaml"):
        with pytest.raises(Busy, match="another Rialto works on this database"):
            async with held(url, tmp_path / "rialto.yaml"):
                raise AssertionError("two at once")
    async with held(url, tmp_path / "rialto.yaml", patience=5):
        pass


async def test_a_postgresql_database_is_held_from_elsewhere_too(tmp_path: Path) -> None:
    require_postgresql()
    url = cluster().empty()
    async with held(url, tmp_path / "here.yaml"):
        with pytest.raises(Busy, match=r"127\.0\.0\.1"):
            async with held(url, tmp_path / "there.yaml"):
                raise AssertionError("two at once")
        waiting = asyncio.ensure_future(_hold_once(url, tmp_path))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 20)


async def _hold_once(url: str, folder: Path) -> None:
    async with held(url, folder / "there.yaml", patience=20):
        return


async def test_the_lock_is_taken_again_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    require_postgresql()
    monkeypatch.setattr(locks, "CHECK_SECONDS", 0.05)
    server = Cluster()
    server.start()
    try:
        url = server.empty()
        async with held_on_server(url) as hold:
            keeping = asyncio.ensure_future(hold.keep())
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            await _until_locked(url)
            assert not keeping.done()
            keeping.cancel()
    finally:
        server.remove()


async def test_who_finds_the_lock_with_somebody_else_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    require_postgresql()
    monkeypatch.setattr(locks, "CHECK_SECONDS", 0.3)
    monkeypatch.setattr(locks, "OTHERS_SECONDS", 0.3)
    url = cluster().empty()
    async with held_on_server(url) as hold:
        keeping = asyncio.ensure_future(hold.keep())
        await asyncio.sleep(0.05)
        thief = await asyncpg.connect(url)
        await thief.execute(END_THE_HOLDER)
        await thief.execute(f"SELECT pg_advisory_lock({LOCKS}, {SERVER_LOCK})")
        with pytest.raises(Busy, match="another Rialto took the database"):
            await asyncio.wait_for(keeping, 20)
        await thief.close()


async def test_a_server_that_is_away_is_waited_for_where_that_is_asked(tmp_path: Path) -> None:
    url = f"postgresql://u@127.0.0.1:{free_port()}/n"
    with pytest.raises(BadDatabase, match="it refuses connections"):
        async with held(url, tmp_path / "rialto.yaml"):
            raise AssertionError("there is nothing to hold")
    waiting = asyncio.ensure_future(_wait_for(url, tmp_path))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def _wait_for(url: str, folder: Path) -> None:
    async with held(url, folder / "rialto.yaml", wait=True):
        return


async def test_who_is_refused_does_not_wait(tmp_path: Path) -> None:
    require_postgresql()
    with pytest.raises(BadDatabase, match="does not exist"):
        async with held(cluster().url("nowhere"), tmp_path / "rialto.yaml", wait=True):
            raise AssertionError("there is nothing to hold")


async def _until_locked(url: str) -> None:
    connection = await asyncpg.connect(url)
    async with asyncio.timeout(20):
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"):
            await asyncio.sleep(0.02)
    await connection.close()
