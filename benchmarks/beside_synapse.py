"""A real Synapse with a real `rialto run` beside it, rooms that are linked, and a raw way to the same homeserver."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import aiohttp

from tests.rigs.caller import Caller
from tests.rigs.rialto import Rialto, WebUser
from tests.rigs.synapse import Synapse

PASSWORD = "correct horse"
SENT = "SELECT count(*) FROM deliveries WHERE state = 'sent'"
READY = "SELECT count(*) FROM links WHERE state = 'ready'"
PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """A room here and its chat there."""

    id: str
    chat: str


@dataclass
class Beside:
    """Everything that the benchmarks beside a homeserver work with."""

    hs: Synapse
    rialto: Rialto
    web: WebUser
    session: aiohttp.ClientSession
    rooms: list[Place] = field(default_factory=list)
    ghost: str = ""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def database(self) -> Path:
        """Rialto's database."""
        return self.rialto.directory / "rialto.db"

    def fresh(self, word: str) -> str:
        """Return a name that was not used before."""
        return f"{word}-{next(self._numbers)}-{time.time_ns()}"

    async def send_raw(self, chat: str, text: str) -> str:
        """Send a line as the ghost, with a device, a transaction ID and a time as Rialto does; return its event ID."""
        path = f"rooms/{quote(chat)}/send/m.room.message/{self.fresh('raw')}"
        query = {"user_id": self.ghost, "device_id": "RIALTO", "ts": str(time.time_ns() // 1_000_000)}
        async with self.session.put(
            f"{self.hs.url}/_matrix/client/v3/{path}",
            params=query,
            json={"msgtype": "m.text", "body": text},
            headers={"Authorization": f"Bearer {self.rialto.registration.as_token}"},
        ) as answer:
            answer.raise_for_status()
            return str((await answer.json())["event_id"])

    def sent(self) -> int:
        """Return how many deliveries have arrived, seen from outside."""
        return self._count(SENT)

    async def until_sent(self, wanted: int) -> None:
        """Return once so many deliveries have arrived; RuntimeError where one has failed for good."""
        async with asyncio.timeout(PATIENCE):
            while self.sent() < wanted:
                await asyncio.sleep(0.003)  # another process's commit cannot be awaited
        if self._count("SELECT count(*) FROM deliveries WHERE state IN ('dead', 'skipped')"):
            raise RuntimeError("a delivery failed")

    async def until_ready(self, links: int) -> None:
        """Return once so many portals can be used."""
        async with asyncio.timeout(PATIENCE):
            while self._count(READY) < links:
                await asyncio.sleep(0.05)  # as above

    def _count(self, question: str) -> int:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute(question).fetchone()
        return int(found)

    def chats(self) -> list[Place]:
        """Return the rooms and their chats, in the order of their making."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return [Place(*row) for row in connection.execute("SELECT room, chat FROM links ORDER BY created_at, room")]


@asynccontextmanager
async def beside_synapse(directory: Path, *, rooms: int) -> AsyncIterator[Beside]:
    """Run both, with one web person whose ghost is in all of so many rooms; take them down at the end."""
    rialto = Rialto(directory / "rialto")
    hs = Synapse(directory / "synapse")
    hs.add_appservice(rialto.registration_path)
    connector = aiohttp.TCPConnector(limit=0)
    async with hs, rialto, aiohttp.ClientSession(connector=connector) as session:
        rialto.configure(hs.url, "log:\n  level: warning\n")
        await _command(rialto, "user", "add", "anna", "--password-stdin", stdin=f"{PASSWORD}\n")
        await rialto.start()
        await rialto.ready()
        web = await WebUser(rialto.url, session).login("anna", PASSWORD)
        beside = Beside(hs, rialto, web, session)
        for number in range(rooms):
            await web.call("POST", "rooms", {"name": f"Room {number}"})
        await beside.until_ready(rooms)
        beside.rooms = beside.chats()
        # The first line of each brings the ghost in.
        for room in beside.rooms:
            await web.say(room.id, "a line before the measurement", beside.fresh("first"))
        await beside.until_sent(rooms)
        beside.ghost = f"@rialto_{web.account['person']}:{rialto.server_name}"
        yield beside
        await rialto.stop()


async def _command(rialto: Rialto, *words: str, stdin: str = "") -> str:
    code, output = await rialto.command(*words, stdin=stdin)
    if code:
        raise RuntimeError(f"rialto {' '.join(words)}: {output}")
    return output


async def joined_user(beside: Beside, name: str) -> Caller:
    """Return an ordinary user of the homeserver who is in every room."""
    _, token = await beside.hs.register_user(name, PASSWORD)
    caller = Caller(beside.hs.url, token, session=beside.session)
    for room in beside.rooms:
        (await caller.join(room.chat)).ok()
    return caller
