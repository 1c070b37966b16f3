"""Lines that are marked as sending before their turn: one commit for some, and no promise of a lane given up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection

from bridge.core.lanes import AHEAD
from bridge.model.clock import now_ms
from bridge.model.deliveries import DeliveryKey
from bridge.model.errors import Unreachable
from bridge.model.ids import PersonId
from bridge.model.rooms import Room
from bridge.store import outbox
from tests.fakes.tidy import EVERYTHING, TidyNetwork
from tests.rigs.installation import Installation

BLIND = msgspec.structs.replace(EVERYTHING, idempotent=False)


class Scene:
    """A room, Anna in it, and a network that is closed while lines gather."""

    def __init__(self, world: Installation, room: Room, anna: PersonId) -> None:
        self.world, self.room, self.anna = world, room, anna
        self.network: TidyNetwork = world.networks[0]
        self.chat = f"{room.id}-{self.network.id}"

    async def gather(self, count: int) -> list[int]:
        """Let so many lines wait."""
        self.network.closed.add(self.chat)
        seqs = [(await self.world.native.say(self.room.id, self.anna, f"line {n}")).seq for n in range(count)]
        await self.world.idle()
        return seqs

    async def open(self) -> None:
        """Let them go."""
        self.network.closed.clear()
        await self.world.hub.wake_room(self.room.id)

    async def states(self, seqs: list[int]) -> list[str]:
        """What the table says, without waiting for anything."""
        found = await self.world.db.read(lambda c: outbox.of_page(c, self.room.id, seqs[0], seqs[-1]))
        return [found[seq][0].state for seq in seqs]

    def there(self) -> list[str]:
        return self.network.texts(self.chat)


async def begin(world: Installation) -> Scene:
    anna = await world.person("Anna")
    return Scene(world, await world.room(anna), anna)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with Installation(tmp_path, TidyNetwork()) as world:
        yield await begin(world)


async def test_what_follows_is_marked_with_the_first(scene: Scene) -> None:
    seqs = await scene.gather(AHEAD + 4)
    gate = scene.network.gate()
    await scene.open()
    await gate.reached.wait()
    assert await scene.states(seqs) == ["sending"] * (1 + AHEAD) + ["waiting"] * 3
    scene.network.gates.clear()
    gate.open()
    await scene.world.idle()
    assert scene.there() == [f"line {number}" for number in range(AHEAD + 4)]
    assert await scene.states(seqs) == ["sent"] * (AHEAD + 4)


async def test_a_network_that_cannot_tell_a_repeat_gets_one_at_a_time(tmp_path: Path) -> None:
    async with Installation(tmp_path, TidyNetwork(can=BLIND)) as world:
        scene = await begin(world)
        seqs = await scene.gather(4)
        gate = scene.network.gate()
        await scene.open()
        await gate.reached.wait()
        assert await scene.states(seqs) == ["sending", "waiting", "waiting", "waiting"]
        gate.open()


async def test_after_a_failure_only_the_one_that_was_tried_is_in_doubt(scene: Scene) -> None:
    seqs = await scene.gather(4)
    scene.network.fail(Unreachable("reset"))
    gate = scene.network.gate(lambda out: len(scene.network.requests) > 1)
    await scene.open()
    await gate.reached.wait()
    assert await scene.states(seqs) == ["sending", "waiting", "waiting", "waiting"]
    gate.open()
    await scene.world.idle()
    assert scene.there() == [f"line {number}" for number in range(4)]


async def test_a_stop_leaves_no_doubt_about_what_was_not_sent(scene: Scene) -> None:
    seqs = await scene.gather(4)
    gate = scene.network.gate()
    await scene.open()
    await gate.reached.wait()
    await scene.world.stop()
    scene.network.gates.clear()
    scene.network.closed.add(scene.chat)
    await scene.world.start()
    assert await scene.states(seqs) == ["sending", "waiting", "waiting", "waiting"]
    await scene.open()
    await scene.world.idle()
    assert scene.there() == [f"line {number}" for number in range(4)]


@pytest.mark.parametrize("arrived", [0, 1, 2, 3], ids=lambda count: f"{count} had arrived")
async def test_after_a_crash_all_that_were_marked_arrive_once(scene: Scene, arrived: int) -> None:
    """A kill leaves the marks of all; some of them may have been sent and not be noted."""
    seqs = await scene.gather(4)
    (link,) = await scene.world.links(scene.room)
    keys = [DeliveryKey(link.id, scene.room.id, seq) for seq in seqs]
    await scene.open()
    await scene.network.until(lambda: len(scene.there()) >= arrived)
    await scene.world.idle()
    await scene.world.stop()
    posts = scene.network.chats[scene.chat]
    for post in posts[arrived:]:
        post.text = None
    scene.network._answers = {key: known for key, known in scene.network._answers.items() if key[0] in keys[:arrived]}
    await scene.world.start()

    def as_a_kill_left_them(connection: Connection) -> None:
        for key in keys:
            outbox.settle(connection, key, "waiting")
        outbox.mark_sending(connection, dict.fromkeys(keys, 0), now_ms())

    await scene.world.db.write(as_a_kill_left_them)
    await scene.world.hub.wake_room(scene.room.id)
    await scene.world.idle()
    assert scene.there() == [f"line {number}" for number in range(4)]


@pytest.mark.parametrize("what", ["edited", "removed"])
async def test_a_marked_line_that_changes_is_sent_as_it_is_then(scene: Scene, what: str) -> None:
    seqs = await scene.gather(3)
    gate = scene.network.gate(lambda out: out.key.seq == seqs[0])
    await scene.open()
    await gate.reached.wait()
    (line,) = await scene.world.hub.page(scene.room.id, after=seqs[1] - 1, limit=1)
    if what == "edited":
        await scene.world.native.edit(scene.room.id, scene.anna, line.entry.event.id, "other words", None)
    else:
        await scene.world.native.remove(scene.room.id, scene.anna, line.entry.event.id, "", None)
    gate.open()
    await scene.world.idle()
    assert scene.there() == ["line 0", *(["other words"] if what == "edited" else []), "line 2"]
    assert not any("line 1" in repr(out) for out in scene.network.requests), "the old words never left"
    assert await scene.states(seqs) == ["sent", "sent" if what == "edited" else "cancelled", "sent"]


async def test_the_first_of_a_longer_line_is_not_marked_without_its_parts(tmp_path: Path) -> None:
    network = TidyNetwork(can=msgspec.structs.replace(EVERYTHING, text_bytes=12, html=False))
    async with Installation(tmp_path, network) as world:
        scene = await begin(world)
        network.closed.add(scene.chat)
        texts = ("short", "one two three four five", "brief")
        seqs = [(await world.native.say(scene.room.id, scene.anna, text)).seq for text in texts]
        gate = network.gate()
        await scene.open()
        await gate.reached.wait()
        assert await scene.states(seqs) == ["sending", "waiting", "sending"]
        network.gates.clear()
        gate.open()
        await world.idle()
        assert " ".join(scene.there()) == " ".join(texts)
