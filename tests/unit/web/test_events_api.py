"""The API of the log: writing once, reading pages, folding."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp.pytest_plugin import AiohttpClient

from bridge.core.items import Placed, Submission
from bridge.model.events import Content, Event, Joined, Origin, Said
from bridge.model.ids import MATRIX, RoomId, new_event_id
from bridge.web.parts import WebLimits
from tests.unit.web.rig import Rig, Visitor, rigged, visitor


async def delivered(rig: Rig, who: Visitor, room: str, seq: int) -> dict[str, Any]:
    """Follow the room until a line's deliveries have ended."""
    async with rig.hub.watch(RoomId(room)) as watch:
        while True:
            # Whatever was reported is on its way to the disk: this write comes after it.
            await rig.db.write(lambda connection: None)
            (line,) = await who.events(room, f"?after={seq - 1}&limit=1")
            if all(each["state"] not in ("waiting", "sending") for each in line["deliveries"]):
                return line
            await watch.next()


async def test_a_line_is_answered_with_its_number_and_read_back(ada: Visitor, room: str, rig: Rig) -> None:
    placed = await ada.say(room, "Hello *world*")
    assert set(placed) == {"seq", "id"}
    line = await delivered(rig, ada, room, placed["seq"])
    (state,) = line.pop("deliveries")
    at = line.pop("at")
    assert abs(at - rig.network.sent[0].at) == 0
    assert line == {
        "seq": placed["seq"],
        "id": placed["id"],
        "kind": "said",
        "who": {"id": ada.person, "name": "ada", "network": "web"},
        "content": {"text": "Hello *world*", "html": line["content"]["html"], "style": "text"},
    }
    assert "<em>world</em>" in line["content"]["html"]
    link = state.pop("link")
    assert link.startswith("l")
    assert state == {"network": "matrix", "part": 0, "state": "sent", "remote_id": "$remote1"}


async def test_the_same_client_id_is_the_same_line(ada: Visitor, bob: Visitor, room: str) -> None:
    first = await ada.say(room, "once", client_id="c1")
    assert await ada.say(room, "once", client_id="c1", status=200) == first
    body = {"kind": "said", "content": {"text": "x"}, "client_id": "c2"}
    together = await asyncio.gather(*(ada.ask("POST", f"/api/v1/rooms/{room}/events", body) for _ in range(10)))
    assert sorted(response.status for response in together) == [200] * 9 + [201]
    assert len({(await response.json())["seq"] for response in together}) == 1
    await bob.post(f"/api/v1/rooms/{room}/join")
    other = await bob.say(room, "once", client_id="c1")
    assert other != first
    assert await ada.texts(room) == ["once", "x", "once"]


async def test_a_repeat_is_answered_even_when_it_would_be_refused_by_now(ada: Visitor, room: str) -> None:
    first = await ada.say(room, "once", client_id="c1")
    body = {"kind": "removed", "content": {"target": first["id"]}, "client_id": "c2"}
    path = f"/api/v1/rooms/{room}/events"
    removed = await ada.post(path, body, status=201)
    assert await ada.post(path, body, status=200) == removed
    await ada.post(f"/api/v1/rooms/{room}/leave")
    assert await ada.say(room, "once", client_id="c1", status=200) == first
    assert (await ada.say(room, "new", client_id="c3", status=403))["error"]["code"] == "not_in_room"


async def test_pages_have_exclusive_bounds_and_rise(ada: Visitor, room: str) -> None:
    seqs = [(await ada.say(room, str(n)))["seq"] for n in range(10)]
    assert [line["seq"] for line in await ada.events(room)] == [1, *seqs]
    assert [line["seq"] for line in await ada.events(room, "?limit=3")] == seqs[-3:]
    assert [line["seq"] for line in await ada.events(room, f"?before={seqs[4]}&limit=2")] == seqs[2:4]
    assert [line["seq"] for line in await ada.events(room, f"?after={seqs[4]}&limit=2")] == seqs[5:7]
    assert [line["seq"] for line in await ada.events(room, f"?after={seqs[2]}&before={seqs[5]}")] == seqs[3:5]
    assert await ada.events(room, f"?after={seqs[-1]}") == []
    assert await ada.events(room, "?before=1") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("before=-1", "before"),
        ("before=1.5", "before"),
        ("after=99999999999999999999", "after"),
        ("after=٣", "after"),
        ("raw=maybe", "raw"),
    ],
)
async def test_bad_bounds_are_named(ada: Visitor, room: str, query: str, field: str) -> None:
    error = (await ada.get(f"/api/v1/rooms/{room}/events?{query}", status=400))["error"]
    assert (error["code"], error["field"]) == ("bad_field", field)


async def test_edits_and_removals_fold_into_their_lines(ada: Visitor, room: str) -> None:
    path = f"/api/v1/rooms/{room}/events"
    one, two = await ada.say(room, "one"), await ada.say(room, "two")
    waves = await ada.post(path, {"kind": "said", "content": {"text": "waves", "style": "emote"}}, status=201)
    edit = {"target": waves["id"], "text": "dances", "style": "emote"}
    await ada.post(path, {"kind": "edited", "content": {**edit, "text": "jumps"}}, status=201)
    await ada.post(path, {"kind": "edited", "content": edit}, status=201)
    await ada.post(path, {"kind": "edited", "content": {"target": one["id"], "text": "*uno*"}}, status=201)
    await ada.post(path, {"kind": "removed", "content": {"target": one["id"], "reason": "no"}}, status=201)
    _, first, second, third = await ada.events(room)
    assert (first["seq"], first["kind"], first["removed"]) == (one["seq"], "said", True)
    assert first["content"] == {"text": "", "style": "text"}
    assert (second["seq"], "edited_at" in second, "removed" in second) == (two["seq"], False, False)
    assert (third["content"]["text"], third["content"]["style"]) == ("dances", "emote")
    assert third["edited_at"] >= third["at"]
    raw = await ada.events(room, "?raw=1")
    assert [line["kind"] for line in raw] == ["joined", "said", "said", "said", "edited", "edited", "edited", "removed"]
    assert [line["seq"] for line in raw] == list(range(1, 9))
    assert raw[3]["content"]["text"] == "waves"
    assert raw[4]["content"]["text"] == "jumps"
    assert raw[4]["content"]["target"] == waves["id"]
    assert (raw[1]["removed"], raw[1]["content"]["text"], raw[6]["removed"]) == (True, "", True)
    assert raw[7]["content"] == {"target": one["id"], "reason": "no"}
    assert "uno" not in str(raw)


async def test_what_cannot_be_written_says_why(ada: Visitor, bob: Visitor, room: str) -> None:
    path = f"/api/v1/rooms/{room}/events"
    line = await ada.say(room, "mine")
    removal = {"target": line["id"], "reason": "x" * 501}
    for body, status, code, field in (
        ({"content": {"text": "x"}}, 400, "missing_field", "kind"),
        ({"kind": "joined", "content": {"name": "x"}}, 400, "bad_field", "kind"),
        ({"kind": "said"}, 400, "missing_field", "content"),
        ({"kind": "said", "content": "x"}, 400, "bad_field", "content"),
        ({"kind": "said", "content": {}}, 400, "missing_field", "content.text"),
        ({"kind": "said", "content": {"text": 1}}, 400, "bad_field", "content.text"),
        ({"kind": "said", "content": {"text": " \n "}}, 400, "empty_text", "content.text"),
        ({"kind": "said", "content": {"text": "a\0b"}}, 400, "bad_field", "content.text"),
        ({"kind": "said", "content": {"text": "é" * 8193}}, 413, "text_too_long", "content.text"),
        ({"kind": "said", "content": {"text": "x", "style": "loud"}}, 400, "bad_field", "content.style"),
        ({"kind": "said", "content": {"text": "x"}, "client_id": ""}, 400, "bad_field", "client_id"),
        ({"kind": "said", "content": {"text": "x"}, "client_id": "x" * 129}, 400, "bad_field", "client_id"),
        ({"kind": "said", "content": {"text": "x"}, "client_id": 7}, 400, "bad_field", "client_id"),
        ({"kind": "edited", "content": {"text": "x"}}, 400, "missing_field", "content.target"),
        ({"kind": "edited", "content": {"text": "x", "target": "e0"}}, 404, "no_such_event", None),
        ({"kind": "removed", "content": {"target": "e0"}}, 404, "no_such_event", None),
        ({"kind": "removed", "content": removal}, 400, "bad_field", "content.reason"),
    ):
        error = (await ada.post(path, body, status=status))["error"]
        assert (error["code"], error.get("field")) == (code, field), body
        assert error["message"]
    await bob.post(f"/api/v1/rooms/{room}/join")
    for kind in ("edited", "removed"):
        change = {"kind": kind, "content": {"target": line["id"], "text": "x"}}
        assert (await bob.post(path, change, status=403))["error"]["code"] == "not_yours"
    await ada.say(room, "é" * 8192)
    await ada.say(room, "x", client_id="x" * 128)


async def test_who_is_not_in_the_room_may_read_and_not_write(ada: Visitor, bob: Visitor, room: str) -> None:
    await ada.say(room, "hello")
    assert await bob.texts(room) == ["hello"]
    assert (await bob.say(room, "x", status=403))["error"]["code"] == "not_in_room"


async def test_messages_are_limited_by_account(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    limits = WebLimits(messages_per_second=0.01, burst=3, logins_per_minute=0)
    async with rigged(tmp_path, limits=limits) as rig:
        client = await aiohttp_client(rig.app)
        ada, bob = await visitor(rig, client, "ada"), await visitor(rig, client, "bob")
        room = (await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201))["id"]
        await bob.post(f"/api/v1/rooms/{room}/join")
        for n in range(3):
            await ada.say(room, str(n))
        response = await ada.ask("POST", f"/api/v1/rooms/{room}/events", {"kind": "said", "content": {"text": "4"}})
        assert (response.status, response.headers["Retry-After"]) == (429, "100")
        assert (await response.json())["error"]["code"] == "too_fast"
        await bob.say(room, "free")
        assert await bob.texts(room) == ["0", "1", "2", "free"]


async def test_lines_of_another_network_show_their_author_and_a_distinct_name(
    ada: Visitor, room: str, rig: Rig
) -> None:
    stranger = await rig.people.at(MATRIX, "@ada:example.org", "ada")
    contents: tuple[Content, ...] = (Joined("ada", "matrix:mxc://example.org/a"), Said("from afar", "<b>from afar</b>"))
    for n, content in enumerate(contents):
        origin = Origin(MATRIX, f"!{room}:example.org", f"${n}")
        event = Event(new_event_id(), RoomId(room), stranger, 5, origin, content)
        (result,) = await rig.hub.submit(RoomId(room), [Submission(event)])
        assert isinstance(result, Placed)
    joined, said = (await ada.events(room))[-2:]
    assert said["who"] == {"id": stranger, "name": "ada (@ada:example.org)", "network": "matrix"}
    assert said["content"] == {"text": "from afar", "html": "<b>from afar</b>", "style": "text"}
    assert (said["at"], said["deliveries"]) == (5, [])
    assert joined["content"]["name"] == "ada (@ada:example.org)"
    assert joined["content"]["avatar"].startswith(f"/api/v1/rooms/{room}/members/{stranger}/avatar?v=")


async def test_a_failed_delivery_is_shown_with_its_reason(ada: Visitor, room: str, rig: Rig) -> None:
    rig.network.refusing = "M_FORBIDDEN: banned"
    placed = await ada.say(room, "nobody wants this")
    line = await delivered(rig, ada, room, placed["seq"])
    (state,) = line["deliveries"]
    assert (state["state"], "M_FORBIDDEN" in state["reason"]) == ("dead", True)
