"""The adapter of the nasty network: one connection that speaks for everybody, because there are no ghosts there."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from bridge.core.items import Submission
from bridge.core.people import People
from bridge.core.ports import Health, Intake, NetworkStatus
from bridge.model.capabilities import Capabilities
from bridge.model.clock import now_ms
from bridge.model.deliveries import Outgoing, Sent
from bridge.model.errors import Unreachable
from bridge.model.events import Content, Described, Event, Joined, Left, Origin, Profiled, Said
from bridge.model.ids import NetworkId, PersonId, new_event_id
from bridge.model.rooms import Link, Room
from tests.fakes.nasty.daemon import TEXT_BYTES

NASTY = NetworkId("nasty")
CAN = Capabilities(
    text_bytes=TEXT_BYTES, html=False, edits=False, removals=False, ids=False, idempotent=False, ghosts=False
)
NICK = "rialto"
AGAIN_SECONDS = 0.02


class NastyNetwork:
    """Implements `ports.Network` and `CanDescribe`.

    `deliver` sends a line and then asks whether the connection is alive: an answer proves that the line was taken,
    no answer proves nothing.
    """

    id = NASTY

    def __init__(self, port: Callable[[], int], hub: Intake, people: People, links: Callable[[], list[Link]]) -> None:
        self._port = port
        self._hub = hub
        self._people = people
        self._links = links
        self._status = NetworkStatus(NASTY, "starting")
        self._writer: asyncio.StreamWriter | None = None
        self._joined: set[str] = set()
        self._pongs: dict[str, asyncio.Future[None]] = {}
        self._words = itertools.count(1)
        self._nicks: dict[str, str] = {}

    # ports.Network

    async def run(self) -> None:
        """Connect, read until the connection breaks, connect again."""
        while True:
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port())
            except OSError as error:
                self._turn("down", str(error))
            else:
                await self._converse(reader)
            await asyncio.sleep(AGAIN_SECONDS)

    def status(self) -> NetworkStatus:
        """Return whether there is a connection."""
        return self._status

    def capabilities(self, link: Link) -> Capabilities:
        """Return how little can be done."""
        return CAN

    def ready(self, link: Link) -> bool:
        """Tell whether we are in the chat."""
        return link.open and link.chat in self._joined

    async def deliver(self, out: Outgoing) -> Sent:
        """Send the line, each of its own lines by itself."""
        assert out.wording is not None
        for line in out.wording.text.splitlines() or [""]:
            self._write(f"SAY {out.link.chat} {line}")
        await self._alive()
        return Sent(None)

    async def describe(self, link: Link, room: Room) -> None:
        """Set the chat's name and topic."""
        self._write(f"NAME {link.chat} {room.name}")
        self._write(f"TOPIC {link.chat} {' '.join(room.topic.split())}")
        await self._alive()

    def enter(self, link: Link) -> None:
        """Come into a chat that was linked just now."""
        if self._writer is not None:
            self._write(f"JOIN {link.chat}")

    # the connection

    def _write(self, line: str) -> None:
        if self._writer is None:
            raise Unreachable("not connected", certain=True)
        self._writer.write(line.encode() + b"\n")

    async def _alive(self) -> None:
        """Return once the other side has answered; raise `Unreachable` when the connection breaks before."""
        word = f"a{next(self._words)}"
        pong: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pongs[word] = pong
        self._write(f"PING {word}")
        await pong

    async def _converse(self, reader: asyncio.StreamReader) -> None:
        self._write(f"NICK {NICK}")
        for link in self._links():
            self._write(f"JOIN {link.chat}")
        self._turn("up", "")
        reason = "the connection was closed"
        try:
            while line := await reader.readline():
                await self._take(line.decode().rstrip("\n"))
        except ConnectionError as error:
            reason = str(error)
        finally:
            self._broken(reason)

    def _broken(self, reason: str) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        self._joined.clear()
        pongs, self._pongs = self._pongs, {}
        for pong in pongs.values():
            if not pong.done():
                pong.set_exception(Unreachable(reason))
        self._turn("down", reason)

    def _turn(self, health: Health, detail: str) -> None:
        if self._status.health != health:
            self._status = NetworkStatus(NASTY, health, detail, since=now_ms())
            self._hub.health_changed(self._status)

    # what comes

    async def _take(self, line: str) -> None:
        first, _, rest = line.partition(" ")
        if first == "PING":
            self._write(f"PONG {rest}")
            return
        if first == "PONG":
            pong = self._pongs.pop(rest, None)
            if pong is not None and not pong.done():
                pong.set_result(None)
            return
        word, _, rest = rest.partition(" ")
        chat, _, text = rest.partition(" ")
        link = next((link for link in self._links() if link.chat == chat), None)
        if link is None:
            return
        if first == NICK:
            # The chat hears its own speaker: that is all the echo that there is.
            if word == "JOIN":
                self._joined.add(chat)
                self._hub.wake(link.id)
            return
        await self._submit(link, first, word, text)

    async def _submit(self, link: Link, nick: str, word: str, text: str) -> None:
        known = self._nicks.get(nick, nick)
        content: Content
        match word:
            case "SAY" | "ACT":
                content = Said(text, style="emote" if word == "ACT" else "text")
            case "JOIN":
                content = Joined(nick)
            case "PART":
                content = Left()
            case "NICK":
                self._nicks[text] = known
                content = Profiled(text, was=nick)
            case "NAME":
                content = Described(name=text)
            case "TOPIC":
                content = Described(topic=text)
            case _:
                return
        await self._hub.submit(link.room, [Submission(await self._event(link, known, content))])

    async def _event(self, link: Link, nick: str, content: Content) -> Event:
        who: PersonId = await self._people.at(NASTY, nick, nick)
        made = new_event_id()
        # Nothing there has a name: each line that comes is a new one.
        origin = Origin(NASTY, link.chat, made)
        return Event(made, link.room, who, now_ms(), origin, content)
