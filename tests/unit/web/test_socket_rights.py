"""What a socket tells of a room while its reader loses the right to it: nothing from then on, however slow it is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.core.ports import Line
from tests.unit.web.conftest import Client
from tests.unit.web.rig import Rig, Visitor
from tests.unit.web.socket_client import SocketClient, opened


class Gate:
    """Holds up the first page that a socket reads of the log, before or after the database was asked."""

    def __init__(self, rig: Rig, patch: pytest.MonkeyPatch, *, asked: bool) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._page = rig.hub.page
        self._asked = asked
        patch.setattr(rig.hub, "page", self._held)

    async def _held(self, *args: Any, **more: Any) -> list[Line]:
        if self.reached.is_set():
            return await self._page(*args, **more)
        self.reached.set()
        if self._asked:
            found = await self._page(*args, **more)
            await self.open.wait()
            return found
        await self.open.wait()
        return await self._page(*args, **more)


async def _unfollowed(socket: SocketClient, room: str) -> None:
    """Wait until the socket follows no more, or goes live: then it is asked what it tells."""
    while not any(event["ev"] == "live" for event in socket.events):
        if (await socket.ask("ping"))["last"] == {}:
            return


@pytest.mark.parametrize("asked", [False, True], ids=["before the page is read", "after it"])
@pytest.mark.parametrize("after", [0, None], ids=["from a number on", "the newest"])
async def test_who_is_kicked_while_catching_up_is_told_no_more(
    client: Client, ada: Visitor, bob: Visitor, rig: Rig, monkeypatch: pytest.MonkeyPatch, asked: bool,
    after: int | None,
) -> None:
    room = (await ada.post("/api/v1/rooms", {"name": "Quiet", "access": "invite"}, 201))["id"]
    invite = await ada.post(f"/api/v1/rooms/{room}/invites", {}, 201)
    await bob.post(f"/api/v1/invites/{invite['url'].rpartition('/')[2]}")
    await ada.say(room, "for bob too")
    async with opened(client, bob.token) as socket:
        gate = Gate(rig, monkeypatch, asked=asked)
        await socket.ask("follow", room=room, after=after)
        await gate.reached.wait()
        response = await ada.ask("DELETE", f"/api/v1/rooms/{room}/members/{bob.person}")
        assert response.status == 200, await response.text()
        await ada.say(room, "a secret")
        gate.open.set()
        await _unfollowed(socket, room)
        await ada.say(room, "another secret")
        assert (await socket.ask("ping"))["last"] == {}
        assert not {"a secret", "another secret"} & set(socket.texts(room))


async def test_who_catches_up_while_a_room_becomes_private_is_told_no_more(
    client: Client, ada: Visitor, bob: Visitor, room: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(client, bob.token) as socket:
        gate = Gate(rig, monkeypatch, asked=False)
        await socket.ask("follow", room=room, after=0)
        await gate.reached.wait()
        response = await ada.ask("PATCH", f"/api/v1/rooms/{room}", {"access": "invite"})
        assert response.status == 200, await response.text()
        await ada.say(room, "a secret")
        gate.open.set()
        await _unfollowed(socket, room)
        await ada.say(room, "another secret")
        assert (await socket.ask("ping"))["last"] == {}
        assert not {"a secret", "another secret"} & set(socket.texts(room))
