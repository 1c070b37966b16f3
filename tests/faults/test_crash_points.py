"""Rialto is killed at each place where something could be lost or doubled, while both sides talk."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.faults.scene import Kind, Scene, scene

LINES = 500
POINTS = {
    "inbox_committed": "inbox_committed:20",
    "transaction_answered": "transaction_answered:20",
    "appended": "appended:60",
    "sent_not_stored": "sent_not_stored:20",
    "ghost_registered": "ghost_registered:1",
    "ghost_joined": "ghost_joined:1",
    "room_created": "room_created:1",
    "catching_up": "catching_up:1",
}


async def _keep_alive(set_up: Scene, restart: str) -> None:
    """Start Rialto again when it has killed itself; restart the homeserver in between where that is asked."""
    code = await set_up.rialto.ended()
    assert code == -9, f"it ended with {code} and not at the crash point\n{set_up.rialto.log_end()}"
    if restart != "no":
        await set_up.restart_homeserver(hard=restart == "kill")
    await set_up.rialto.start()


async def _provoke(set_up: Scene, point: str) -> None:
    """Do what makes Rialto pass a point that talking alone does not reach."""
    if point in ("ghost_registered", "ghost_joined"):
        user = await set_up.new_web_user("nina")
        await user.call("POST", f"rooms/{set_up.talk.room}/join")
    elif point == "room_created":
        await set_up.talk.web[0].call("POST", "rooms", {"name": "Rialto bridge"})


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("restart", ["no", "term", "kill"])
@pytest.mark.parametrize("point", POINTS)
async def test_nothing_is_lost_or_doubled_at_a_crash_point(
    kind: Kind, point: str, restart: str, tmp_path: Path
) -> None:
    async with scene(kind, tmp_path) as set_up:
        talk = set_up.talk
        await set_up.rialto.stop()
        await set_up.rialto.start(crash_at=POINTS[point])
        async with asyncio.TaskGroup() as group:
            group.create_task(_keep_alive(set_up, restart))
            group.create_task(talk.speak(LINES))
            group.create_task(_provoke(set_up, point))
        await talk.settle(LINES)
        await talk.prove(LINES)
        await _prove_portals(set_up)
        assert set_up.rialto.exits == [-9]


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
        await set_up.talk.settle(LINES)
        await set_up.talk.prove(LINES)
        await _prove_portals(set_up)


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
