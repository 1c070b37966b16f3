"""The API of a room's settings and picture, the directory, and the end of a room."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.web.rig import PNG, Rig, Visitor


async def changed(who: Visitor, room: str, body: dict[str, Any], status: int = 200) -> Any:
    response = await who.ask("PATCH", f"/api/v1/rooms/{room}", body)
    assert response.status == status, await response.text()
    return await response.json()


async def test_a_room_is_made_as_it_is_wanted(ada: Visitor, rig: Rig) -> None:
    wanted = {"name": "Quiet", "access": "invite", "history": "joined", "slow_seconds": 30}
    made = await ada.post("/api/v1/rooms", wanted, status=201)
    assert {key: made[key] for key in wanted} == wanted
    assert made["links"] == []
    loud = await ada.post("/api/v1/rooms", {**wanted, "name": "Loud", "mirror": True}, status=201)
    await rig.network.settled()
    assert [link["network"] for link in loud["links"]] == ["matrix"]
    hidden = await ada.post("/api/v1/rooms", {"name": "Hidden", "mirror": False}, status=201)
    assert (hidden["links"], hidden["alias"]) == ([], "")


async def test_each_setting_is_saved_by_itself_and_told(ada: Visitor, bob: Visitor, room: str) -> None:
    for body in (
        {"access": "invite"},
        {"access": "public"},
        {"history": "joined"},
        {"history": "all"},
        {"slow_seconds": 10},
        {"archived": True},
        {"archived": False},
    ):
        shape = await changed(ada, room, body)
        (field, value), *_ = body.items()
        assert shape[field] == value
        last = (await ada.events(room))[-1]
        assert (last["kind"], last["content"]) == ("configured", body)
    await bob.post(f"/api/v1/rooms/{room}/join")
    assert (await changed(bob, room, {"slow_seconds": 0}, 403))["error"]["code"] == "owners_only"
    for body in ({"access": "direct"}, {"slow_seconds": 30_000}, {"archived": "yes"}, {"mirror": False}):
        error = (await changed(ada, room, body, 400))["error"]
        assert (error["code"], error["field"]) == ("bad_field", next(iter(body)))


async def test_several_settings_at_once(ada: Visitor, room: str) -> None:
    await changed(ada, room, {"archived": True})
    refused = await changed(ada, room, {"topic": "closed"}, 403)
    assert refused["error"]["code"] == "room_archived"
    shape = await changed(ada, room, {"archived": False, "topic": "open", "history": "joined"})
    assert (shape["archived"], shape["topic"], shape["history"]) == (False, "open", "joined")
    shape = await changed(ada, room, {"archived": True, "topic": "closed", "history": "all"})
    assert (shape["archived"], shape["topic"], shape["history"]) == (True, "closed", "all")
    assert shape["can"] == ["read", "archive", "delete", "leave"]


async def test_slow_mode_says_when_to_come_again(ada: Visitor, bob: Visitor, room: str) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    await changed(ada, room, {"slow_seconds": 60})
    await bob.say(room, "one")
    response = await bob.ask("POST", f"/api/v1/rooms/{room}/events", {"kind": "said", "content": {"text": "two"}})
    assert response.status == 429
    assert 0 < int(response.headers["Retry-After"]) <= 60
    error = (await response.json())["error"]
    assert error["code"] == "slow_mode"
    assert "60 seconds" in error["message"]
    for text in ("a", "b"):
        await ada.say(room, text)


async def test_history_for_members_is_hidden_in_every_read(ada: Visitor, bob: Visitor, room: str) -> None:
    await ada.say(room, "before")
    await changed(ada, room, {"history": "joined"})
    path = f"/api/v1/rooms/{room}"
    assert (await bob.get(f"{path}/events", status=403))["error"]["code"] == "join_to_read"
    assert (await bob.get(path))["can"] == ["join"]
    await bob.post(f"{path}/join")
    await ada.say(room, "after")
    first = (await bob.events(room))[0]
    assert (first["kind"], first["who"]["id"]) == ("joined", bob.person)
    assert await bob.texts(room) == ["after"]
    for query in ("?before=1000", "?after=0", "?raw=1", "?after=0&raw=1&limit=1"):
        assert min(line["seq"] for line in await bob.events(room, query)) == first["seq"]
    assert await bob.events(room, f"?before={first['seq']}") == []
    assert await ada.texts(room) == ["before", "after"]


async def test_what_is_done_to_older_lines_is_hidden_with_them(ada: Visitor, bob: Visitor, room: str) -> None:
    path = f"/api/v1/rooms/{room}"
    before = await ada.say(room, "before")
    gone = await ada.say(room, "gone")
    await changed(ada, room, {"history": "joined"})
    await bob.post(f"{path}/join")
    edit = {"kind": "edited", "content": {"target": before["id"], "text": "still before bob came"}}
    await ada.post(f"{path}/events", edit, status=201)
    removal = {"kind": "removed", "content": {"target": gone["id"], "reason": "a word on it"}}
    await ada.post(f"{path}/events", removal, status=201)
    own = await ada.say(room, "after")
    await ada.post(f"{path}/events", {"kind": "edited", "content": {"target": own["id"], "text": "later"}}, status=201)
    for query in ("?raw=1", "?after=0&raw=1"):
        assert [line["kind"] for line in await bob.events(room, query)] == ["joined", "said", "edited"]
    assert [line["kind"] for line in await ada.events(room, "?raw=1")][-4:] == ["edited", "removed", "said", "edited"]


async def test_a_private_room_may_be_shown_on_matrix_later(ada: Visitor, rig: Rig) -> None:
    room = (await ada.post("/api/v1/rooms", {"name": "Quiet", "access": "invite"}, status=201))["id"]
    await changed(ada, room, {"mirror": True, "federate": False})
    await rig.network.settled()
    shape = await ada.get(f"/api/v1/rooms/{room}")
    assert [(link["network"], link["state"]) for link in shape["links"]] == [("matrix", "ready")]
    assert shape["alias"] == "#rialto_quiet:example.org"
    last = (await ada.events(room))[-1]
    assert (last["kind"], last["content"]) == ("told", {"key": "mirrored", "values": {"network": "matrix"}})
    await changed(ada, room, {"mirror": True})
    assert (await ada.events(room))[-1]["seq"] == last["seq"]


async def test_a_room_has_a_picture(ada: Visitor, bob: Visitor, room: str) -> None:
    path = f"/api/v1/rooms/{room}/avatar"
    assert (await bob.get(path, status=404))["error"]["code"] == "no_picture"
    response = await bob.ask("PUT", path, data=PNG, headers={"Content-Type": "image/png"})
    assert (response.status, (await response.json())["error"]["code"]) == (403, "not_in_room")
    response = await ada.ask("PUT", path, data=PNG, headers={"Content-Type": "image/png"})
    shape = await response.json()
    assert shape["avatar"].startswith(f"{path}?v=")
    shown = await bob.ask("GET", shape["avatar"])
    assert (await shown.read(), shown.content_type) == (PNG, "image/png")
    assert (await ada.events(room))[-1]["content"] == {"avatar": True}
    response = await ada.ask("PUT", path, data=b"no picture", headers={"Content-Type": "image/png"})
    assert (response.status, (await response.json())["error"]["code"]) == (415, "not_an_image")
    response = await ada.ask("DELETE", path)
    assert (await response.json())["avatar"] == ""


async def test_the_directory_is_searched_and_paged(ada: Visitor, bob: Visitor) -> None:
    for name, topic in (("Beta", "letters"), ("alpha", "Letters"), ("Gamma", ""), ("100%", "a_b"), ("聊天室", "中文")):
        await ada.post("/api/v1/rooms", {"name": name, "topic": topic}, status=201)
    await ada.post("/api/v1/rooms", {"name": "Alpha secret", "access": "invite"}, status=201)
    old = (await ada.post("/api/v1/rooms", {"name": "Alpha old"}, status=201))["id"]
    await changed(ada, old, {"archived": True})

    async def names(query: str) -> list[str]:
        return [room["name"] for room in (await bob.get(f"/api/v1/directory{query}"))["rooms"]]

    assert await names("") == ["100%", "alpha", "Beta", "Gamma", "聊天室"]
    assert await names("?q=ALPHA") == ["alpha"]
    assert await names("?q=letters") == ["alpha", "Beta"]
    assert await names("?q=%25") == ["100%"]
    assert await names("?q=a_b") == ["100%"]
    assert await names("?q=中文") == ["聊天室"]
    assert await names("?q=nothing") == []
    found: list[str] = []
    after = ""
    while True:
        page = await bob.get(f"/api/v1/directory?limit=2{after}")
        found += [room["name"] for room in page["rooms"]]
        if "next" not in page:
            break
        after = f"&after={page['next']}"
    assert found == ["100%", "alpha", "Beta", "Gamma", "聊天室"]
    assert await names("?after=r0000") == []
    for query, field in (("?limit=0", "limit"), ("?limit=101", "limit"), (f"?q={'x' * 201}", "q")):
        assert (await bob.get(f"/api/v1/directory{query}", status=400))["error"]["field"] == field


async def test_a_deleted_room_is_gone_for_everybody(ada: Visitor, bob: Visitor, room: str) -> None:
    path = f"/api/v1/rooms/{room}"
    await bob.post(f"{path}/join")
    response = await bob.ask("DELETE", path)
    assert (response.status, (await response.json())["error"]["code"]) == (403, "owners_only")
    response = await ada.ask("DELETE", path)
    assert (response.status, await response.json()) == (200, {})
    for who in (ada, bob):
        assert (await who.get(path, status=404))["error"]["code"] == "no_such_room"
        assert (await who.get(f"{path}/events", status=404))["error"]["code"] == "no_such_room"
        assert (await who.get("/api/v1/rooms"))["rooms"] == []
        assert (await who.get("/api/v1/directory"))["rooms"] == []
    assert (await ada.ask("DELETE", path)).status == 404


@pytest.mark.parametrize("admin", [True, False])
async def test_an_admin_sees_private_rooms_and_reads_none_of_them(ada: Visitor, sign_in: Any, admin: bool) -> None:
    room = (await ada.post("/api/v1/rooms", {"name": "Secret", "access": "invite"}, status=201))["id"]
    boss = await sign_in("boss", admin=admin)
    shape = await boss.get(f"/api/v1/rooms/{room}", status=200 if admin else 404)
    assert (await boss.ask("GET", f"/api/v1/rooms/{room}/events")).status == (403 if admin else 404)
    if admin:
        assert "join" in shape["can"]
        assert "read" not in shape["can"]
        await boss.post(f"/api/v1/rooms/{room}/join")
        assert (await ada.events(room))[-1]["kind"] == "joined", "everybody there sees it"
