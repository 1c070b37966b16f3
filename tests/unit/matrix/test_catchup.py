"""Catch-up: what the homeserver kept and did not hand over comes in its place, portal by portal."""

from __future__ import annotations

import asyncio
import contextlib
import json

import msgspec
import pytest

from bridge.model.errors import Rejected, Retry
from bridge.model.events import Said
from bridge.model.rooms import Link, Room
from bridge.networks.matrix.answers import Page
from bridge.networks.matrix.network import MatrixNetwork
from tests.rigs.caller import Caller
from tests.rigs.installation import Installation
from tests.rigs.matrix_side import MatrixSide


class Place:
    """Two portals with Marco in both."""

    def __init__(
        self, side: MatrixSide, world: Installation, rooms: list[Room], links: list[Link], marco: Caller
    ) -> None:
        self.side, self.world, self.rooms, self.links, self.marco = side, world, rooms, links, marco

    async def send(self, *texts: str, room: int = 0) -> None:
        for text in texts:
            (await self.marco.send(self.links[room].chat, text)).ok()

    async def said(self, room: int = 0) -> list[str]:
        return [content.text for content in await self.world.log(self.rooms[room].id) if isinstance(content, Said)]

    async def comes_to_be(self, wanted: list[str], room: int = 0) -> None:
        """Wait until a room's lines are these, which they must come to be without anything more happening."""
        said: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(15):
                while (said := await self.said(room)) != wanted:
                    await asyncio.sleep(0.005)
        assert said == wanted


@pytest.fixture
async def place(world: Installation, side: MatrixSide) -> Place:
    anna = await world.person("Anna")
    rooms = [await world.native.found_room(name, anna) for name in ("Piazza", "Market")]
    links = [await side.portal(room) for room in rooms]
    marco, _ = await side.user("marco")
    for link in links:
        (await marco.join(link.chat)).ok()
    await side.settle()
    return Place(side, world, rooms, links, marco)


def numbered(start: int, end: int) -> list[str]:
    return [f"line {number}" for number in range(start, end)]


async def test_what_a_restart_lost_comes_in_its_place(place: Place) -> None:
    await place.send(*numbered(0, 5))
    await place.side.settle()
    place.side.hs.hold_push()
    await place.send(*numbered(5, 12))
    await place.send("there too", room=1)
    assert await place.side.hs.restart(lose="pending") == 8
    await place.send(*numbered(12, 15))
    await place.side.settle()
    assert await place.said() == numbered(0, 15)
    assert await place.said(1) == ["there too"]
    assert place.side.network.figures()["caught_up_events"] >= 8


@pytest.mark.parametrize("lose", [1, 3])
async def test_a_loss_in_the_middle_keeps_the_order(place: Place, lose: int) -> None:
    await place.send("first")
    await place.side.settle()
    place.side.hs.hold_push()
    await place.send(*numbered(0, 6))
    assert await place.side.hs.restart(lose=lose) == lose
    await place.send(*numbered(6, 8))
    await place.side.settle()
    assert await place.said() == ["first", *numbered(0, 8)]


async def test_restarts_one_after_the_other(place: Place) -> None:
    for round in range(4):
        place.side.hs.hold_push()
        await place.send(*numbered(round * 5, round * 5 + 3))
        await place.side.hs.restart(lose=2)
        await place.send(*numbered(round * 5 + 3, round * 5 + 5))
    await place.side.settle()
    assert await place.said() == numbered(0, 20)


async def test_what_was_said_while_we_were_away(place: Place) -> None:
    await place.send("before")
    await place.side.settle()
    await place.world.stop()
    await place.send(*numbered(0, 150))
    await place.side.hs.restart(lose="pending")
    await place.world.start()
    await place.side.portal(place.rooms[0])
    await place.send("after")
    # The homeserver thinks us down until its next try.
    await place.comes_to_be(["before", *numbered(0, 150), "after"])


async def test_what_comes_before_the_network_runs_proves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener is up first: a transaction that is taken until then is no sign that nothing was lost before it."""
    await place.send("before")
    await place.side.settle()
    await place.world.stop()
    place.side.hs.hold_push()
    await place.send(*numbered(0, 3))
    await place.side.hs.restart(lose="pending")
    await place.send("after")
    took, run = asyncio.Event(), MatrixNetwork.run

    async def run_late(network: MatrixNetwork) -> None:
        await took.wait()
        await run(network)

    monkeypatch.setattr(MatrixNetwork, "run", run_late)
    await place.world.start()
    while not place.side.network.inbox.transactions:
        await asyncio.sleep(0.005)  # the homeserver's next try has no end that could be awaited from here
    await asyncio.sleep(0.01)  # a clock that counts milliseconds must have gone on
    took.set()
    await place.comes_to_be(["before", *numbered(0, 3), "after"])


async def test_our_own_lines_among_what_was_lost_are_not_said_again(place: Place) -> None:
    anna = place.rooms[0].creator
    place.side.hs.hold_push()
    await place.world.native.say(place.rooms[0].id, anna, "ours")
    await place.send("theirs")
    await place.world.idle()
    await place.side.hs.restart(lose="pending")
    # Nothing more comes by itself: the next sign of life that is asked for shows the restart.
    await place.comes_to_be(["ours", "theirs"])
    await place.side.settle()
    assert place.side.bodies(place.links[0].chat).count("ours") == 1


async def test_live_events_wait_until_the_gap_is_closed(place: Place) -> None:
    hold = place.side.hs.hold("GET", "/messages")
    place.side.hs.hold_push()
    await place.send("lost")
    await place.side.hs.restart(lose="pending")
    await place.send("live")
    await asyncio.wait_for(hold.entered.wait(), 10)
    await place.side.hs.pushed()
    assert await place.said() == [], "acknowledged, on disk, and held back"
    hold.release()
    await place.side.settle()
    assert await place.said() == ["lost", "live"]


async def test_a_portal_whose_history_cannot_be_read_delays_no_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither now nor when the next gap is suspected."""
    messages = place.side.network.client.messages
    failing = True

    async def broken(room_id: str, **more: object) -> Page:
        if failing and room_id == place.links[0].chat:
            raise Retry("500", status=500)
        return await messages(room_id, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(place.side.network.client, "messages", broken)
    for round in range(3):
        place.side.hs.hold_push()
        await place.send(f"market {round}", room=1)
        await place.send(f"piazza {round}")
        await place.side.hs.restart(lose="pending")
        await place.send(f"market {round} live", room=1)
        wanted = [text for n in range(round + 1) for text in (f"market {n}", f"market {n} live")]
        await place.comes_to_be(wanted, room=1)
    assert await place.said() == []
    failing = False
    await place.side.settle()
    assert await place.said() == ["piazza 0", "piazza 1", "piazza 2"]


async def test_a_portal_that_we_may_not_read_goes_on_with_what_it_gets(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(room_id: str, **more: object) -> Page:
        raise Rejected("403", status=403, errcode="M_FORBIDDEN")

    monkeypatch.setattr(place.side.network.client, "messages", refused)
    await place.side.hs.restart()
    await place.send("live")
    await place.side.settle()
    assert await place.said() == ["live"]


async def test_a_gap_that_is_suspected_while_one_is_being_closed_is_closed_too(place: Place) -> None:
    hold = place.side.hs.hold("GET", "/messages", after=True)
    place.side.network.catchup.suspect(1)
    await hold.entered.wait()
    # Said after the page was read, and lost at once: only a second look finds it.
    place.side.hs.hold_push()
    await place.send("lost")
    place.side.hs.pusher._queues[place.side.registration.id].events.clear()
    place.side.hs.world.handed_out = len(place.side.hs.world.events)
    place.side.network._gap(1)
    place.side.hs.let_push_go()
    hold.release()
    await place.send("live")
    await place.side.settle()
    assert await place.said() == ["lost", "live"]


async def test_a_gate_stays_closed_while_the_next_gap_is_only_suspected(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    catchup, chat = place.side.network.catchup, place.links[0].chat
    hold = place.side.hs.hold("GET", "/messages", after=True)
    catchup.suspect(1)
    await hold.entered.wait()
    links, reading = catchup._links, asyncio.Event()

    async def slow() -> list[Link]:
        await reading.wait()
        return await links()

    monkeypatch.setattr(catchup, "_links", slow)
    place.side.network._gap(1)
    hold.release()
    while catchup.running:
        await asyncio.sleep(0.005)
    assert place.side.network.inbox.feed(chat)._closed
    reading.set()
    await place.send("live")
    await place.comes_to_be(["live"])


async def test_odd_events_in_a_history_are_no_obstacle(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = place.links[0].chat
    good = {"event_id": "$odd", "type": "m.room.message", "sender": "@marco:localhost", "origin_server_ts": 1}
    texts = [
        b"{}",
        b'{"event_id": 7}',
        b"[]",
        json.dumps({**good, "content": {"msgtype": "m.text", "body": "BODY"}})
        .encode()
        .replace(b"BODY", b"half \\ud83d"),
    ]

    async def odd(room_id: str, **more: object) -> Page:
        return Page([msgspec.Raw(text) for text in texts] if room_id == chat else [])

    monkeypatch.setattr(place.side.network.client, "messages", odd)
    place.side.network._gap(1)
    await place.side.settle()
    assert await place.said() == ["half \ufffd"], "mended as a transaction's would be"


async def test_nothing_is_sent_before_a_portal_is_caught_up_with(place: Place) -> None:
    anna = place.rooms[0].creator
    await place.world.stop()
    await place.send("while we were away")
    hold = place.side.hs.hold("GET", "/messages")
    await place.world.start()
    await hold.entered.wait()
    await place.world.native.say(place.rooms[0].id, anna, "ours")
    await place.world.idle()
    assert place.side.bodies(place.links[0].chat) == ["while we were away"]
    hold.release()
    await place.side.settle()
    assert place.side.bodies(place.links[0].chat) == ["while we were away", "ours"]
    assert sorted(await place.said()) == ["ours", "while we were away"]


async def test_the_homeserver_goes_and_comes_and_everyone_is_told(place: Place) -> None:
    anna = place.rooms[0].creator
    await place.side.hs.go_down()
    first = await place.world.native.say(place.rooms[0].id, anna, "while it was away")
    while place.side.network.status().health != "down":
        await asyncio.sleep(0.005)
    assert place.side.network.status().detail
    await place.side.hs.come_up()
    while place.side.network.status().health != "up":
        await asyncio.sleep(0.005)
    await place.side.settle()
    assert place.side.bodies(place.links[0].chat) == ["while it was away"]
    assert await place.world.state(place.rooms[0], first) == ["sent"]
