"""One side or the other is restarted, or away for a while, while people talk: nothing is missing afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import Kind, Scene, scene

LINES = 200


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("hard", [False, True], ids=["term", "kill"])
async def test_a_homeserver_that_restarts_while_matrix_talks_loses_nothing(
    kind: Kind, hard: bool, tmp_path: Path
) -> None:
    async with scene(kind, tmp_path) as set_up:
        speaking = asyncio.create_task(set_up.talk.speak(LINES))
        for _ in range(3):
            await asyncio.sleep(0.7)
            await set_up.restart_homeserver(hard=hard)
        await speaking
        await set_up.talk.settle(LINES)
        await set_up.talk.prove(LINES)
        assert set_up.rialto.starts == 1


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_rialto_is_away_while_matrix_talks(kind: Kind, tmp_path: Path) -> None:
    async with scene(kind, tmp_path) as set_up:
        talk = set_up.talk
        speaking = asyncio.create_task(talk.speak(LINES))
        await asyncio.sleep(0.3)
        await set_up.rialto.stop()
        await asyncio.sleep(_away(kind))
        # The homeserver has given up on Rialto by now; it restarts too, and forgets that something waits.
        await set_up.restart_homeserver(hard=True)
        await set_up.rialto.start()
        await speaking
        await talk.settle(LINES)
        await talk.prove(LINES)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_the_homeserver_is_away_while_the_web_talks(kind: Kind, tmp_path: Path) -> None:
    async with scene(kind, tmp_path) as set_up:
        talk = set_up.talk
        await set_up.hs.stop()
        for number in range(20):
            await talk.web[0].say(talk.room, f"web away {number}", f"away-{number}")
        health = await _health(set_up, "down")
        assert health["matrix"]["detail"], "the reason is not told"
        await asyncio.sleep(_away(kind))
        waiting = [event for event in await talk.web[0].log(talk.room) if event["kind"] == "said"]
        assert {d["state"] for event in waiting for d in event["deliveries"]} <= {"waiting", "sending"}
        assert any(d["reason"] for event in waiting for d in event["deliveries"]), "no delivery says why it waits"
        await set_up.hs.start()
        await _health(set_up, "up")
        async with asyncio.timeout(60):
            while len(await talk.matrix_lines()) < 20:
                await asyncio.sleep(0.2)
        assert await talk.matrix_lines() == [f"web away {number}" for number in range(20)]


def _away(kind: Kind) -> float:
    """How long somebody is away: against the fake, whose pauses are short, less is as good."""
    return 30 if kind == "synapse" else 3


async def _health(set_up: Scene, wanted: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            async with set_up.session.get(f"{set_up.rialto.url}/healthz/ready") as answer:
                parts: dict[str, Any] = (await answer.json())["parts"]
                if parts["matrix"]["health"] == wanted:
                    assert answer.status == (200 if wanted == "up" else 503)
                    return parts
            await asyncio.sleep(0.1)
