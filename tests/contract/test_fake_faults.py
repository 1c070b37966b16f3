"""The fake homeserver's faults do what they promise: other tests stand on them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.homeserver import FakeHomeserver
from tests.rigs.appservice import RecordingAppservice
from tests.rigs.caller import Caller


@dataclass
class Set:
    """A fake homeserver with a recording application service and a room of its bot's."""

    hs: FakeHomeserver
    service: RecordingAppservice
    bot: Caller
    room_id: str

    async def history(self) -> list[str]:
        """What /messages has of what was said, oldest first."""
        chunk = (await self.bot.messages(self.room_id)).ok()["chunk"]
        return [event["content"]["body"] for event in reversed(chunk) if "body" in event["content"]]

    def pushed(self) -> list[str]:
        """What the application service accepted."""
        return [event["content"]["body"] for event in self.service.events(self.room_id, "m.room.message")]


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Set]:
    """Started, with one room, everything pushed."""
    async with RecordingAppservice() as service, FakeHomeserver(backoff=0.01) as plain:
        await plain.stop()
        plain.add_appservice(service.registration())
        await plain.start()
        async with Caller(plain.url, service.as_token) as bot:
            room_id = await bot.create_room(preset="public_chat")
            await plain.pushed()
            yield Set(plain, service, bot, room_id)


async def test_fail_next(scene: Set) -> None:
    """Refused without effect, so many times, and for the matching requests only."""
    scene.hs.fail_next("PUT", r"/send/m\.room\.message/", 429, "M_LIMIT_EXCEEDED", count=2, retry_after_ms=70)
    for _ in range(2):
        answer = await scene.bot.send(scene.room_id, "no")
        assert (answer.status, answer.errcode, answer.body["retry_after_ms"]) == (429, "M_LIMIT_EXCEEDED", 70)
    (await scene.bot.send(scene.room_id, "yes")).ok()
    assert await scene.history() == ["yes"]


async def test_drop_reply(scene: Set) -> None:
    """The effect happens and the caller sees a broken connection; the same transaction ID gives the event."""
    # aiohttp's client repeats a PUT by itself, once, when the connection breaks: it has to break twice.
    scene.hs.drop_reply("PUT", "/send/", count=2)
    with pytest.raises(aiohttp.ClientError):
        await scene.bot.send(scene.room_id, "once", txn_id="T")
    (await scene.bot.send(scene.room_id, "once", txn_id="T")).ok()
    assert await scene.history() == ["once"]
    sends = [request for request in scene.hs.requests if "/send/" in request.path]
    assert [request.status for request in sends] == [None, None, 200]
    assert sends[0].body == {"msgtype": "m.text", "body": "once"}
    assert (sends[0].user, sends[0].query) == (scene.service.bot, {})


@pytest.mark.parametrize("after", [False, True])
async def test_hold(scene: Set, after: bool) -> None:
    """A held request has had its effect or not; it goes on when released."""
    hold = scene.hs.hold("PUT", "/send/", after=after)
    sending = asyncio.create_task(scene.bot.send(scene.room_id, "held"))
    await hold.entered.wait()
    assert await scene.history() == (["held"] if after else [])
    hold.release()
    (await sending).ok()
    assert await scene.history() == ["held"]


async def test_a_caller_that_gives_up_does_not_undo_its_request(scene: Set) -> None:
    """A server that has a request carries it out, whether somebody still waits for the answer or not."""
    hold = scene.hs.hold("PUT", "/send/")
    sending = asyncio.create_task(scene.bot.send(scene.room_id, "given up"))
    await hold.entered.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    hold.release()
    await scene.service.until(lambda: scene.pushed() == ["given up"])


async def test_a_killed_server_does_not_finish_requests(scene: Set) -> None:
    """A request held before its effect dies with the server."""
    hold = scene.hs.hold("PUT", "/send/")
    sending = asyncio.create_task(scene.bot.send(scene.room_id, "never"))
    await hold.entered.wait()
    await scene.hs.kill()
    with pytest.raises(aiohttp.ClientError):
        await sending
    hold.release()
    await scene.hs.start()
    assert await scene.history() == []


async def test_down_and_up(scene: Set) -> None:
    """Out of reach the port refuses; back again, nothing is forgotten."""
    first = (await scene.bot.send(scene.room_id, "before", txn_id="T")).ok()
    port = scene.hs.port
    await scene.hs.go_down()
    with pytest.raises(aiohttp.ClientConnectionError):
        await scene.bot.send(scene.room_id, "meanwhile")
    await scene.hs.come_up()
    assert scene.hs.port == port
    assert (await scene.bot.send(scene.room_id, "before", txn_id="T")).ok() == first
    await scene.service.until(lambda: scene.pushed() == ["before"])


async def test_events_lost_in_a_restart(scene: Set) -> None:
    """The oldest ones are never pushed, the others are; all stay in /messages; transaction IDs begin again."""
    scene.hs.hold_push()
    for number in range(4):
        (await scene.bot.send(scene.room_id, f"{number}")).ok()
    assert await scene.hs.restart(lose=2) == 2
    await scene.hs.pushed()
    assert scene.pushed() == ["2", "3"]
    assert scene.service.received[-1].txn_id == "1"
    assert await scene.history() == ["0", "1", "2", "3"]


async def test_all_pending_events_lost_in_a_restart(scene: Set) -> None:
    """Even the transaction that is just being answered."""
    scene.service.gate.clear()
    for number in range(3):
        (await scene.bot.send(scene.room_id, f"{number}")).ok()
    assert await scene.hs.restart(lose="pending") == 3
    scene.service.gate.set()
    (await scene.bot.send(scene.room_id, "later")).ok()
    await scene.hs.pushed()
    assert scene.pushed()[-1] == "later"
    assert not {"1", "2"} & set(scene.pushed())


async def test_nothing_is_lost_unless_asked(scene: Set) -> None:
    """A plain stop and start pushes what was pending, in order."""
    scene.hs.hold_push()
    for number in range(3):
        (await scene.bot.send(scene.room_id, f"{number}")).ok()
    await scene.hs.stop()
    await scene.hs.start()
    await scene.hs.pushed()
    assert scene.pushed() == ["0", "1", "2"]


async def test_repeated_and_raw_transactions(scene: Set) -> None:
    """The newest transaction again under its ID; any bytes under any ID."""
    (await scene.bot.send(scene.room_id, "again")).ok()
    await scene.hs.pushed()
    assert await scene.hs.repeat_transaction() == (200, b"{}")
    first, second = scene.service.received[-2:]
    assert (first.txn_id, first.body) == (second.txn_id, second.body)
    status, _ = await scene.hs.push_raw("odd", json.dumps({"events": []}).encode())
    assert status == 200
    assert scene.service.received[-1].txn_id == "odd"


async def test_half_made_rooms(scene: Set) -> None:
    """The connection breaks, the alias is taken, the room lacks the rest."""
    scene.hs.cut_next_room(after_events=2)
    alias = f"{scene.service.prefix}_half"
    with pytest.raises(aiohttp.ClientError):
        await scene.bot.create_room(room_alias_name=alias, name="Half")
    again = await scene.bot.call("POST", "createRoom", {"room_alias_name": alias})
    assert again.errcode == "M_ROOM_IN_USE"
    found = (await scene.bot.call("GET", f"directory/room/%23{alias}:localhost")).ok()
    state = await scene.bot.state(found["room_id"])
    assert {type for type, _ in state} == {"m.room.create", "m.room.member"}


async def test_the_pause_doubles(scene: Set) -> None:
    """A failing service is tried again and again with one transaction ID until it answers."""
    scene.service.answers.extend([(500, b"{}")] * 4)
    (await scene.bot.send(scene.room_id, "stubborn")).ok()
    await scene.service.until(lambda: scene.pushed() == ["stubborn"])
    assert len({received.txn_id for received in scene.service.received[-5:]}) == 1


async def test_a_registration_file(tmp_path: Path) -> None:
    """A registration is read from YAML just as from a mapping; version 10 can be the default."""
    service = RecordingAppservice()
    path = tmp_path / "registration.yaml"
    path.write_text(json.dumps(service.registration()))
    hs = FakeHomeserver(room_version="10")
    hs.add_appservice(path)
    async with hs, Caller(hs.url, service.as_token) as bot:
        assert (await bot.create_room()).endswith(":localhost")
