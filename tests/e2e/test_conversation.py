"""Two browsers and a Matrix client in one room while the network and the server fail: no line missing, none twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import expect

from tests.e2e.test_main_job import Client, bridged, signed_in
from tests.faults.scene import PASSWORD
from tests.rigs.browser import browser
from tests.rigs.cable import Cable
from tests.rigs.page import Screen, screen
from tests.rigs.rialto import Rialto, WebUser

pytestmark = [pytest.mark.homeserver, pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]

CUT_SECONDS = 62
"""Longer than the server waits for a ping, and the page for an answer."""


class Speaker:
    """Says numbered lines in a voice of its own until it is told to stop."""

    def __init__(self, name: str, pause: float) -> None:
        self.name = name
        self.said: list[str] = []
        self._pause = pause
        self._stop = asyncio.Event()

    def next(self) -> str:
        """Return the next line to say."""
        self.said.append(f"{self.name} {len(self.said) + 1}")
        return self.said[-1]

    async def on_the_page(self, at: Screen) -> None:
        """Write on the page, whether there is a connection or not."""
        while not self._stop.is_set():
            await at.write(self.next())
            await self._rest()

    async def on_matrix(self, client: Client, room: str) -> None:
        """Send from a Matrix client."""
        while not self._stop.is_set():
            await client.send(room, body=self.next())
            await self._rest()

    def stop(self) -> None:
        """Say no more."""
        self._stop.set()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._pause):
                await self._stop.wait()
        except TimeoutError:
            return


async def said(rialto: Rialto, http: aiohttp.ClientSession, count: int) -> list[str]:
    """Return everything said in the Lobby, once it is as many lines as were said."""
    user = await WebUser(rialto.url, http).login("anna", PASSWORD)
    lobby = next(room for room in (await user.call("GET", "rooms"))["rooms"] if room["name"] == "Lobby")
    async with asyncio.timeout(90):
        while True:
            found = [line["content"]["text"] for line in await user.log(lobby["id"]) if line["kind"] == "said"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.5)


async def join_lobby(at: Screen) -> None:
    """Come into the Lobby by the list of public rooms."""
    await at.page.get_by_role("link", name="Public rooms", exact=True).click()
    await at.page.get_by_role("button", name="Join: Lobby").click()
    await at.live()


async def test_a_cut_of_a_minute_and_a_restart_while_lines_flow(tmp_path: Path) -> None:
    async with (
        bridged(tmp_path) as (hs, rialto),
        signed_in(hs, "marco") as marco,
        Cable(rialto.web_port) as cable,
        browser() as running,
        aiohttp.ClientSession() as http,
        screen(running, rialto.url) as anna,
        screen(running, cable.url) as berta,
    ):
        await anna.sign_in("anna", PASSWORD)
        await anna.enter("Lobby")
        await berta.sign_in("berta", PASSWORD)
        await join_lobby(berta)
        lobby = await marco.join("#rialto_lobby:localhost")
        speakers = [Speaker("anna", 1.5), Speaker("berta", 2.5), Speaker("marco", 2)]
        async with asyncio.TaskGroup() as group:
            group.create_task(speakers[0].on_the_page(anna))
            group.create_task(speakers[1].on_the_page(berta))
            group.create_task(speakers[2].on_matrix(marco, lobby))
            await asyncio.sleep(5)
            cable.become("silent")
            await expect(berta.page.get_by_text("No connection to the server")).to_be_visible(timeout=60_000)
            await asyncio.sleep(CUT_SECONDS)
            assert await berta.page.locator("[data-unsent]").count() > 5
            cable.become("whole")
            await expect(berta.page.get_by_text("No connection to the server")).to_be_hidden(timeout=40_000)
            await asyncio.sleep(3)
            await rialto.stop()
            await asyncio.sleep(3)
            await rialto.start()
            await rialto.ready()
            await asyncio.sleep(3)
            await rialto.kill()
            await rialto.start()
            await rialto.ready()
            await asyncio.sleep(3)
            for speaker in speakers:
                speaker.stop()
        log = await said(rialto, http, sum(len(speaker.said) for speaker in speakers))
        for speaker in speakers:
            assert [line for line in log if line.startswith(speaker.name)] == speaker.said
        assert len(log) == sum(len(speaker.said) for speaker in speakers)
        await anna.shows(log)
        await berta.shows(log)
        await _arrived_on_matrix(marco, lobby, speakers[:2])


async def _arrived_on_matrix(client: Client, room: str, speakers: list[Speaker]) -> None:
    """Wait until each line of the page is on Matrix: once, in its speaker's order."""
    wanted = {speaker.name: speaker.said for speaker in speakers}
    found: dict[str, list[str]] = {}
    async with asyncio.timeout(60):
        while found != wanted:
            bodies = [str(event["content"].get("body", "")) for event in await client.history(room)]
            found = {name: [body for body in bodies if body.startswith(f"{name} ")] for name in wanted}
            assert all(len(found[name]) <= len(wanted[name]) for name in wanted), "something came twice"
            await asyncio.sleep(0.5)
