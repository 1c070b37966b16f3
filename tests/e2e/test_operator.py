"""What operators do when something failed: see why, replay, and drop, with a server running and without."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import Scene, scene

pytestmark = pytest.mark.timeout(120)


async def _event(set_up: Scene, text: str, state: str) -> dict[str, Any]:
    """Wait until a line's delivery is in a state: the event as the API tells it."""
    found: dict[str, Any] = {}
    async with asyncio.timeout(30):
        while not found.get("deliveries") or found["deliveries"][0]["state"] != state:
            await asyncio.sleep(0.05)
            events = await set_up.talk.web[0].log(set_up.talk.room)
            found = next((e for e in events if e["kind"] == "said" and e["content"]["text"] == text), {})
    return found


async def _rialto(set_up: Scene, *words: str) -> str:
    code, output = await set_up.rialto.command(*words)
    assert code == 0, output
    return output


async def test_a_banned_ghost_makes_dead_letters_that_are_replayed_when_it_is_let_in_again(tmp_path: Path) -> None:
    async with scene("fake", tmp_path, web=2, matrix=1) as set_up:
        talk = set_up.talk
        anna, berta = talk.web
        bot = talk.matrix[0].with_token(set_up.rialto.registration.as_token)
        ghost = f"@rialto_{anna.account['person']}:localhost"
        await anna.say(talk.room, "before", "c1")
        await _event(set_up, "before", "sent")
        (await bot.member(talk.room_id, "ban", user_id=ghost, reason="testing")).ok()
        await anna.say(talk.room, "while banned", "c2")
        await berta.say(talk.room, "others go on", "c3")
        await _event(set_up, "others go on", "sent")
        failed = await _event(set_up, "while banned", "dead")
        assert failed["deliveries"][0]["reason"] == "banned from the Matrix room"

        told = [e for e in await berta.log(talk.room) if e["kind"] == "told"]
        assert len(told) == 1, "the room is told once"
        why = await _rialto(set_up, "why", failed["id"])
        assert "dead" in why
        assert "banned from the Matrix room" in why
        letters = await _rialto(set_up, "dead", "list")
        (letter,) = re.findall(r"^(l\w+:\d+:0) ", letters, re.MULTILINE)

        (await bot.member(talk.room_id, "unban", user_id=ghost)).ok()
        assert "is in its lane again" in await _rialto(set_up, "dead", "replay", letter)
        sent = await _event(set_up, "while banned", "sent")
        assert "sent as" in await _rialto(set_up, "why", sent["deliveries"][0]["remote_id"])
        assert await talk.matrix_lines() == ["before", "others go on", "while banned"]
        assert "no dead letters" in await _rialto(set_up, "dead", "list")


async def test_dead_letters_are_dropped_without_a_server_too(tmp_path: Path) -> None:
    async with scene("fake", tmp_path, web=1, matrix=1) as set_up:
        talk = set_up.talk
        bot = talk.matrix[0].with_token(set_up.rialto.registration.as_token)
        ghost = f"@rialto_{talk.web[0].account['person']}:localhost"
        (await bot.member(talk.room_id, "ban", user_id=ghost)).ok()
        await talk.web[0].say(talk.room, "nobody hears this", "c1")
        await _event(set_up, "nobody hears this", "dead")
        await set_up.rialto.stop()
        assert "is given up" in await _rialto(set_up, "dead", "drop", "--all")
        assert "no dead letters" in await _rialto(set_up, "dead", "list")
        assert "no dead letters" in await _rialto(set_up, "dead", "replay", "--all")
        code, output = await set_up.rialto.command("dead", "replay", "l0:1:0")
        assert code == 1
        assert "is no dead letter" in output
        code, output = await set_up.rialto.command("why", "$nothing")
        assert code == 1
        assert "Nothing is known" in output


async def test_accounts_are_kept_by_commands_while_the_server_runs(tmp_path: Path) -> None:
    async with scene("fake", tmp_path, web=2, matrix=1) as set_up:
        talk = set_up.talk
        assert "anna1" in await _rialto(set_up, "user", "list")
        words = ("user", "passwd", "anna1", "--password-stdin")
        code, output = await set_up.rialto.command(*words, stdin="new password\n")
        assert code == 0, output
        with pytest.raises(AssertionError, match="401"):
            await talk.web[1].call("GET", "account")
        await talk.web[1].login("anna1", "new password")
        person = talk.web[1].account["person"]
        await _rialto(set_up, "user", "deactivate", "anna1")
        with pytest.raises(AssertionError, match="401"):
            await talk.web[1].login("anna1", "new password")
        async with asyncio.timeout(20):
            while True:
                members = (await talk.matrix[0].state(talk.room_id))["m.room.member", f"@rialto_{person}:localhost"]
                if members["content"]["membership"] == "leave":
                    break
                await asyncio.sleep(0.05)
        code, output = await set_up.rialto.command("user", "add", "anna1", "--password-stdin", stdin="other words\n")
        assert code == 1, "the name of a closed account is never inherited"
        assert "Piazza" in await _rialto(set_up, "room", "list")
        made = await _rialto(set_up, "room", "create", "Arsenal", "--owner", "anna0")
        assert "#rialto_arsenal:localhost" in made
        made = await _rialto(set_up, "room", "create", "Secret", "--owner", "anna0", "--private")
        assert "#" not in made, "a room that is not on Matrix has no alias"
        code, output = await set_up.rialto.command("run")
        assert code == 1
        assert "another Rialto works on this database" in output
