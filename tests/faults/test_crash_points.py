"""Rialto is killed at each place where something could be lost or doubled, while both sides talk."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.faults.scene import Kind, Scene, scene
from tests.rigs.database import kinds
from tests.rigs.postgresql import cluster, require_postgresql

LINES = 500
"""Lines that each side says."""
POINTS = {
    "inbox_committed": "inbox_committed:5",
    "transaction_answered": "transaction_answered:5",
    "appended": "appended:25",
    "indexed": "indexed:1",
    "sent_not_stored": "sent_not_stored:5",
    "ghost_registered": "ghost_registered:1",
    "ghost_joined": "ghost_joined:1",
    "room_created": "room_created:1",
    "catching_up": "catching_up:1",
}


async def _crash(set_up: Scene, point: str, restart: str) -> None:
    """Run until the crash point kills the process; restart the homeserver afterwards where that is asked."""
    await set_up.rialto.start(crash_at=POINTS[point])
    provoking = asyncio.create_task(_provoke(set_up, point))
    code = await asyncio.wait_for(set_up.rialto.ended(), 60)
    assert code == -9, f"it ended with {code} and not at {point}\n{set_up.rialto.log_end()}"
    if restart != "no":
        await set_up.restart_homeserver(hard=restart == "kill")
    # What was asked for goes on being asked for until a later start answers it.
    set_up.provoked.append(provoking)


async def _provoke(set_up: Scene, point: str) -> None:
    """Do what makes Rialto pass a point that talking alone does not reach."""
    if point in ("ghost_registered", "ghost_joined"):
        user = await set_up.new_web_user("nina" if point == "ghost_joined" else "nora")
        await user.call("POST", f"rooms/{set_up.talk.room}/join")
    elif point == "room_created":
        await set_up.talk.web[0].call("POST", "rooms", {"name": "Ponte"})


async def _prove(set_up: Scene, lines: int) -> None:
    await asyncio.gather(*set_up.provoked)
    await set_up.talk.settle(lines)
    await set_up.talk.prove(lines)
    await _prove_portals(set_up)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("restart", ["no", "yes"])
@pytest.mark.parametrize("point", POINTS)
async def test_nothing_is_lost_or_doubled_at_a_crash_point(point: str, restart: str, tmp_path: Path) -> None:
    async with scene("fake", tmp_path) as set_up:
        await set_up.rialto.stop()
        speaking = asyncio.create_task(set_up.talk.speak(LINES))
        await _crash(set_up, point, restart)
        await set_up.rialto.start()
        await speaking
        await _prove(set_up, LINES)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif("postgresql" not in kinds(), reason="RIALTO_TEST_DATABASE leaves PostgreSQL out")
async def test_every_crash_point_in_one_conversation_on_postgresql(tmp_path: Path) -> None:
    require_postgresql()
    async with scene("fake", tmp_path, database=cluster().empty()) as set_up:
        await set_up.rialto.stop()
        speaking = asyncio.create_task(set_up.talk.speak(LINES))
        for point in POINTS:
            await _crash(set_up, point, "yes")
        await set_up.rialto.start()
        await speaking
        await _prove(set_up, LINES)
        assert set_up.rialto.exits == [-9] * len(POINTS)


@pytest.mark.slow
@pytest.mark.homeserver
@pytest.mark.timeout(600)
@pytest.mark.parametrize("restart", ["no", "term", "kill"])
async def test_every_crash_point_in_one_conversation_beside_synapse(restart: str, tmp_path: Path) -> None:
    async with scene("synapse", tmp_path) as set_up:
        await set_up.rialto.stop()
        speaking = asyncio.create_task(set_up.talk.speak(LINES))
        for point in POINTS:
            await _crash(set_up, point, restart)
        await set_up.rialto.start()
        await speaking
        await _prove(set_up, LINES)
        assert set_up.rialto.exits == [-9] * len(POINTS)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_twenty_kills_at_random(kind: Kind, tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    async with scene(kind, tmp_path) as set_up:
        speaking = asyncio.create_task(set_up.talk.speak(LINES))
        for _ in range(20):
            await asyncio.sleep(chance.uniform(0.05, 1.5))
            await set_up.rialto.kill()
            await set_up.rialto.start()
        await speaking
        await _prove(set_up, LINES)


async def _prove_portals(set_up: Scene) -> None:
    """Each room has one portal: its alias leads to the room that its link names, and that room says so."""
    rooms = (await set_up.talk.web[0].call("GET", "rooms"))["rooms"]
    seen = set()
    for room in rooms:
        (link,) = room["links"]
        async with asyncio.timeout(30):
            while link["state"] != "ready":
                await asyncio.sleep(0.1)
                rooms_now = (await set_up.talk.web[0].call("GET", "rooms"))["rooms"]
                (link,) = next(r for r in rooms_now if r["id"] == room["id"])["links"]
        joined = (await set_up.talk.matrix[0].join(room["alias"])).ok()["room_id"]
        assert joined not in seen
        seen.add(joined)
    assert set_up.talk.room_id in seen
    bot = set_up.talk.matrix[0].with_token(set_up.rialto.registration.as_token)
    in_rooms = set((await bot.call("GET", "joined_rooms")).ok()["joined_rooms"])
    assert seen <= in_rooms
