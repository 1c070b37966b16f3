"""Deliveries that may have arrived: broken connections, and a hub that is dropped in the middle of a send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, update

from bridge.core import why
from bridge.core.doubts import MOST_REPEATS, REPEATED, SAFE_REPEAT_MS
from bridge.core.items import Echo
from bridge.model.clock import now_ms
from bridge.model.deliveries import DeliveryKey
from bridge.model.errors import Retry, Unreachable
from bridge.model.events import Origin
from bridge.model.ids import PersonId
from bridge.model.rooms import Room
from bridge.store.tables import deliveries
from tests.fakes.tidy import EVERYTHING, RememberingNetwork, TidyNetwork
from tests.rigs.installation import Installation

BLIND = msgspec.structs.replace(EVERYTHING, idempotent=False, ids=False, edits=False, removals=False)
FORGETFUL = msgspec.structs.replace(EVERYTHING, idempotent=False)


class Scene:
    """A room with Anna in it and one network, which can be left in the middle of a send."""

    def __init__(self, world: Installation, room: Room, anna: PersonId) -> None:
        self.world, self.room, self.anna = world, room, anna
        self.network: TidyNetwork = world.networks[0]
        self.chat = f"{room.id}-{self.network.id}"

    async def cut(self, text: str, *, late: bool) -> int:
        """Say a line, and drop the hub while its request is under way: before or (`late`) after its effect."""
        gate = self.network.gate(lambda out: True, late=late)
        placed = await self.world.native.say(self.room.id, self.anna, text)
        await gate.reached.wait()
        await self.world.stop()
        self.network.gates.clear()
        return placed.seq

    def there(self) -> list[str]:
        return self.network.texts(self.chat)

    async def ended(self, seq: int) -> tuple[str, str]:
        (delivery, *_) = await self.world.deliveries(self.room, seq)
        return delivery.state, delivery.reason

    async def age(self, seq: int, by_ms: int) -> None:
        """Let the first try have been so long ago."""

        def unit(connection: Connection) -> None:
            connection.execute(update(deliveries).where(deliveries.c.seq == seq).values(first_try=now_ms() - by_ms))

        await self.world.db.write(unit)


async def begin(folder: Path, network: TidyNetwork) -> Scene:
    world = Installation(folder, network)
    await world.start()
    anna = await world.person("Anna")
    return Scene(world, await world.room(anna), anna)


@pytest.fixture(params=["idempotent", "searchable", "both"])
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    """The networks on which nothing may come twice."""
    made = {
        "idempotent": TidyNetwork(),
        "searchable": RememberingNetwork(can=FORGETFUL),
        "both": RememberingNetwork(),
    }[request.param]
    began = await begin(tmp_path, made)
    yield began
    await began.world.stop()


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_send_that_was_cut_off_arrives_once(scene: Scene, late: bool) -> None:
    seq = await scene.cut("one", late=late)
    await scene.world.start()
    await scene.world.native.say(scene.room.id, scene.anna, "two")
    await scene.world.idle()
    assert scene.there() == ["one", "two"]
    assert await scene.ended(seq) == ("sent", "")


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_connection_that_breaks_again_and_again_doubles_nothing(scene: Scene, late: bool) -> None:
    scene.network.fail(*(Unreachable("reset") for _ in range(5)), late=late)
    placed = await scene.world.native.say(scene.room.id, scene.anna, "one")
    await scene.world.idle()
    assert scene.there() == ["one"]
    assert await scene.world.state(scene.room, placed) == ["sent"]


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_edited_while_it_was_sent(scene: Scene, late: bool) -> None:
    seq = await scene.cut("one", late=late)
    scene.network.closed.add(scene.chat)
    await scene.world.start()
    (line,) = await scene.world.hub.page(scene.room.id, after=seq - 1, limit=1)
    await scene.world.native.edit(scene.room.id, scene.anna, line.entry.event.id, "two", None)
    await scene.world.idle()
    scene.network.closed.clear()
    await scene.world.hub.wake_room(scene.room.id)
    await scene.world.idle()
    assert scene.there() == ["two"]
    assert len(scene.network.chats[scene.chat]) == 1


async def test_removed_while_it_was_sent_and_had_not_arrived(scene: Scene) -> None:
    await scene.cut("secret", late=False)
    await removed_meanwhile(scene)
    assert scene.there() == []


async def test_removed_while_it_was_sent_and_had_arrived(tmp_path: Path) -> None:
    """It can be found, so it is taken back."""
    for number, can in enumerate((EVERYTHING, FORGETFUL)):
        (tmp_path / str(number)).mkdir()
        scene = await begin(tmp_path / str(number), RememberingNetwork(can=can))
        await scene.cut("secret", late=True)
        await removed_meanwhile(scene)
        assert scene.there() == []
        assert len(scene.network.chats[scene.chat]) == 1
        await scene.world.stop()


async def removed_meanwhile(scene: Scene) -> None:
    """Start, with the chat closed until the newest line is removed; then let the lane work."""
    scene.network.closed.add(scene.chat)
    sent_before = len(scene.network.requests)
    await scene.world.start()
    (line,) = await scene.world.hub.page(scene.room.id, limit=1)
    await scene.world.native.remove(scene.room.id, scene.anna, line.entry.event.id, "", None)
    await scene.world.idle()
    scene.network.closed.clear()
    await scene.world.hub.wake_room(scene.room.id)
    await scene.world.idle()
    later = scene.network.requests[sent_before:]
    assert all(out.wording is None for out in later), "its words were not sent again"


async def test_an_edit_that_was_cut_off_is_made_once(scene: Scene) -> None:
    placed = await scene.world.native.say(scene.room.id, scene.anna, "one")
    await scene.world.idle()
    gate = scene.network.gate(lambda out: True, late=True)
    await scene.world.native.edit(scene.room.id, scene.anna, placed.id, "two", None)
    await gate.reached.wait()
    await scene.world.stop()
    scene.network.gates.clear()
    await scene.world.start()
    await scene.world.idle()
    assert scene.network.chats[scene.chat][0].history == ["one", "two"]


async def test_an_old_request_is_looked_for_before_it_is_repeated(tmp_path: Path) -> None:
    """The network has forgotten the request's ID by now."""
    network = RememberingNetwork()
    scene = await begin(tmp_path, network)
    seq = await scene.cut("one", late=True)
    network.closed.add(scene.chat)
    await scene.world.start()
    await scene.age(seq, SAFE_REPEAT_MS + 1)
    network.closed.clear()
    await scene.world.hub.wake_room(scene.room.id)
    await scene.world.idle()
    assert network.searched == 1
    assert scene.there() == ["one"]
    await scene.world.stop()


async def test_an_echo_ends_a_doubt(tmp_path: Path) -> None:
    """The echo comes while the lane waits for its next try."""
    scene = await begin(tmp_path, TidyNetwork(can=FORGETFUL))
    scene.network.fail(Unreachable("reset"), late=True)
    gate = scene.network.gate(lambda out: len(scene.network.requests) == 1, late=True)
    placed = await scene.world.native.say(scene.room.id, scene.anna, "one")
    await gate.reached.wait()
    (link,) = await scene.world.links(scene.room)
    key = DeliveryKey(link.id, scene.room.id, placed.seq)
    await scene.world.hub.submit(scene.room.id, [Echo(Origin(link.network, link.chat, "tidy-1"), key, 0)])
    gate.open()
    await scene.world.idle()
    assert scene.there() == ["one"]
    assert await scene.ended(placed.seq) == ("sent", "")
    await scene.world.stop()


# networks that cannot tell


async def test_where_nothing_can_be_known_a_repeat_is_shown_and_counted(tmp_path: Path) -> None:
    scene = await begin(tmp_path, TidyNetwork(can=BLIND))
    scene.network.fail(Unreachable("reset"), late=True)
    placed = await scene.world.native.say(scene.room.id, scene.anna, "one")
    await scene.world.native.say(scene.room.id, scene.anna, "two")
    await scene.world.idle()
    assert scene.there() == ["one", "one", "two"]
    assert await scene.ended(placed.seq) == ("sent", REPEATED)
    assert scene.world.hub.figures()["repeated"] == 1
    await scene.world.stop()


async def test_where_nothing_can_be_known_the_repeats_are_bounded(tmp_path: Path) -> None:
    scene = await begin(tmp_path, TidyNetwork(can=BLIND))
    scene.network.fail(*(Unreachable("reset") for _ in range(100)), late=True, fits=lambda out: out.key.seq == 2)
    placed = await scene.world.native.say(scene.room.id, scene.anna, "poison")
    await scene.world.native.say(scene.room.id, scene.anna, "two")
    await scene.world.idle()
    assert placed.seq == 2
    assert scene.there() == ["poison"] * (1 + MOST_REPEATS) + ["two"]
    (letter,) = await why.dead_letters(scene.world.hub)
    assert "not known whether it arrived" in letter.reason
    await scene.world.stop()


async def test_where_nothing_can_be_known_a_sure_failure_is_no_doubt(tmp_path: Path) -> None:
    scene = await begin(tmp_path, TidyNetwork(can=BLIND))
    scene.network.fail(*(Unreachable("refused", certain=True) for _ in range(20)))
    scene.network.fail(*(Retry("slow down", status=429) for _ in range(20)))
    placed = await scene.world.native.say(scene.room.id, scene.anna, "one")
    await scene.world.idle()
    assert scene.there() == ["one"]
    assert await scene.ended(placed.seq) == ("sent", "")
    await scene.world.stop()


async def test_where_nothing_can_be_known_a_cut_send_is_repeated(tmp_path: Path) -> None:
    scene = await begin(tmp_path, TidyNetwork(can=BLIND))
    seq = await scene.cut("one", late=True)
    await scene.world.start()
    await scene.world.idle()
    assert scene.there() == ["one", "one"]
    assert await scene.ended(seq) == ("sent", REPEATED)
    await scene.world.stop()
