"""Random conversations over two networks that fail at random: both end with the same lines, in order, once."""

from __future__ import annotations

import asyncio
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.core.items import Placed
from bridge.model.deliveries import Outgoing, Sent
from bridge.model.errors import AuthFailed, NotJoined, Retry, Unreachable
from bridge.model.events import Joined, Left
from bridge.model.ids import EventId, PersonId
from bridge.model.rooms import Room
from tests.fakes.tidy import EVERYTHING, PeopledNetwork, RememberingNetwork, TidyNetwork, Visitor
from tests.rigs.installation import Installation

Act = tuple[Literal["say", "edit", "remove", "join", "leave", "restart"], int, int]

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["say", "say", "say", "say", "edit", "edit", "remove", "join", "leave", "restart"]),
        st.integers(min_value=0, max_value=2),
        st.integers(min_value=0, max_value=5),
    ),
    min_size=1,
    max_size=40,
)


class Flaky(RememberingNetwork, PeopledNetwork):
    """Fails at random, before the effect or after it, with a dice of its own; quiet once `calm` is set."""

    def __init__(self, name: str, seed: int, *, idempotent: bool, text_bytes: int) -> None:
        super().__init__(
            name, msgspec.structs.replace(EVERYTHING, idempotent=idempotent, text_bytes=text_bytes, html=False)
        )
        self._dice = random.Random(seed)
        self.calm = False

    async def deliver(self, out: Outgoing) -> Sent:
        """Deliver, or not, or deliver and say that it was not."""
        throw = 1.0 if self.calm else self._dice.random()
        if throw < 0.12:
            raise self._dice.choice(
                [Retry("429", status=429), Retry("503", status=503), Unreachable("reset"), AuthFailed("401")]
            )
        if throw < 0.15 and (out.link.id, out.sender.person) in self.seats:
            del self.seats[out.link.id, out.sender.person]
            raise NotJoined("not in the room", status=403)
        sent = await super().deliver(out)
        if throw < 0.3:
            raise Unreachable("reset after the effect")
        return sent


@dataclass
class Conversation:
    """Two people on the page and one from each network; what each said, as it should read at the end."""

    world: Installation
    room: Room
    anna: PersonId
    visitors: list[Visitor]
    lines: list[tuple[int, str, EventId]] = field(default_factory=list)
    wanted: dict[str, str | None] = field(default_factory=dict)
    numbers: dict[str, set[str]] = field(default_factory=dict)
    number: int = 0

    async def act(self, act: Act) -> None:
        """Let one thing happen."""
        what, who, which = act
        self.number += 1
        match what:
            case "say":
                await self.say(who, f"{who} line #{self.number}")
            case "edit" | "remove":
                if mine := [line for line in self.lines if line[0] == who]:
                    await self.change(what, mine[which % len(mine)])
            case "join" | "leave":
                await self.move(who, what)
            case "restart":
                await self.world.restart()
                for visitor in self.visitors:
                    visitor.rebind(self.world.hub)

    async def say(self, who: int, text: str) -> None:
        if who == 0:
            await self.world.native.join(self.room.id, self.anna)
            placed = await self.world.native.say(self.room.id, self.anna, text)
            self.lines.append((who, "", placed.id))
        else:
            result = await self.visitors[who - 1].say(text, f"${self.number}")
            assert isinstance(result, Placed)
            self.lines.append((who, f"${self.number}", result.id))
        self.wanted[self.lines[-1][2]] = text
        self.numbers[self.lines[-1][2]] = {f"#{self.number}"}

    async def change(self, what: str, line: tuple[int, str, EventId]) -> None:
        who, origin, event = line
        if self.wanted[event] is None:
            return
        text = f"{who} edited #{self.number}" if what == "edit" else None
        if who == 0:
            await self.world.native.join(self.room.id, self.anna)
        if who > 0 and text is not None:
            await self.visitors[who - 1].edit(origin, text)
        elif who > 0:
            await self.visitors[who - 1].remove(origin)
        elif text is not None:
            await self.world.native.edit(self.room.id, self.anna, event, text, None)
        else:
            await self.world.native.remove(self.room.id, self.anna, event, "", None)
        self.wanted[event] = text
        self.numbers[event].add(f"#{self.number}")

    async def move(self, who: int, what: str) -> None:
        if who > 0:
            await self.visitors[who - 1].do(Joined(f"visitor {who}") if what == "join" else Left())
        elif what == "join":
            await self.world.native.join(self.room.id, self.anna)
        else:
            member = await self.world.hub.member(self.room.id, self.anna)
            if member is not None and member.joined:
                await self.world.native.leave(self.room.id, self.anna)

    def expected(self, network: int) -> list[str]:
        """What is to be read at a network in the end: what was not said there itself."""
        return [text for who, _, event in self.lines if who != network + 1 and (text := self.wanted[event]) is not None]


async def converse(folder: Path, acts: list[Act], seed: int, text_bytes: int) -> None:
    networks = [
        Flaky("left", seed, idempotent=True, text_bytes=text_bytes),
        Flaky("right", seed + 1, idempotent=False, text_bytes=text_bytes),
    ]
    async with Installation(folder, *networks) as world:
        anna = await world.person("Anna")
        room = await world.room(anna)
        visitors = [await world.visitor(link, f"@{link.network}") for link in await world.links(room)]
        talk = Conversation(world, room, anna, visitors)
        for act in acts:
            await talk.act(act)
        for network in networks:
            network.calm = True
        await asyncio.wait_for(world.idle(), 20)
        for index, network in enumerate(networks):
            check(talk, index, network)
        check_log(talk, await world.log(room.id))


def check(talk: Conversation, index: int, network: TidyNetwork) -> None:
    chat = f"{talk.room.id}-{network.id}"
    assert " ".join(network.texts(chat)) == " ".join(talk.expected(index)), network.id
    readable = {word for post in network.chats.get(chat, []) for wording in post.history for word in wording.split()}
    for event, numbers in talk.numbers.items():
        if talk.wanted[event] is None:
            assert not readable & numbers, "of what was removed not a word is left, in no edit of it either"


def check_log(talk: Conversation, contents: list[object]) -> None:
    said = [getattr(content, "text", None) for content in contents if hasattr(content, "text")]
    assert said == [text for _, _, event in talk.lines if (text := talk.wanted[event]) is not None]


@pytest.mark.parametrize("text_bytes", [60_000, 12], ids=["whole lines", "tiny lines"])
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=ACTS, seed=st.integers(min_value=0, max_value=1 << 16))
def test_both_sides_end_with_the_same_lines(database: str, text_bytes: int, acts: list[Act], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(converse(Path(folder), acts, seed, text_bytes))
