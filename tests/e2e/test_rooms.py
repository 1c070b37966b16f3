"""Rooms beside a homeserver, as people use them: guests, private rooms, people who are sent away, archived and deleted
rooms; the fake homeserver and the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.faults.scene import Kind, Scene, scene
from tests.rigs.caller import Caller
from tests.rigs.rialto import WebUser

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
KINDS = ["fake", pytest.param("synapse", marks=pytest.mark.homeserver)]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something has come about on the homeserver."""
    async with asyncio.timeout(60):
        while not await true():
            await asyncio.sleep(0.05)


class Seen:
    """The room as somebody on Matrix sees it."""

    def __init__(self, stage: Scene) -> None:
        self.rialto = stage.rialto
        self.marco: Caller = stage.talk.matrix[0]
        self.chat: str = stage.talk.room_id

    async def state(self, type: str, key: str = "") -> dict[str, Any]:
        """The content of a piece of state, as the bot sees it."""
        bot = self.marco.with_token(self.rialto.registration.as_token)
        event = (await bot.state(self.chat)).get((type, key), {"content": {}})
        content: dict[str, Any] = event["content"]
        return content

    async def lines(self) -> list[tuple[str, str]]:
        """Who sent what, as it reads now, oldest first; redacted ones left out."""
        chunk = (await self.marco.messages(self.chat)).ok()["chunk"]
        sent = [event for event in reversed(chunk) if event["type"] == "m.room.message" and "body" in event["content"]]
        edits: dict[str, str] = {}
        for event in sent:
            relation = event["content"].get("m.relates_to", {})
            if relation.get("rel_type") == "m.replace":
                edits[relation["event_id"]] = event["content"]["m.new_content"]["body"]
        return [
            (event["sender"], edits.get(event["event_id"], event["content"]["body"]))
            for event in sent
            if event["content"].get("m.relates_to", {}).get("rel_type") != "m.replace"
        ]


async def guest(anna: WebUser, room: str, url: str, session: aiohttp.ClientSession) -> WebUser:
    """Let a guest in by a link."""
    made = await anna.call("POST", f"rooms/{room}/invites", {"guests": True})
    token = made["url"].rpartition("/")[2]
    come = await anna.call("POST", "guests", {"invite": token, "display_name": "Gast"})
    gast = WebUser(url, session)
    gast.headers = {"Authorization": f"Bearer {come['token']}"}
    return gast


@pytest.mark.parametrize("kind", KINDS)
async def test_a_room_and_its_portal_are_one(kind: Kind, tmp_path: Path) -> None:
    async with scene(kind, tmp_path, web=2, matrix=1) as stage:
        seen, room, anna = Seen(stage), stage.talk.room, stage.talk.web[0]
        bot = "@rialto:localhost"
        gast = await guest(anna, room, stage.rialto.url, stage.session)
        said = await gast.call("POST", f"rooms/{room}/events", {"kind": "said", "content": {"text": "hello *you*"}})
        await until(lambda: _has(seen, (bot, "Gast: hello *you*")))
        edit = {"kind": "edited", "content": {"target": said["id"], "text": "goodbye"}}
        await gast.call("POST", f"rooms/{room}/events", edit)
        await until(lambda: _has(seen, (bot, "Gast: goodbye")))
        await gast.call("POST", f"rooms/{room}/events", {"kind": "removed", "content": {"target": said["id"]}})
        await until(lambda: _lacks(seen, bot))

        await anna.call("PATCH", f"rooms/{room}", {"access": "invite", "history": "joined"})
        await until(lambda: _is(seen, "m.room.join_rules", join_rule="invite"))
        await until(lambda: _is(seen, "m.room.history_visibility", history_visibility="joined"))
        await until(lambda: _listed(seen, "private"))
        _, token = await stage.hs.register_user("late", "correct horse")
        late = seen.marco.with_token(token)
        assert (await late.join(stage.talk.alias)).status == 403
        await anna.call("PATCH", f"rooms/{room}", {"access": "public"})
        await until(lambda: _is(seen, "m.room.join_rules", join_rule="public"))
        (await late.join(stage.talk.alias)).ok()

        members = (await anna.call("GET", f"rooms/{room}/members"))["members"]
        (marco,) = (each["id"] for each in members if each["name"] == "marco0")
        await anna.call("DELETE", f"rooms/{room}/members/{marco}", reason="spam")
        await until(lambda: _is(seen, "m.room.member", "@marco0:localhost", membership="leave", reason="spam"))
        seen.marco = late

        await anna.call("PATCH", f"rooms/{room}", {"archived": True})
        await until(lambda: _silent(late, seen.chat))
        await anna.call("PATCH", f"rooms/{room}", {"archived": False})
        await until(lambda: _is(seen, "m.room.power_levels", events_default=0))

        await anna.call("DELETE", f"rooms/{room}")
        await until(lambda: _gone(late, stage.talk.alias))
        await until(lambda: _out(stage, seen))
        # Nobody is in it any more: for Synapse it is not there at all then.
        assert (await late.join(seen.chat)).status in (403, 404)


async def _has(seen: Seen, line: tuple[str, str]) -> bool:
    return line in await seen.lines()


async def _lacks(seen: Seen, sender: str) -> bool:
    return all(who != sender for who, _ in await seen.lines())


async def _is(seen: Seen, type: str, key: str = "", **wanted: Any) -> bool:
    content = await seen.state(type, key)
    return all(content.get(name) == value for name, value in wanted.items())


async def _listed(seen: Seen, visibility: str) -> bool:
    answer = await seen.marco.call("GET", f"directory/list/room/{seen.chat}")
    return bool(answer.ok()["visibility"] == visibility)


async def _silent(who: Caller, chat: str) -> bool:
    return (await who.send(chat, "anybody there?")).status == 403


async def _gone(who: Caller, alias: str) -> bool:
    return (await who.call("GET", f"directory/room/{alias.replace('#', '%23')}")).status == 404


async def _out(stage: Scene, seen: Seen) -> bool:
    """Tell whether the bot, who goes last, is out of the room."""
    bot = seen.marco.with_token(stage.rialto.registration.as_token)
    joined = (await bot.call("GET", "joined_rooms")).ok()["joined_rooms"]
    return seen.chat not in joined
