"""The API of invites to rooms: who makes them, what they tell, and coming in with one."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientResponse

from bridge.model.ids import PersonId, RoomId
from tests.unit.web.conftest import Client, SignIn
from tests.unit.web.rig import Rig, Visitor


@pytest.fixture
async def secret(ada: Visitor) -> str:
    """A private room of Ada's."""
    made = await ada.post("/api/v1/rooms", {"name": "Secret", "topic": "hush", "access": "invite"}, status=201)
    return str(made["id"])


async def invited(who: Visitor, room: str, **body: Any) -> tuple[dict[str, Any], str]:
    """Make an invite; return it and its token."""
    made = await who.post(f"/api/v1/rooms/{room}/invites", body, status=201)
    return made["invite"], made["url"].rpartition("/invite/")[2]


async def code(response: ClientResponse) -> tuple[int, str]:
    return response.status, (await response.json())["error"]["code"]


async def test_an_invite_lets_in(ada: Visitor, bob: Visitor, client: Client, secret: str) -> None:
    made, token = await invited(ada, secret, expires_in=3600, max_uses=1)
    assert (made["created_by"], made["uses"], made["max_uses"], made["guests"]) == (ada.person, 0, 1, False)
    assert made["expires_at"] - made["created_at"] == 3_600_000
    shown = await (await client.get(f"/api/v1/invites/{token}")).json()
    assert shown == {
        "room": {"name": "Secret", "topic": "hush", "members": 1},
        "guests": False,
        "expires_at": made["expires_at"],
        "uses_left": 1,
    }
    assert (await bob.ask("GET", f"/api/v1/rooms/{secret}")).status == 404
    entered = await bob.post(f"/api/v1/invites/{token}")
    assert (entered["id"], entered["joined"], entered["role"]) == (secret, True, "member")
    assert await code(await bob.ask("GET", f"/api/v1/invites/{token}")) == (410, "invite_over")
    assert (await ada.get(f"/api/v1/rooms/{secret}/invites"))["invites"] == []


async def test_who_is_there_already_uses_nothing_up(ada: Visitor, bob: Visitor, secret: str) -> None:
    _, token = await invited(ada, secret, max_uses=2)
    for _ in range(3):
        assert (await bob.post(f"/api/v1/invites/{token}"))["joined"]
    assert (await bob.get(f"/api/v1/invites/{token}"))["uses_left"] == 1


async def test_an_invite_without_limits_tells_of_none(ada: Visitor, bob: Visitor, secret: str) -> None:
    made, token = await invited(ada, secret)
    assert (made["expires_at"], made["max_uses"]) == (None, None)
    assert await bob.get(f"/api/v1/invites/{token}") == {
        "room": {"name": "Secret", "topic": "hush", "members": 1},
        "guests": False,
    }


async def test_members_see_and_revoke_their_own(ada: Visitor, bob: Visitor, secret: str) -> None:
    adas, token = await invited(ada, secret)
    await bob.post(f"/api/v1/invites/{token}")
    bobs, bobs_token = await invited(bob, secret)
    path = f"/api/v1/rooms/{secret}/invites"
    assert [each["id"] for each in (await bob.get(path))["invites"]] == [bobs["id"]]
    assert {each["id"] for each in (await ada.get(path))["invites"]} == {adas["id"], bobs["id"]}
    assert await code(await bob.ask("DELETE", f"{path}/{adas['id']}")) == (404, "no_such_invite")
    assert (await bob.ask("DELETE", f"{path}/{bobs['id']}")).status == 200
    assert await code(await bob.ask("DELETE", f"{path}/{bobs['id']}")) == (404, "no_such_invite")
    assert await code(await bob.ask("GET", f"/api/v1/invites/{bobs_token}")) == (410, "invite_over")
    assert (await ada.ask("DELETE", f"{path}/{adas['id']}")).status == 200
    assert (await ada.get(path))["invites"] == []


@pytest.mark.parametrize("how", ["kick", "mute"])
async def test_who_is_sent_away_or_muted_brings_nobody_back(
    ada: Visitor, bob: Visitor, secret: str, how: str
) -> None:
    _, token = await invited(ada, secret)
    await bob.post(f"/api/v1/invites/{token}")
    _, bobs = await invited(bob, secret)
    path = f"/api/v1/rooms/{secret}/members/{bob.person}"
    response = await ada.ask("DELETE", path) if how == "kick" else await ada.ask("PATCH", path, {"role": "muted"})
    assert response.status == 200
    assert await code(await bob.ask("POST", f"/api/v1/invites/{bobs}", {})) == (410, "invite_over")
    assert (await bob.get(f"/api/v1/invites/{token}"))["room"] is not None, "others' invites stay as they are"


async def test_an_invite_ends_with_its_room(ada: Visitor, bob: Visitor, secret: str) -> None:
    _, token = await invited(ada, secret)
    await ada.ask("PATCH", f"/api/v1/rooms/{secret}", {"archived": True})
    assert await code(await bob.ask("GET", f"/api/v1/invites/{token}")) == (410, "invite_over")
    assert await code(await bob.ask("POST", f"/api/v1/invites/{token}", {})) == (403, "room_archived")
    await ada.ask("PATCH", f"/api/v1/rooms/{secret}", {"archived": False})
    assert (await bob.get(f"/api/v1/invites/{token}"))["room"]["name"] == "Secret"
    await ada.ask("DELETE", f"/api/v1/rooms/{secret}")
    response = await bob.ask("POST", f"/api/v1/invites/{token}", {})
    assert response.status in (404, 410)


async def test_guests_come_only_where_the_invite_says_so(
    ada: Visitor, bob: Visitor, rig: Rig, sign_in: SignIn, secret: str
) -> None:
    _, plain = await invited(ada, secret)
    made, open_ = await invited(ada, secret, guests=True)
    assert made["guests"]
    gast = await sign_in("gast")
    await rig.make_guest(gast.person)
    assert await code(await gast.ask("POST", f"/api/v1/invites/{plain}", {})) == (403, "not_for_guests")
    entered = await gast.post(f"/api/v1/invites/{open_}")
    assert (entered["role"], "invite" in entered["can"]) == ("guest", False)
    await bob.post(f"/api/v1/invites/{plain}")
    response = await bob.ask("POST", f"/api/v1/rooms/{secret}/invites", {"guests": True})
    assert await code(response) == (403, "not_allowed")


async def test_somebody_without_an_account_comes_as_a_guest(ada: Visitor, client: Client, secret: str) -> None:
    _, token = await invited(ada, secret, guests=True, max_uses=1)
    answer = await client.post("/api/v1/guests", json={"invite": token, "display_name": "Ada"})
    assert answer.status in (200, 201), await answer.text()
    gast = Visitor(client, await answer.json())
    (room,) = (await gast.get("/api/v1/rooms"))["rooms"]
    assert (room["id"], room["role"]) == (secret, "guest")
    names = [member["name"] for member in (await ada.get(f"/api/v1/rooms/{secret}/members"))["members"]]
    assert len(set(names)) == 2, "nobody is shown under somebody else's name"


async def test_bad_invites_name_their_field(ada: Visitor, bob: Visitor, secret: str) -> None:
    path = f"/api/v1/rooms/{secret}/invites"
    for body, field in (({"expires_in": 1}, "expires_in"), ({"max_uses": 0}, "max_uses"), ({"guests": 1}, "guests")):
        response = await ada.ask("POST", path, body)
        assert (response.status, (await response.json())["error"]["field"]) == (400, field)
    for method in ("GET", "POST"):
        nothing: Any = None if method == "GET" else {}
        assert await code(await bob.ask(method, "/api/v1/invites/nonsense", nothing)) == (404, "no_such_invite")
        assert await code(await bob.ask(method, path, nothing)) == (404, "no_such_room")
    room = (await ada.post("/api/v1/direct", {"person": bob.person}))["id"]
    assert await code(await ada.ask("POST", f"/api/v1/rooms/{room}/invites", {})) == (403, "direct_room")


async def test_people_of_matrix_are_invited_by_name(ada: Visitor, bob: Visitor, secret: str, room: str) -> None:
    path = f"/api/v1/rooms/{secret}/invited"
    assert await code(await bob.ask("POST", path, {"user": "@m:hs"})) == (404, "no_such_room")
    assert await code(await ada.ask("POST", path, {"user": "@m:hs"})) == (409, "not_on_network")
    response = await ada.ask("POST", path, {"user": ""})
    assert (response.status, (await response.json())["error"]["field"]) == (400, "user")
    response = await ada.ask("POST", path, {"user": "@m:hs", "network": "irc"})
    assert (response.status, (await response.json())["error"]["field"]) == (400, "network")


async def test_the_operator_invites_to_a_room(rig: Rig, bob: Visitor, secret: str) -> None:
    _, token = await rig.accounts.invites.make(None, room=RoomId(secret))
    assert (await bob.post(f"/api/v1/invites/{token}"))["id"] == secret
    member = await rig.hub.member(RoomId(secret), PersonId(bob.person))
    assert member is not None
    assert member.joined
