"""The main job as people do it: a browser on the page, matrix-nio on a real Synapse, one conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from nio import AsyncClient, JoinResponse, RoomMessagesResponse, RoomSendResponse, SyncResponse  # type: ignore[import-untyped]
from playwright.async_api import expect

from tests.faults.scene import PASSWORD, homeserver
from tests.rigs.browser import browser
from tests.rigs.page import screen
from tests.rigs.rialto import Rialto, WebUser
from tests.rigs.synapse import Synapse

pytestmark = [pytest.mark.homeserver, pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


class Client:
    """A person at a Matrix client: matrix-nio, signed in with a password."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._timelines: dict[str, list[dict[str, Any]]] = {}

    async def join(self, alias: str) -> str:
        """Join by alias: the room ID."""
        answer = await self._client.join(alias)
        assert isinstance(answer, JoinResponse), answer
        return str(answer.room_id)

    async def send(self, room_id: str, **content: Any) -> str:
        """Send a message: its event ID."""
        answer = await self._client.room_send(room_id, "m.room.message", {"msgtype": "m.text", **content})
        assert isinstance(answer, RoomSendResponse), answer
        return str(answer.event_id)

    async def put_state(self, room_id: str, event_type: str, content: dict[str, Any]) -> None:
        """Set state."""
        answer = await self._client.room_put_state(room_id, event_type, content)
        assert hasattr(answer, "event_id"), answer

    async def sees(self, room_id: str, **wanted: Any) -> dict[str, Any]:
        """Wait for an event of the room whose fields or content fields are as wanted."""
        async with asyncio.timeout(30):
            while True:
                for event in self._timelines.get(room_id, []):
                    if all(event.get(k, event["content"].get(k)) == value for k, value in wanted.items()):
                        return event
                await self.sync()

    async def sync(self) -> None:
        """Take what is new from the homeserver."""
        answer = await self._client.sync(timeout=1000)
        assert isinstance(answer, SyncResponse), answer
        for room_id, room in answer.rooms.join.items():
            seen = self._timelines.setdefault(room_id, [])
            seen += [event.source for event in (*room.state, *room.timeline.events)]

    async def history(self, room_id: str) -> list[dict[str, Any]]:
        """Return all events of a room that its homeserver has, oldest first, however seldom this client has synced."""
        answer = await self._client.room_messages(room_id, limit=1000)
        assert isinstance(answer, RoomMessagesResponse), answer
        return [event.source for event in reversed(answer.chunk)]

    def timeline(self, room_id: str) -> list[dict[str, Any]]:
        """Return all events of a room that have come so far."""
        return self._timelines.get(room_id, [])

    def name_of(self, room_id: str, user_id: str) -> str:
        """Return the name that the client shows for a member."""
        return str(self._client.rooms[room_id].user_name(user_id))


@asynccontextmanager
async def signed_in(hs: Synapse, name: str) -> AsyncIterator[Client]:
    user_id, _ = await hs.register_user(name, PASSWORD)
    client = AsyncClient(hs.url, user_id)
    await client.login(PASSWORD)
    try:
        yield Client(client)
    finally:
        await client.close()


@asynccontextmanager
async def bridged(tmp_path: Path, more: str = "") -> AsyncIterator[tuple[Synapse, Rialto]]:
    """Run Synapse and Rialto with the accounts anna and berta, and anna's room Lobby."""
    rialto = Rialto(tmp_path / "rialto")
    async with homeserver("synapse", tmp_path, rialto) as hs, rialto:
        assert isinstance(hs, Synapse)
        rialto.configure(hs.url, more)
        for name in ("anna", "berta"):
            code, output = await rialto.command("user", "add", name, "--password-stdin", stdin=f"{PASSWORD}\n")
            assert code == 0, output
        code, output = await rialto.command("room", "create", "Lobby", "--owner", "anna", "--topic", "All are welcome")
        assert code == 0, output
        await rialto.start()
        await rialto.ready()
        yield hs, rialto


async def test_a_line_on_the_page_is_read_on_matrix_and_the_answer_on_the_page(tmp_path: Path) -> None:
    async with (
        bridged(tmp_path) as (hs, rialto),
        signed_in(hs, "marco") as marco,
        browser() as running,
        screen(running, rialto.url) as anna,
    ):
        await anna.sign_in("anna", PASSWORD)
        await anna.enter("Lobby")
        await expect(anna.page.locator(".head-title p")).to_have_text("All are welcome")
        lobby = await marco.join("#rialto_lobby:localhost")
        await anna.write("Hello from the **page** 🌉")
        line = await marco.sees(lobby, body="Hello from the **page** 🌉")
        assert line["sender"].startswith("@rialto_p")
        assert line["content"]["formatted_body"] == "Hello from the <strong>page</strong> 🌉"
        assert marco.name_of(lobby, line["sender"]) == "anna"
        html = {"format": "org.matrix.custom.html", "formatted_body": "Hello from <em>Matrix</em>"}
        await marco.send(lobby, body="Hello from *Matrix*", **html)
        answer = anna.page.locator("#lines").get_by_text("Hello from Matrix")
        await expect(answer).to_be_visible()
        await expect(answer.locator("em")).to_have_text("Matrix")
        await anna.write("/me waves")
        assert (await marco.sees(lobby, msgtype="m.emote"))["content"]["body"] == "waves"
        await marco.send(lobby, msgtype="m.notice", body="a notice")
        await expect(anna.page.locator("#lines").get_by_text("a notice")).to_be_visible()


async def test_a_room_made_on_the_page_is_joined_from_matrix_by_its_alias(tmp_path: Path) -> None:
    async with (
        bridged(tmp_path) as (hs, rialto),
        signed_in(hs, "marco") as marco,
        browser() as running,
        screen(running, rialto.url) as anna,
    ):
        await anna.sign_in("anna", PASSWORD)
        await anna.page.get_by_role("button", name="New room").click()
        await anna.page.get_by_label("Name").fill("Campo San Polo")
        await anna.page.get_by_role("button", name="Make room").click()
        await anna.page.wait_for_url("**/rooms/r*")
        await anna.live()
        await anna.write("first")
        room = await marco.join("#rialto_campo-san-polo:localhost")
        assert (await marco.sees(room, body="first"))["content"]["msgtype"] == "m.text"
        await marco.send(room, body="found it")
        await expect(anna.page.locator("#lines").get_by_text("found it")).to_be_visible()


async def test_joins_leaves_names_avatars_and_the_description_go_both_ways(tmp_path: Path) -> None:
    more = "rooms:\n  moderators: ['@marco:localhost']\n"
    async with (
        bridged(tmp_path, more) as (hs, rialto),
        signed_in(hs, "marco") as marco,
        aiohttp.ClientSession() as http,
    ):
        anna = await WebUser(rialto.url, http).login("anna", PASSWORD)
        berta = await WebUser(rialto.url, http).login("berta", PASSWORD)
        lobby = next(room for room in (await anna.call("GET", "rooms"))["rooms"] if room["name"] == "Lobby")
        room_id = await marco.join(lobby["alias"])
        await _members(anna, lobby["id"], {"anna", "marco"})
        await berta.call("POST", f"rooms/{lobby['id']}/join")
        joined = await marco.sees(room_id, type="m.room.member", displayname="berta")
        await berta.call("PATCH", "account", {"display_name": "Berta 🦊"})
        await marco.sees(room_id, type="m.room.member", displayname="Berta 🦊", state_key=joined["state_key"])
        await _put_avatar(http, rialto, berta)
        await _avatar_shown(marco, room_id, joined["state_key"])
        await berta.call("POST", f"rooms/{lobby['id']}/leave")
        await marco.sees(room_id, type="m.room.member", membership="leave", state_key=joined["state_key"])
        await anna.call("PATCH", f"rooms/{lobby['id']}", {"topic": "Mind the step", "name": "The Lobby"})
        await marco.sees(room_id, type="m.room.topic", topic="Mind the step")
        await marco.sees(room_id, type="m.room.name", name="The Lobby")
        await marco.put_state(room_id, "m.room.topic", {"topic": "Said Marco"})
        await _room_is(anna, lobby["id"], topic="Said Marco", name="The Lobby")


async def _members(user: WebUser, room: str, wanted: set[str]) -> None:
    async with asyncio.timeout(20):
        while {m["name"] for m in (await user.call("GET", f"rooms/{room}/members"))["members"]} != wanted:
            await asyncio.sleep(0.1)


async def _room_is(user: WebUser, room: str, **wanted: str) -> None:
    async with asyncio.timeout(20):
        while True:
            found = await user.call("GET", f"rooms/{room}")
            if all(found[key] == value for key, value in wanted.items()):
                return
            await asyncio.sleep(0.1)


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0f01f00050101ff2d1e4bd40000000049454e44ae426082"
)


async def _put_avatar(http: aiohttp.ClientSession, rialto: Rialto, user: WebUser) -> None:
    async with http.put(f"{rialto.url}/api/v1/account/avatar", data=PNG, headers=user.headers) as answer:
        assert answer.status == 200, await answer.text()


async def _avatar_shown(client: Client, room_id: str, user_id: str) -> None:
    async with asyncio.timeout(20):
        while True:
            places = [e["content"] for e in client.timeline(room_id) if e.get("state_key") == user_id]
            if any(str(content.get("avatar_url", "")).startswith("mxc://localhost/") for content in places):
                return
            await client.sync()
