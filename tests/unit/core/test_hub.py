"""The hub: viewers, descriptions, rooms that are put away and loaded again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection

from bridge.core import watching, why
from bridge.core.items import LinkChange
from bridge.core.ports import Delivered, FellBehind, Frame, Fresh, RoomChanged, StatusChanged, Watch
from bridge.model.errors import Refused, Rejected, Retry
from bridge.model.events import Described, Edited, Removed, Said
from bridge.model.ids import NetworkId, PersonId, RoomId
from bridge.model.people import Member
from bridge.model.rooms import Room
from bridge.store import rooms
from tests.fakes.tidy import PeopledNetwork, TidyNetwork
from tests.rigs.installation import Installation


@pytest.fixture
def network() -> PeopledNetwork:
    return PeopledNetwork()


@pytest.fixture
async def world(tmp_path: Path, network: PeopledNetwork) -> AsyncIterator[Installation]:
    async with Installation(tmp_path, network) as made:
        yield made


@pytest.fixture
async def anna(world: Installation) -> PersonId:
    return await world.person("Anna")


@pytest.fixture
async def room(world: Installation, anna: PersonId) -> Room:
    return await world.room(anna)


async def until(watch: Watch, kind: type[Frame]) -> list[Frame]:
    """The frames up to the first of a kind."""
    frames: list[Frame] = []
    async with asyncio.timeout(10):
        while not frames or not isinstance(frames[-1], kind):
            frames.append(await watch.next())
    return frames


async def test_a_viewer_sees_what_happens_after_the_commit(world: Installation, anna: PersonId, room: Room) -> None:
    async with world.hub.watch(room.id) as watch:
        placed = await world.native.say(room.id, anna, "hi")
        (fresh,) = await until(watch, Fresh)
        assert isinstance(fresh, Fresh)
        assert (fresh.entry.seq, fresh.entry.present) == (placed.seq, Said("hi"))
        states: list[str] = []
        while not states or states[-1] != "sent":
            delivered = (await until(watch, Delivered))[-1]
            assert isinstance(delivered, Delivered)
            states.append(delivered.delivery.state)
        assert states == ["sending", "sent"]
        await world.native.edit(room.id, anna, placed.id, "ho", None)
        await world.native.remove(room.id, anna, placed.id, "", None)
        for wanted in (Edited, Removed):
            change = (await until(watch, Fresh))[-1]
            assert isinstance(change, Fresh)
            assert (type(change.entry.event.content), change.target) == (wanted, placed.seq)
        await world.native.describe(room.id, anna, topic="news")
        changed = (await until(watch, RoomChanged))[-1]
        assert isinstance(changed, RoomChanged)
        assert changed.room.topic == "news"
        world.hub.health_changed(world.hub.statuses()[0])
        assert isinstance((await until(watch, StatusChanged))[-1], StatusChanged)


async def test_a_viewer_of_another_room_sees_nothing_of_it(world: Installation, anna: PersonId, room: Room) -> None:
    other = await world.room(anna, name="Market")
    await world.idle()
    async with world.hub.watch(other.id) as watch:
        await world.native.say(room.id, anna, "here")
        await world.idle()
        placed = await world.native.say(other.id, anna, "there")
        frame = await watch.next()
        assert isinstance(frame, Fresh)
        assert (frame.entry.event.room, frame.entry.seq) == (other.id, placed.seq)


async def test_a_viewer_that_is_too_slow_is_told_and_keeps_little(
    world: Installation, anna: PersonId, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "QUEUE", 10)
    async with world.hub.watch(room.id) as slow, world.hub.watch(room.id) as quick:
        seen = 0
        for number in range(25):
            await world.native.say(room.id, anna, str(number))
            seen += sum(isinstance(frame, Fresh) for frame in await until(quick, Fresh))
        await world.idle()
        assert seen == 25
        world.hub.health_changed(world.hub.statuses()[0])
        frames = await until(slow, StatusChanged)
        assert frames[0] == FellBehind(), "what came before is not shown as if nothing were missing"
        assert len(frames) <= 10
    assert world.hub.viewers.count == 0


async def test_a_room_is_put_away_only_when_nothing_happens_there(
    world: Installation, anna: PersonId, room: Room, network: PeopledNetwork
) -> None:
    def loaded() -> int:
        return world.hub.figures()["rooms"]

    def put_away() -> None:
        # The first call forgets who asked for the room of late.
        world.hub.put_idle_away()
        world.hub.put_idle_away()

    await world.idle()
    world.hub.put_idle_away()
    assert loaded() == 1, "somebody just asked for it"
    async with world.hub.watch(room.id):
        put_away()
        assert loaded() == 1, "somebody watches"
    gate = network.gate()
    await world.native.say(room.id, anna, "one")
    await gate.reached.wait()
    put_away()
    assert loaded() == 1, "a lane works"
    gate.open()
    await world.idle()
    network.closed.add(f"{room.id}-tidy")
    await world.native.say(room.id, anna, "two")
    await world.idle()
    put_away()
    assert loaded() == 1, "a line waits for its chat"
    network.closed.clear()
    await world.hub.wake_room(room.id)
    await world.idle()
    put_away()
    assert loaded() == 0
    assert world.hub.figures()["lanes_idle"] == 0
    again = await world.native.say(room.id, anna, "three")
    assert again.fresh
    await world.idle()
    assert network.texts(f"{room.id}-tidy") == ["one", "two", "three"]


async def test_however_many_ask_a_room_is_loaded_once(world: Installation, anna: PersonId, room: Room) -> None:
    await world.restart()
    placed = await asyncio.gather(*(world.native.say(room.id, anna, str(number)) for number in range(20)))
    assert len({place.seq for place in placed}) == 20
    assert world.hub.figures()["rooms"] == 1


async def test_a_room_that_could_not_be_loaded_is_loaded_by_the_next(
    world: Installation, anna: PersonId, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.restart()
    members_of = rooms.members_of
    failures = [OSError("disk"), OSError("disk")]

    def failing(connection: Connection, room: RoomId) -> list[Member]:
        if failures:
            raise failures.pop()
        return members_of(connection, room)

    monkeypatch.setattr(rooms, "members_of", failing)
    for _ in range(2):
        with pytest.raises(OSError, match="disk"):
            await world.native.say(room.id, anna, "hi")
    assert (await world.native.say(room.id, anna, "hi")).fresh


# descriptions


async def test_a_description_reaches_the_chat_however_often_it_fails(
    world: Installation, anna: PersonId, room: Room, network: PeopledNetwork
) -> None:
    network.describe_faults = [Retry("503", status=503), Retry("429", after=9, status=429)]
    await world.native.describe(room.id, anna, name="Market", topic="news")
    await network.until(lambda: bool(network.described))
    assert [(shown.name, shown.topic) for shown in network.described] == [("Market", "news")]
    await world.restart()
    await world.native.describe(room.id, anna, topic="more news")
    await network.until(lambda: len(network.described) == 2)
    assert network.described[-1].topic == "more news"


async def test_a_description_that_is_refused_is_tried_with_the_next_change(
    world: Installation, anna: PersonId, room: Room, network: PeopledNetwork
) -> None:
    network.describe_faults = [Rejected("no", status=403)]
    await world.native.describe(room.id, anna, topic="one")
    await world.native.describe(room.id, anna, topic="two")
    await network.until(lambda: bool(network.described))
    assert network.described[-1].topic == "two"


async def test_what_a_chat_says_of_itself_is_not_said_back(
    world: Installation, anna: PersonId, room: Room, network: PeopledNetwork
) -> None:
    (link,) = await world.links(room)
    marco = await world.visitor(link, "@marco")
    await marco.do(Described(name="Market"))
    await world.native.describe(room.id, anna, topic="news")
    await network.until(lambda: bool(network.described))
    assert [(shown.name, shown.topic) for shown in network.described] == [("Market", "news")]


async def test_what_waits_for_a_chat_is_not_lost_by_what_it_says_itself(
    world: Installation, anna: PersonId, room: Room, network: PeopledNetwork
) -> None:
    """The page changes the topic while the network is away; then somebody there changes the name."""
    network.describe_faults = [Retry("away") for _ in range(3)]
    (link,) = await world.links(room)
    marco = await world.visitor(link, "@marco")
    topic = asyncio.create_task(world.native.describe(room.id, anna, topic="news"))
    await marco.do(Described(name="Market"))
    await topic
    await network.until(lambda: bool(network.described) and network.described[-1].topic == "news")
    assert network.described[-1].name == "Market"


# what is known, and what is told


async def test_why_follows_an_event_by_every_name(
    world: Installation, anna: PersonId, room: Room, network: PeopledNetwork
) -> None:
    placed = await world.native.say(room.id, anna, "hi")
    (delivery,) = await world.deliveries(room, placed.seq)
    for reference in (placed.id, f"{room.id}:{placed.seq}", delivery.remote_id or ""):
        (account,) = await why.why(world.hub, reference)
        assert (account.where, account.room, account.seq, account.kind) == ("log", room.id, placed.seq, "said")
        assert [(fate.network, fate.state) for fate in account.fates] == [("tidy", "sent")]
    assert await why.why(world.hub, "nothing") == []


async def test_why_says_what_a_line_waits_for(
    world: Installation, anna: PersonId, room: Room, network: PeopledNetwork
) -> None:
    network.closed.add(f"{room.id}-tidy")
    placed = await world.native.say(room.id, anna, "hi")
    await world.idle()
    (account,) = await why.why(world.hub, placed.id)
    assert [(fate.state, fate.lane_waits_for) for fate in account.fates] == [("waiting", "the chat is not ready")]


async def test_one_network_that_is_back_hurries_nobody_else(tmp_path: Path) -> None:
    one, two = TidyNetwork("one"), TidyNetwork("two")
    async with Installation(tmp_path, one, two) as world:
        anna = await world.person("Anna")
        await world.room(anna)
        hurried = [lane.network for lane in world.hub._lanes.values() if lane._retry.is_set()]
        world.hub.retry_now(NetworkId("two"))
        hurried += [lane.network for lane in world.hub._lanes.values() if lane._retry.is_set()]
        assert set(hurried) <= {"two"}


async def test_a_link_that_becomes_ready_opens_its_lane_and_its_seats(tmp_path: Path) -> None:
    network = PeopledNetwork()
    async with Installation(tmp_path, network) as world:
        anna = await world.person("Anna")
        room = await world.room()
        (link,) = await world.links(room)
        await world.hub.submit(room.id, [LinkChange(msgspec.structs.replace(link, state="creating"))])
        await world.native.join(room.id, anna)
        await world.native.say(room.id, anna, "hi")
        await world.idle()
        assert network.requests == []
        await world.hub.change_link(link)
        await network.until(lambda: network.texts(link.chat) == ["hi"])
        await network.until(lambda: (link.id, anna) in network.seats)


async def test_the_page_of_a_room_names_authors_who_never_came_in(world: Installation, room: Room) -> None:
    (link,) = await world.links(room)
    stranger = await world.visitor(link, "@stranger")
    await stranger.say("hi")
    (line,) = await world.hub.page(room.id, limit=1)
    assert (line.who.shown, line.who.joined, line.who.home) == ("@stranger", False, "tidy")


async def test_nobody_may_write_in_a_room_they_left(world: Installation, anna: PersonId, room: Room) -> None:
    await world.native.leave(room.id, anna)
    with pytest.raises(Refused) as refused:
        await world.native.say(room.id, anna, "hi")
    assert refused.value.status == 403
