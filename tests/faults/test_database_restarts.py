"""PostgreSQL itself is stopped, or crashes, while both sides talk: nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import Scene, scene
from tests.rigs.database import kinds
from tests.rigs.postgresql import Cluster, require_postgresql

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif("postgresql" not in kinds(), reason="RIALTO_TEST_DATABASE leaves PostgreSQL out"),
]
LINES = 200
RESTARTS = 6


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A server that keeps what it says it keeps, and that the test may stop."""
    require_postgresql()
    made = Cluster()
    made.start()
    yield made
    made.remove()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
async def test_restarts_of_postgresql_lose_nothing(server: Cluster, how: signal.Signals, tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    async with scene("fake", tmp_path, database=server.empty()) as set_up:
        speaking = asyncio.create_task(set_up.talk.speak(LINES))
        for _ in range(RESTARTS):
            await asyncio.sleep(chance.uniform(0.05, 0.6))
            await asyncio.to_thread(server.stop, how)
            await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(server.start)
        await speaking
        await set_up.talk.settle(LINES)
        await set_up.talk.prove(LINES)
        assert (set_up.rialto.starts, set_up.rialto.pid is not None) == (1, True), "it lived through all of it"


async def test_while_postgresql_is_away_everyone_is_told_and_everything_goes_on_afterwards(
    server: Cluster, tmp_path: Path
) -> None:
    async with scene("fake", tmp_path, database=server.empty()) as set_up:
        talk, rialto = set_up.talk, set_up.rialto
        await talk.speak(20)
        await asyncio.to_thread(server.stop)
        speaking = asyncio.create_task(talk.speak(40))
        database = await _database(set_up, ready=False)
        assert "127.0.0.1" in database["detail"], "the reason is told, and where"
        async with set_up.session.get(f"{rialto.url}/api/v1/rooms", headers=talk.web[0].headers) as answer:
            assert answer.status == 503
            assert (await answer.json())["error"]["code"] == "database_away"
        code, output = await rialto.command("room", "list")
        assert code == 1
        assert "the database is away" in output
        await asyncio.to_thread(server.start)
        await _database(set_up, ready=True)
        await speaking
        await talk.settle(40)
        await talk.prove(40)
        assert rialto.starts == 1


async def test_a_second_server_is_refused_wherever_it_runs(server: Cluster, tmp_path: Path) -> None:
    """Another folder stands for another machine: no file tells it of the first one."""
    async with scene("fake", tmp_path, database=server.empty(), web=1, matrix=1) as set_up:
        from tests.rigs.rialto import Rialto

        async with Rialto(tmp_path / "other", database=set_up.rialto.database) as other:
            other.configure(set_up.hs.url)
            await other.start()
            assert await asyncio.wait_for(other.ended(), 30) == 1
            assert "another Rialto works on this database" in other.log_end()
        await set_up.talk.speak(4)
        await set_up.talk.settle(4)


async def _database(set_up: Scene, *, ready: bool) -> dict[str, Any]:
    """Wait until the database is, or is not, ready: what is said of it."""
    async with asyncio.timeout(30):
        while True:
            async with set_up.session.get(f"{set_up.rialto.url}/healthz/ready") as answer:
                said: dict[str, Any] = (await answer.json())["parts"]["database"]
                if said["ready"] == ready:
                    assert ready or answer.status == 503
                    return said
            await asyncio.sleep(0.1)
