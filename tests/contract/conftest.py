"""The stage on which one suite runs over the fake homeserver and over a real Synapse."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
import pytest_asyncio

from tests.fakes.homeserver import FakeHomeserver
from tests.rigs.appservice import RecordingAppservice
from tests.rigs.caller import Caller
from tests.rigs.synapse import Synapse, require_synapse


class Homeserver(Protocol):
    """What the two have in common: tests written against this run over both."""

    server_name: str

    @property
    def url(self) -> str:
        """The client-server address."""
        ...

    async def register_user(self, name: str, password: str, *, admin: bool = False) -> tuple[str, str]:
        """(user ID, access token)."""
        ...

    async def start(self) -> None:
        """Start again."""
        ...

    async def stop(self) -> None:
        """End in order."""
        ...

    async def kill(self) -> None:
        """End at once."""
        ...


@dataclass
class Stage:
    """A homeserver with an application service, two ordinary users, and fresh names for every test."""

    hs: Homeserver
    service: RecordingAppservice
    bot: Caller
    alice: Caller
    bob: Caller
    alice_id: str
    bob_id: str
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def fresh(self, word: str) -> str:
        """A name that no other test has."""
        return f"{word}{next(self._numbers)}"

    async def register(self, localpart: str, **more: Any) -> Any:
        """Register a ghost as an application service does: the whole answer."""
        body = {"type": "m.login.application_service", "username": localpart, "inhibit_login": True, **more}
        return await self.bot.call("POST", "register", body)

    async def ghost(self, *, device: bool = False) -> tuple[Caller, str]:
        """A registered ghost: somebody who acts as it (with the device RIALTO if asked), and its user ID."""
        name = self.fresh("ghost")
        (await self.register(f"{self.service.prefix}_{name}")).ok()
        user_id = self.service.ghost(name)
        acting = self.bot.acting_as(user_id)
        if device:
            made = await acting.call("PUT", "devices/RIALTO", {"display_name": "Rialto"})
            assert made.status == 201
            acting = self.bot.acting_as(user_id, "RIALTO")
        return acting, user_id

    async def room(self, *members: Caller, **body: Any) -> str:
        """A public room made by the bot, with these people in it."""
        room_id = await self.bot.create_room(**{"preset": "public_chat", **body})
        for member in members:
            (await member.join(room_id)).ok()
        return room_id

    async def history(self, room_id: str) -> list[dict[str, Any]]:
        """All events of a room that the bot sees, oldest first."""
        chunk: list[dict[str, Any]] = (await self.bot.messages(room_id, limit=1000)).ok()["chunk"]
        return chunk[::-1]


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["fake", pytest.param("synapse", marks=pytest.mark.homeserver)]
)
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One homeserver for the whole module."""
    if request.param == "synapse":
        require_synapse()
        hs: Synapse | FakeHomeserver = Synapse(tmp_path_factory.mktemp("synapse"))
    else:
        hs = FakeHomeserver(backoff=0.05)
    async with RecordingAppservice(server_name=hs.server_name) as service:
        hs.add_appservice(service.registration())
        async with hs, Caller(hs.url, service.as_token) as bot:
            alice_id, alice = await hs.register_user("alice", "alice's password")
            bob_id, bob = await hs.register_user("bob", "bob's password")
            yield Stage(hs, service, bot, bot.with_token(alice), bot.with_token(bob), alice_id, bob_id)
