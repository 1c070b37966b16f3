"""A small network for tests of the page: it hosts every public room, and does what the test tells it to."""

from __future__ import annotations

import asyncio

import msgspec

from bridge.core.hub import Hub
from bridge.core.ports import Health, NetworkStatus
from bridge.model.capabilities import Capabilities
from bridge.model.deliveries import Outgoing, Sent
from bridge.model.errors import Rejected, Unreachable
from bridge.model.ids import MATRIX, NetworkId
from bridge.model.rooms import Link, Room


class SmallNetwork:
    """Implements `ports.Network` and `ports.CanHost` under the name of Matrix, in memory."""

    def __init__(self) -> None:
        self.hub: Hub | None = None
        self.sent: list[Outgoing] = []
        self.refusing = ""
        self.health: Health = "up"
        self._opening: set[asyncio.Task[None]] = set()

    @property
    def id(self) -> NetworkId:
        return MATRIX

    async def run(self) -> None:
        await asyncio.Event().wait()

    def status(self) -> NetworkStatus:
        return NetworkStatus(MATRIX, self.health, detail="as the test says", since=1)

    def turn(self, health: Health) -> None:
        """Be well or unwell from now on, and say so."""
        self.health = health
        assert self.hub is not None
        self.hub.health_changed(self.status())
        if health == "up":
            self.hub.retry_now(MATRIX)

    def capabilities(self, link: Link) -> Capabilities:
        return Capabilities(
            text_bytes=60_000, html=True, edits=True, removals=True, ids=True, idempotent=True, ghosts=True
        )

    def ready(self, link: Link) -> bool:
        return True

    async def deliver(self, out: Outgoing) -> Sent:
        if self.health != "up":
            raise Unreachable("no answer", certain=True)
        if self.refusing:
            raise Rejected(self.refusing, status=403)
        self.sent.append(out)
        return Sent(f"$remote{len(self.sent)}")

    def mirrors(self, room: Room, *, asked: bool = False) -> bool:
        return room.public or (asked and room.access == "invite")

    def address(self, room: Room) -> str:
        return f"#rialto_{room.slug}:example.org"

    def open(self, link: Link) -> None:
        task = asyncio.create_task(self._open(link))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, link: Link) -> None:
        assert self.hub is not None
        await self.hub.change_link(msgspec.structs.replace(link, chat=f"!{link.room}:example.org", state="ready"))

    async def settled(self) -> None:
        """Wait until every chat that was begun is there."""
        while self._opening:
            await asyncio.gather(*self._opening)
