"""The programs in examples/, each in a process of its own beside a real server that stops, starts and loses them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bridge.web.listener import runner
from bridge.web.site import make_app
from tests.rigs.ports import free_port
from tests.unit.web.rig import Rig, Visitor, rigged, visitor

EXAMPLES = Path(__file__).parents[3] / "examples"
SECONDS = 60


class Place:
    """A server on one port, that can be stopped and started, and a client of its database that always works."""

    def __init__(self, rig: Rig, ada: Visitor, room: str) -> None:
        self.rig = rig
        self.ada = ada
        self.room = room
        self.port = free_port()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._runner = runner(make_app(self.rig.parts))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def said(self, text: str) -> None:
        """Wait until something was said."""
        async with asyncio.timeout(SECONDS):
            while not any(text in each for each in await self.ada.texts(self.room)):
                await asyncio.sleep(0.05)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with rigged(tmp_path) as rig, TestClient(TestServer(rig.app)) as client:
        ada = await visitor(rig, client, "ada")
        room = (await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201))["id"]
        made = Place(rig, ada, room)
        await made.start()
        yield made
        await made.stop()


@asynccontextmanager
async def running(name: str, place: Place, token: str, state: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run an example; kill it at the end."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLES / name), place.url, place.room, "--state", str(state)),
        env={**os.environ, "RIALTO_TOKEN": token, "PYTHONUNBUFFERED": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield program
    finally:
        if program.returncode is None:
            program.kill()
        await program.wait()


async def shown(program: asyncio.subprocess.Process, text: str) -> list[str]:
    """Return what the program prints, up to the line that ends with `text`."""
    assert program.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(SECONDS):
        while not lines or not lines[-1].endswith(text):
            raw = await program.stdout.readline()
            assert raw, f"it ended after {lines}"
            lines.append(raw.decode().rstrip())
    return lines


def typed(program: asyncio.subprocess.Process, text: str) -> None:
    assert program.stdin is not None
    program.stdin.write(f"{text}\n".encode())


async def kept(state: Path, text: str) -> None:
    """Wait until the program has kept something that was typed."""
    async with asyncio.timeout(SECONDS):
        while not (state.exists() and text in state.read_text()):
            await asyncio.sleep(0.02)


async def test_the_chat_sends_each_line_once_and_shows_each(place: Place, tmp_path: Path) -> None:
    bob = await visitor(place.rig, place.ada.client, "bob")
    await bob.post(f"/api/v1/rooms/{place.room}/join")
    state = tmp_path / "chat.json"
    printed: list[str] = []
    async with running("chat.py", place, bob.token, state) as program:
        typed(program, "one")
        printed += await shown(program, "bob: one")
        await place.stop()
        typed(program, "two, typed while nobody listens")
        await kept(state, "two")
        await place.ada.say(place.room, "said meanwhile")
        await place.start()
        printed += await shown(program, "bob: two, typed while nobody listens")
        await place.stop()
        typed(program, "three, and then it is killed")
        await kept(state, "three")
    await place.start()
    async with running("chat.py", place, bob.token, state) as program:
        printed += await shown(program, "bob: three, and then it is killed")
    said = ["one", "said meanwhile", "two, typed while nobody listens", "three, and then it is killed"]
    assert await place.ada.texts(place.room) == said
    numbers = [int(line.split()[0]) for line in printed]
    assert numbers == sorted(set(numbers)), "each line once, in order"
    assert [line.split(": ")[1] for line in printed if "--" not in line] == said


async def test_the_chat_says_why_it_ends(place: Place, tmp_path: Path) -> None:
    async with running("chat.py", place, "no token", tmp_path / "chat.json") as program:
        async with asyncio.timeout(SECONDS):
            assert await program.wait() == 1


async def test_the_bot_answers_each_line_once(place: Place, tmp_path: Path) -> None:
    bot = await visitor(place.rig, place.ada.client, "bot")
    state = tmp_path / "bot.seen"
    async with running("bot.py", place, bot.token, state):
        async with asyncio.timeout(SECONDS):
            while len(await place.ada.events(place.room)) < 2:
                await asyncio.sleep(0.05)  # it comes in
        await place.ada.say(place.room, "!ping")
        await place.said("ada: pong after")
        before = state.read_text()
    # Killed after the answer, before it noted how far it had read: it answers again, and that is the same answer.
    state.write_text("1")
    async with running("bot.py", place, bot.token, state):
        await place.ada.say(place.room, "that was quick")
        async with asyncio.timeout(SECONDS):
            while int(state.read_text() or 0) <= int(before):
                await asyncio.sleep(0.05)
    texts = await place.ada.texts(place.room)
    assert [text.split(" after")[0] for text in texts] == ["!ping", "ada: pong", "that was quick"]
