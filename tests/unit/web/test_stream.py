"""The live view: no gap, no double, and an end when it must end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from aiohttp.pytest_plugin import AiohttpClient

from bridge.core.ports import FellBehind, Line
from bridge.model.events import Entry
from bridge.model.ids import RoomId
from bridge.web import stream as stream_module
from bridge.web.feed import QUEUE, Looker, chunk
from bridge.web.parts import WebLimits
from tests.unit.web.rig import Rig, Visitor, rigged, visitor
from tests.unit.web.sse import following


async def test_it_begins_with_the_room_the_networks_and_what_is_new(ada: Visitor, room: str) -> None:
    first = await ada.say(room, "first")
    second = await ada.say(room, "second")
    async with following(ada, room, first["seq"]) as reader:
        begun = await reader.live()
    assert [told.name for told in begun] == ["room", "status", "line", "live"]
    assert begun[0].data["name"] == "Lobby"
    assert "joined" not in begun[0].data
    assert begun[1].data == {"network": "matrix", "health": "up", "since": 1}
    assert begun[2].data["content"]["text"] == "second"
    assert begun[3].data == {"seq": second["seq"]}


async def test_lines_are_those_of_the_page(ada: Visitor, room: str) -> None:
    async with following(ada, room, 1) as reader:
        await reader.live()
        placed = await ada.say(room, "*hello*")
        line = await reader.line()
    (paged,) = await ada.events(room, f"?after={placed['seq'] - 1}")
    for one in (line, paged):
        one.pop("deliveries")
    assert line == paged


async def test_deliveries_edits_names_and_health_are_told(ada: Visitor, room: str, rig: Rig) -> None:
    path = f"/api/v1/rooms/{room}"
    async with following(ada, room, 1) as reader:
        await reader.live()
        placed = await ada.say(room, "hello")
        sent = (await reader.until(lambda told: told.name == "delivery" and told.data["state"] == "sent"))[-1]
        assert (sent.data["seq"], sent.data["network"], sent.data["remote_id"]) == (placed["seq"], "matrix", "$remote1")
        await ada.post(f"{path}/events", {"kind": "edited", "content": {"target": placed["id"], "text": "bye"}}, 201)
        amended = (await reader.until(lambda told: told.name == "amended"))[-1]
        assert (amended.data["seq"], amended.data["content"]["text"]) == (placed["seq"], "bye")
        assert amended.id == ""
        await ada.ask("PATCH", path, {"topic": "new"})
        described = await reader.until(lambda told: told.name == "room")
        assert described[-1].data["topic"] == "new"
        rig.network.turn("down")
        status = (await reader.until(lambda told: told.name == "status"))[-1]
        assert (status.data["network"], status.data["health"]) == ("matrix", "down")


async def test_a_link_that_changes_is_told(ada: Visitor, room: str, rig: Rig) -> None:
    async with following(ada, room) as reader:
        await reader.live()
        snapshot = await rig.hub.snapshot(RoomId(room))
        assert snapshot is not None
        await rig.hub.change_link(msgspec.structs.replace(snapshot.links[0].link, state="encrypted"))
        told = (await reader.until(lambda told: told.name == "room"))[-1]
        assert told.data["links"][0]["state"] == "encrypted"
    assert (await ada.ask("HEAD", f"/api/v1/rooms/{room}/stream")).status == 405


async def test_nothing_is_missed_or_told_twice_while_streams_open(ada: Visitor, room: str) -> None:
    """Streams are opened from every number in the middle of writing; each must tell exactly the rest."""

    async def write() -> None:
        for n in range(60):
            await ada.say(room, str(n))

    async def follow(after: int) -> None:
        async with following(ada, room, after) as reader:
            seqs: list[int] = []
            while not seqs or seqs[-1] < 61:
                told = await reader.next()
                assert told is not None
                if told.name == "line":
                    seqs.append(told.data["seq"])
            assert seqs == list(range(after + 1, 62))

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        for after in range(15):
            group.create_task(follow(after))


async def test_taken_up_again_it_tells_what_changed_in_older_lines(ada: Visitor, room: str) -> None:
    path = f"/api/v1/rooms/{room}/events"
    old, gone = await ada.say(room, "old"), await ada.say(room, "gone")
    last = await ada.say(room, "last seen")
    await ada.post(path, {"kind": "edited", "content": {"target": old["id"], "text": "newer"}}, status=201)
    await ada.post(path, {"kind": "edited", "content": {"target": gone["id"], "text": "secret"}}, status=201)
    await ada.post(path, {"kind": "removed", "content": {"target": gone["id"]}}, status=201)
    fresh = await ada.say(room, "fresh")
    await ada.post(path, {"kind": "edited", "content": {"target": fresh["id"], "text": "fresher"}}, status=201)
    async with following(ada, room, 0, headers={"Last-Event-ID": str(last["seq"])}) as reader:
        begun = [told for told in await reader.live() if told.name in ("line", "amended")]
    assert [(told.name, told.data["seq"]) for told in begun] == [
        ("amended", old["seq"]),
        ("amended", gone["seq"]),
        ("line", fresh["seq"]),
    ]
    assert begun[0].data["content"]["text"] == "newer"
    assert begun[1].data["removed"] is True
    assert begun[2].data["content"]["text"] == "fresher"
    assert "secret" not in str(begun)


async def test_who_missed_too_much_reads_the_page_again(
    ada: Visitor, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "CATCH_UP", 3)
    for n in range(5):
        await ada.say(room, str(n))
    async with following(ada, room, 1) as reader:
        told = await reader.until(lambda told: told.name == "resync")
        assert [one.name for one in told] == ["room", "status", "resync"]


async def test_a_feed_that_fell_behind_tells_all_and_ends(ada: Visitor, bob: Visitor, room: str, rig: Rig) -> None:
    async with following(ada, room) as one, following(bob, room) as two:
        await one.live()
        await two.live()
        rig.hub.viewers.publish(RoomId(room), FellBehind())
        for reader in (one, two):
            await reader.until(lambda told: told.name == "resync")
            assert await reader.next() is None
    async with following(ada, room) as again:
        await again.live()
        await ada.say(room, "hello")
        assert (await again.line())["content"]["text"] == "hello"


async def test_it_beats_while_nothing_happens(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    async with rigged(tmp_path, heartbeat_seconds=0.05) as rig:
        ada = await visitor(rig, await aiohttp_client(rig.app), "ada")
        room = (await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201))["id"]
        async with following(ada, room) as reader:
            await reader.live()
            await reader.until(lambda told: told.name == "beat")
            assert reader.comments == 1


async def test_it_ends_with_its_session_and_only_with_that(ada: Visitor, bob: Visitor, room: str) -> None:
    async with following(ada, room) as mine, following(bob, room) as other:
        await mine.live()
        await other.live()
        await ada.post("/api/v1/logout")
        while (told := await mine.next()) is not None:
            assert told.name != "line"
        await bob.post(f"/api/v1/rooms/{room}/join")
        assert (await other.line())["kind"] == "joined"


async def test_it_ends_with_a_new_password_and_with_the_account(ada: Visitor, rig: Rig, room: str) -> None:
    async with following(ada, room) as reader:
        await reader.live()
        await rig.accounts.passwd("ada", "another password")
        while await reader.next() is not None:
            pass
    assert (await ada.get("/api/v1/account", status=401))["error"]["code"] == "signed_out"


async def test_who_leaves_a_private_room_hears_no_more_of_it(ada: Visitor) -> None:
    room = (await ada.post("/api/v1/rooms", {"name": "Secret", "access": "invite"}, status=201))["id"]
    async with following(ada, room) as reader:
        await reader.live()
        await ada.post(f"/api/v1/rooms/{room}/leave")
        assert (await reader.line())["kind"] == "left"
        assert await reader.next() is None
    assert (await ada.ask("GET", f"/api/v1/rooms/{room}/stream")).status == 404


async def test_an_account_opens_only_so_many(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    limits = WebLimits(logins_per_minute=0, streams_per_account=1)
    async with rigged(tmp_path, limits=limits) as rig:
        ada = await visitor(rig, await aiohttp_client(rig.app), "ada")
        room = (await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201))["id"]
        async with following(ada, room) as reader:
            await reader.live()
            response = await ada.ask("GET", f"/api/v1/rooms/{room}/stream")
            assert response.status == 429
            assert (await response.json())["error"]["code"] == "too_many_streams"


async def test_stopping_the_server_ends_the_streams(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    async with rigged(tmp_path) as rig:
        client = await aiohttp_client(rig.app)
        ada = await visitor(rig, client, "ada")
        room = (await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201))["id"]
        async with following(ada, room) as reader:
            await reader.live()
            await client.server.close()
            while await reader.next() is not None:
                pass


async def test_a_reader_that_is_too_slow_is_cut_off_once() -> None:
    cuts: list[str] = []
    looker = Looker(lambda: cuts.append("cut"))
    for n in range(QUEUE + 5):
        looker.put(chunk("line", {}, seq=n + 1))
    assert (looker.over, cuts) == (True, ["cut"])
    for _ in range(QUEUE):
        assert await looker.next() is not None
    assert await looker.next() is None


async def test_a_frame_is_encoded_once_for_all_who_look(
    rig: Rig, ada: Visitor, bob: Visitor, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = rig.hub.line

    async def counting(place: RoomId, entry: Entry) -> Line:
        asked.append(entry.seq)
        return await real(place, entry)

    monkeypatch.setattr(rig.hub, "line", counting)
    async with following(ada, room, 1) as one, following(bob, room, 1) as two:
        await one.live()
        await two.live()
        placed = await ada.say(room, "hello")
        assert await one.line() == await two.line()
    assert asked == [placed["seq"]]
