"""The API of rooms: shapes, coming and going, what is private."""

from __future__ import annotations

from pathlib import Path

from aiohttp.pytest_plugin import AiohttpClient

from bridge.web.parts import WebLimits
from tests.unit.web.rig import Rig, Visitor, rigged, visitor


async def test_a_new_room_has_its_maker_and_its_alias(ada: Visitor, rig: Rig) -> None:
    response = await ada.ask("POST", "/api/v1/rooms", {"name": " The  Lobby ", "topic": "hello"})
    made = await response.json()
    assert response.status == 201
    assert response.headers["Location"] == f"/api/v1/rooms/{made['id']}"
    assert made["alias"] == "#rialto_the-lobby:example.org"
    await rig.network.settled()
    found = await ada.get(f"/api/v1/rooms/{made['id']}")
    assert found == {
        "id": made["id"],
        "slug": "the-lobby",
        "name": "The Lobby",
        "alias": "#rialto_the-lobby:example.org",
        "topic": "hello",
        "avatar": "",
        "access": "public",
        "history": "all",
        "slow_seconds": 0,
        "archived": False,
        "joined": True,
        "role": "owner",
        "last_seq": 1,
        "marker": 1,
        "unread": 0,
        "mentions": 0,
        "can": [
            "read",
            "say",
            "edit_own",
            "remove_own",
            "remove_other",
            "describe",
            "configure",
            "invite",
            "invite_guests",
            "kick",
            "rank",
            "archive",
            "delete",
            "leave",
        ],
        "members": 1,
        "links": [{"network": "matrix", "state": "ready", "address": "#rialto_the-lobby:example.org"}],
    }
    assert (await ada.get("/api/v1/rooms"))["rooms"] == [found]


async def test_others_see_it_join_it_and_leave_it(ada: Visitor, bob: Visitor, room: str) -> None:
    assert (await bob.get("/api/v1/rooms"))["rooms"] == []
    (seen,) = (await bob.get("/api/v1/directory"))["rooms"]
    assert (seen["joined"], seen["members"], seen["can"]) == (False, 1, ["read", "join"])
    joined = await bob.post(f"/api/v1/rooms/{room}/join")
    assert (joined["joined"], joined["members"]) == (True, 2)
    assert await bob.post(f"/api/v1/rooms/{room}/join") == joined
    members = (await ada.get(f"/api/v1/rooms/{room}/members"))["members"]
    assert members == [
        {"id": ada.person, "name": "ada", "network": "web", "role": "owner", "avatar": ""},
        {"id": bob.person, "name": "bob", "network": "web", "role": "member", "avatar": ""},
    ]
    assert await bob.post(f"/api/v1/rooms/{room}/leave") == {}
    assert (await bob.get(f"/api/v1/rooms/{room}"))["joined"] is False
    assert (await bob.post(f"/api/v1/rooms/{room}/leave", status=409))["error"]["code"] == "not_in_room"
    kinds = [line["kind"] for line in await ada.events(room)]
    assert kinds == ["joined", "joined", "left"]


async def test_a_private_room_is_not_there_for_others(ada: Visitor, bob: Visitor) -> None:
    made = await ada.post("/api/v1/rooms", {"name": "Secret", "access": "invite"}, status=201)
    assert (made["alias"], made["links"], made["access"]) == ("", [], "invite")
    path = f"/api/v1/rooms/{made['id']}"
    assert (await bob.get("/api/v1/directory"))["rooms"] == []
    for method, below in (
        ("GET", ""),
        ("PATCH", ""),
        ("POST", "/join"),
        ("POST", "/leave"),
        ("GET", "/members"),
        ("GET", f"/members/{ada.person}/avatar"),
        ("GET", "/events"),
        ("POST", "/events"),
        ("DELETE", ""),
        ("GET", "/avatar"),
        ("PUT", "/avatar"),
        ("DELETE", "/avatar"),
        ("PATCH", f"/members/{ada.person}"),
        ("DELETE", f"/members/{ada.person}"),
    ):
        body = {"name": "x", "role": "muted", "kind": "said", "content": {"text": "x"}}
        response = await bob.ask(method, path + below, None if method == "GET" else body)
        assert response.status == 404, (method, below)
        assert (await response.json())["error"]["code"] == "no_such_room"
    assert (await bob.get("/api/v1/rooms/r0000", status=404))["error"]["code"] == "no_such_room"


async def test_only_who_may_describes(ada: Visitor, bob: Visitor, room: str) -> None:
    path = f"/api/v1/rooms/{room}"
    response = await ada.ask("PATCH", path, {"name": "New Lobby", "topic": "new"})
    changed = await response.json()
    assert (changed["name"], changed["topic"], changed["alias"]) == ("New Lobby", "new", "#rialto_lobby:example.org")
    assert (await ada.events(room))[-1]["content"] == {"name": "New Lobby", "topic": "new"}
    response = await ada.ask("PATCH", path, {"topic": ""})
    assert (await response.json())["topic"] == ""
    assert (await ada.events(room))[-1]["content"] == {"topic": ""}
    await bob.post(f"{path}/join")
    response = await bob.ask("PATCH", path, {"name": "Bob's"})
    assert (response.status, (await response.json())["error"]["code"]) == (403, "not_allowed")


async def test_bad_rooms_name_their_field(ada: Visitor, room: str) -> None:
    for body, code, field in (
        ({}, "missing_field", "name"),
        ({"name": 5}, "bad_field", "name"),
        ({"name": "  "}, "empty_name", "name"),
        ({"name": "a\0b"}, "bad_field", "name"),
        ({"name": "x", "topic": ["y"]}, "bad_field", "topic"),
        ({"name": "x", "topic": "y" * 1001}, "topic_too_long", "topic"),
        ({"name": "x", "access": "secret"}, "bad_field", "access"),
        ({"name": "x", "history": 1}, "bad_field", "history"),
        ({"name": "x", "slow_seconds": -1}, "bad_field", "slow_seconds"),
        ({"name": "x", "slow_seconds": 21601}, "bad_field", "slow_seconds"),
        ({"name": "x", "mirror": "yes"}, "bad_field", "mirror"),
    ):
        error = (await ada.post("/api/v1/rooms", body, status=400))["error"]
        assert (error["code"], error["field"]) == (code, field), body
    response = await ada.ask("PATCH", f"/api/v1/rooms/{room}", {"color": "red"})
    assert (response.status, (await response.json())["error"]["code"]) == (400, "missing_field")


async def test_changes_are_limited(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    limits = WebLimits(logins_per_minute=0, changes_per_minute=1, changes_burst=2)
    async with rigged(tmp_path, limits=limits) as rig:
        ada = await visitor(rig, await aiohttp_client(rig.app), "ada")
        made = await ada.post("/api/v1/rooms", {"name": "One"}, status=201)
        await ada.post("/api/v1/rooms", {"name": "Two"}, status=201)
        assert (await ada.post("/api/v1/rooms", {"name": "Three"}, status=429))["error"]["code"] == "too_fast"
        await ada.say(made["id"], "messages are counted apart")
