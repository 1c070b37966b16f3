"""The API of the search and of the lines around one: what is found, page by page, and what nobody else finds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp.pytest_plugin import AiohttpClient

from bridge.model.ids import PersonId, RoomId
from bridge.store import indexing
from bridge.web.parts import WebLimits
from tests.unit.web.rig import Rig, Visitor, rigged, visitor


async def indexed(rig: Rig) -> None:
    """Wait until everything that was said can be found."""
    while await rig.db.read(indexing.waiting):
        await asyncio.sleep(0.01)


async def search(who: Visitor, **asked: Any) -> dict[str, Any]:
    """Search; return the answer."""
    response = await who.ask("GET", "/api/v1/search", params=asked)
    assert response.status == 200, await response.text()
    found: dict[str, Any] = await response.json()
    return found


async def texts(who: Visitor, **asked: Any) -> list[str]:
    return [hit["event"]["content"]["text"] for hit in (await search(who, **asked))["hits"]]


async def refusal(who: Visitor, path: str, **asked: Any) -> tuple[int, str, str | None]:
    response = await who.ask("GET", path, params=asked)
    error = (await response.json())["error"]
    return response.status, error["code"], error.get("field")


async def test_a_hit_is_a_line_with_its_room(ada: Visitor, rig: Rig, room: str) -> None:
    await ada.say(room, "Hello **world**")
    await ada.say(room, "我有一只猫")
    await indexed(rig)
    found = await search(ada, q="hello")
    (line,) = (await ada.events(room))[-2:-1]
    assert found == {"hits": [{"room": room, "event": line}]}
    assert line["deliveries"], "it went to the small network too"
    assert await texts(ada, q="猫") == await texts(ada, q="一只") == ["我有一只猫"]
    assert await texts(ada, q="nothing") == []


async def test_pages_and_times(ada: Visitor, rig: Rig, room: str) -> None:
    for number in range(5):
        await ada.say(room, f"line {number}")
    await indexed(rig)
    first = await search(ada, q="line", limit=2)
    assert [hit["event"]["content"]["text"] for hit in first["hits"]] == ["line 4", "line 3"]
    second = await search(ada, q="line", limit=2, before=first["next"])
    assert [hit["event"]["content"]["text"] for hit in second["hits"]] == ["line 2", "line 1"]
    last = await search(ada, q="line", limit=2, before=second["next"])
    assert [hit["event"]["content"]["text"] for hit in last["hits"]] == ["line 0"]
    assert "next" not in last
    now = first["hits"][0]["event"]["at"]
    assert await texts(ada, q="line", before=now + 60_000) == [f"line {n}" for n in (4, 3, 2, 1, 0)]
    assert await texts(ada, q="line", before=now - 60_000) == []
    assert len(await texts(ada, q="line", before="9" * 16)) == 5


async def test_in_a_room_from_somebody_with_a_link(ada: Visitor, bob: Visitor, rig: Rig, room: str) -> None:
    other = (await ada.post("/api/v1/rooms", {"name": "Other"}, status=201))["id"]
    await bob.post(f"/api/v1/rooms/{room}/join")
    await ada.say(room, "hello here")
    await ada.say(other, "hello there")
    await bob.say(room, "hello https://example.org")
    await indexed(rig)
    assert await texts(ada, q="hello") == ["hello https://example.org", "hello there", "hello here"]
    assert await texts(ada, q="hello", room=other) == ["hello there"]
    assert await texts(ada, **{"q": "hello", "from": bob.person}) == ["hello https://example.org"]
    assert await texts(ada, q="hello", has="link") == ["hello https://example.org"]


async def test_nobody_finds_what_is_not_theirs(ada: Visitor, bob: Visitor, rig: Rig, room: str) -> None:
    secret = (await ada.post("/api/v1/rooms", {"name": "Secret", "access": "invite"}, status=201))["id"]
    await ada.say(secret, "hello secret")
    await ada.say(room, "hello public")
    await indexed(rig)
    assert await texts(bob, q="hello") == [], "he is in neither"
    assert await texts(bob, q="hello", room=room) == ["hello public"], "and may read the public one"
    assert await refusal(bob, "/api/v1/search", q="hello", room=secret) == (404, "no_such_room", None)
    await bob.post(f"/api/v1/rooms/{room}/join")
    assert await texts(bob, q="hello") == ["hello public"]
    await bob.post(f"/api/v1/rooms/{room}/leave")
    assert await texts(bob, q="hello") == []
    assert await texts(ada, q="hello") == ["hello public", "hello secret"]


async def test_who_came_later_finds_what_came_later(ada: Visitor, bob: Visitor, rig: Rig) -> None:
    made = {"name": "Later", "history": "joined"}
    room = (await ada.post("/api/v1/rooms", made, status=201))["id"]
    first = await ada.say(room, "hello before")
    await bob.post(f"/api/v1/rooms/{room}/join")
    await ada.say(room, "hello after")
    await indexed(rig)
    for more in ({}, {"room": room}):
        assert await texts(bob, q="hello", **more) == ["hello after"]
        assert await texts(ada, q="hello", **more) == ["hello after", "hello before"]
    around = f"/api/v1/rooms/{room}/events/{first['id']}/context"
    assert await refusal(bob, around) == (404, "no_such_event", None)
    assert (await ada.get(around))["seq"] == first["seq"]


async def test_a_removed_room_and_a_removed_line_are_found_no_more(ada: Visitor, rig: Rig, room: str) -> None:
    first = await ada.say(room, "hello one")
    await ada.say(room, "hello two")
    await indexed(rig)
    await ada.post(f"/api/v1/rooms/{room}/events", {"kind": "removed", "content": {"target": first["id"]}}, 201)
    assert await texts(ada, q="hello") == ["hello two"]
    assert (await ada.ask("DELETE", f"/api/v1/rooms/{room}")).status == 200
    assert await texts(ada, q="hello") == []


async def test_an_edited_line_is_found_by_its_new_words(ada: Visitor, rig: Rig, room: str) -> None:
    said = await ada.say(room, "hello wrold")
    await indexed(rig)
    edit = {"kind": "edited", "content": {"target": said["id"], "text": "hello world"}}
    await ada.post(f"/api/v1/rooms/{room}/events", edit, 201)
    assert await texts(ada, q="wrold") == []
    await indexed(rig)
    (hit,) = (await search(ada, q="world"))["hits"]
    assert hit["event"]["content"]["text"] == "hello world"
    assert hit["event"]["edited_at"]


async def test_hits_of_people_from_elsewhere_carry_their_name(ada: Visitor, rig: Rig, room: str) -> None:
    await ada.say(room, "hello")
    await indexed(rig)
    # Whoever is asked for, the rooms are not woken: with a hub that has put them away it is the same.
    rig.hub.put_idle_away()
    rig.hub.put_idle_away()
    (hit,) = (await search(ada, q="hello"))["hits"]
    assert hit["event"]["who"] == {"id": ada.person, "name": "ada", "network": "web"}


async def test_what_cannot_be_searched_is_refused(ada: Visitor, room: str) -> None:
    path = "/api/v1/search"
    assert await refusal(ada, path) == (400, "missing_field", "q")
    assert await refusal(ada, path, q="?! …") == (400, "nothing_to_find", "q")
    assert await refusal(ada, path, q="x" * 257) == (400, "bad_field", "q")
    assert await refusal(ada, path, q="x", before="yesterday") == (400, "bad_field", "before")
    assert await refusal(ada, path, q="x", before="-1") == (400, "bad_field", "before")
    assert await refusal(ada, path, q="x", has="music") == (400, "bad_field", "has")
    assert await refusal(ada, path, q="x", limit=51) == (400, "bad_field", "limit")
    assert await refusal(ada, path, q="x", room="nowhere") == (404, "no_such_room", None)
    assert await texts(ada, **{"q": "x", "from": "nobody"}) == []
    for hostile in ('"', "a\" OR b", "NEAR(a b)", "words : a", "a' & !b", "* ^ ( ) - + \\", "'; --"):
        response = await ada.ask("GET", path, params={"q": hostile})
        assert response.status in (200, 400), hostile


async def test_searches_are_limited_apart_from_messages(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    limits = WebLimits(messages_per_second=0.001, burst=2, logins_per_minute=0, changes_per_minute=0)
    async with rigged(tmp_path, limits=limits) as rig:
        client = await aiohttp_client(rig.app)
        ada = await visitor(rig, client, "ada")
        for _ in range(2):
            await search(ada, q="x")
        response = await ada.ask("GET", "/api/v1/search", params={"q": "x"})
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0
        room = (await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201))["id"]
        await ada.say(room, "hi")
        await client.close()


# around a line


async def test_the_lines_around_one(ada: Visitor, room: str) -> None:
    said = [await ada.say(room, f"line {number}") for number in range(9)]
    path = f"/api/v1/rooms/{room}/events"

    async def around(number: int, limit: int) -> tuple[list[str], bool, bool]:
        found = await ada.get(f"{path}/{said[number]['id']}/context?limit={limit}")
        assert found["seq"] == said[number]["seq"]
        lines = [each["content"].get("text", "") for each in found["events"]]
        return lines, found["older"], found["newer"]

    assert await around(4, 5) == (["line 2", "line 3", "line 4", "line 5", "line 6"], True, True)
    assert await around(4, 1) == (["line 4"], True, True)
    assert await around(4, 2) == (["line 3", "line 4"], True, True)
    assert await around(8, 4) == (["line 6", "line 7", "line 8"], True, False)
    assert await around(0, 50) == (["", *(f"line {n}" for n in range(9))], False, False)


async def test_the_lines_around_an_edit_are_those_around_its_line(ada: Visitor, room: str) -> None:
    first = await ada.say(room, "one")
    await ada.say(room, "two")
    edit = {"kind": "edited", "content": {"target": first["id"], "text": "one!"}}
    edited = await ada.post(f"/api/v1/rooms/{room}/events", edit, 201)
    found = await ada.get(f"/api/v1/rooms/{room}/events/{edited['id']}/context?limit=1")
    assert (found["seq"], found["events"][0]["content"]["text"]) == (first["seq"], "one!")


async def test_there_are_no_lines_around_what_is_not_there(ada: Visitor, bob: Visitor, room: str) -> None:
    other = (await ada.post("/api/v1/rooms", {"name": "Other", "access": "invite"}, status=201))["id"]
    said = await ada.say(other, "hi")
    for place, line in ((room, said["id"]), (room, "e-nothing"), (other, "e-nothing")):
        assert await refusal(ada, f"/api/v1/rooms/{place}/events/{line}/context") == (404, "no_such_event", None)
    path = f"/api/v1/rooms/{other}/events/{said['id']}/context"
    assert await refusal(bob, path) == (404, "no_such_room", None)
    assert await refusal(ada, path, limit=0) == (400, "bad_field", "limit")


async def test_a_person_of_many_rooms_searches_all_of_them(ada: Visitor, rig: Rig) -> None:
    places = [RoomId((await ada.post("/api/v1/rooms", {"name": f"R{n}"}, status=201))["id"]) for n in range(4)]
    for place in places:
        await rig.native.say(place, PersonId(ada.person), f"hello {place}")
    await indexed(rig)
    assert await texts(ada, q="hello") == [f"hello {place}" for place in reversed(places)]
