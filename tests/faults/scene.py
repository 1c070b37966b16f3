"""The scene of the fault tests: a homeserver, a Rialto process beside it, and a room with people on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import aiohttp

from tests.fakes.homeserver import FakeHomeserver
from tests.faults.conversation import Conversation
from tests.rigs.caller import Caller
from tests.rigs.database import given_url
from tests.rigs.rialto import Rialto, WebUser
from tests.rigs.synapse import Synapse, require_synapse

Homeserver = FakeHomeserver | Synapse
Kind = Literal["fake", "synapse"]
PASSWORD = "correct horse"


@dataclass
class Scene:
    """Everything that a fault test works with."""

    hs: Homeserver
    rialto: Rialto
    talk: Conversation
    session: aiohttp.ClientSession
    provoked: list[asyncio.Task[None]] = field(default_factory=list)

    async def restart_homeserver(self, *, hard: bool) -> None:
        """Restart the homeserver, in order or as a power cut would."""
        if isinstance(self.hs, FakeHomeserver):
            # What the real one was seen to lose at a restart, this one loses every time.
            await self.hs.restart(lose="pending")
            return
        await (self.hs.kill() if hard else self.hs.stop())
        await self.hs.start()

    async def new_web_user(self, name: str) -> WebUser:
        """Make an account through the running server, and sign it in."""
        while True:
            code, output = await self.rialto.command("user", "add", name, "--password-stdin", stdin=f"{PASSWORD}\n")
            if code == 0 or "is taken" in output:
                break
            assert "locked" in output or "Disconnected" in output, output
        return await WebUser(self.rialto.url, self.session).login(name, PASSWORD)


@asynccontextmanager
async def scene(
    kind: Kind, directory: Path, *, web: int = 2, matrix: int = 2, database: str | None = None
) -> AsyncIterator[Scene]:
    """Set the scene with so many people on each side, all in one room; take it down at the end.

    `database` is another than the one that the run of the tests is on.
    """
    rialto = Rialto(directory / "rialto", database=database or given_url())
    async with homeserver(kind, directory, rialto) as hs, rialto, aiohttp.ClientSession() as session:
        rialto.configure(hs.url)
        names = [f"anna{number}" for number in range(web)]
        for name in names:
            code, output = await rialto.command("user", "add", name, "--password-stdin", stdin=f"{PASSWORD}\n")
            assert code == 0, output
        code, output = await rialto.command("room", "create", "Piazza", "--owner", names[0])
        assert code == 0, output
        room, alias = output.split()
        await rialto.start()
        await rialto.ready()
        users = [await WebUser(rialto.url, session).login(name, PASSWORD) for name in names]
        for user in users[1:]:
            await user.call("POST", f"rooms/{room}/join")
        callers = []
        for number in range(matrix):
            _, token = await hs.register_user(f"marco{number}", PASSWORD)
            callers.append(Caller(hs.url, token, session=session))
        talk = Conversation(rialto, room, alias, users, callers)
        for caller in callers:
            talk.room_id = (await caller.join(alias)).ok()["room_id"]
        yield Scene(hs, rialto, talk, session)


@asynccontextmanager
async def homeserver(kind: Kind, directory: Path, rialto: Rialto) -> AsyncIterator[Homeserver]:
    """Run a homeserver that knows `rialto`."""
    hs: Homeserver
    if kind == "synapse":
        require_synapse()
        hs = Synapse(directory / "synapse")
    else:
        hs = FakeHomeserver()
    hs.add_appservice(rialto.registration_path)
    async with hs:
        yield hs
