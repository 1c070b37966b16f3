"""Guests: they come by an invite, are somebody for a while in that room alone, and are gone when they stay away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp.pytest_plugin import AiohttpClient

from bridge.model.errors import Refused
from bridge.model.ids import PersonId, RoomId
from bridge.store import invites
from bridge.web.accounts import AccountOptions, token_hash
from bridge.web.door import COOKIE
from tests.unit.web.accounts.asking import ask, guest, invite_to, refused, told
from tests.unit.web.conftest import Client, SignIn
from tests.unit.web.rig import PASSWORD, Rig, Visitor, rigged


@pytest.fixture
async def secret(ada: Visitor) -> str:
    """A private room of Ada's."""
    return str((await ada.post("/api/v1/rooms", {"name": "Secret", "access": "invite"}, status=201))["id"])


async def test_a_guest_reads_and_writes_in_the_room_of_the_invite_alone(
    rig: Rig, client: Client, ada: Visitor, room: str, secret: str
) -> None:
    token = await invite_to(rig, secret, ada.person, guests=True)
    status, answer = await ask(client, "POST", "guests", {"invite": token, "display_name": "Grace"})
    assert (status, answer["room"]) == (201, secret)
    account = answer["account"]
    assert (account["name"], account["display_name"], account["kind"]) == ("", "Grace", "guest")
    grace = Visitor(client, answer)
    await ada.say(secret, "welcome")
    await grace.say(secret, "hello")
    assert await grace.texts(secret) == ["welcome", "hello"]
    assert (await grace.get(f"/api/v1/rooms/{secret}"))["role"] == "guest"
    assert (await grace.ask("POST", f"/api/v1/rooms/{room}/join", {})).status in (403, 404)
    for path, body in (
        ("rooms", {"name": "Mine"}),
        ("direct", {"person": ada.person}),
        ("account/password", {"new": PASSWORD}),
    ):
        assert (await told(grace, "POST", path, body))[:2] == (403, "no_guests"), path


async def test_a_guest_cannot_be_signed_in_to(rig: Rig, client: Client, ada: Visitor, room: str) -> None:
    grace = await guest(client, await invite_to(rig, room, ada.person, guests=True), "Grace")
    for name in (grace.account["id"], "grace", "Grace", ""):
        for password in ("", PASSWORD, "no account has this password"):
            with pytest.raises(Refused, match="wrong"):
                await rig.accounts.login(name, password)
    for act in (rig.accounts.passwd(grace.account["id"], PASSWORD), _link(rig, grace.account["id"])):
        with pytest.raises(Refused) as caught:
            await act
        assert caught.value.reason_code == "no_such_account"


async def _link(rig: Rig, name: str) -> None:
    await rig.accounts.admins.reset("ada", await rig.accounts.named(name))


async def test_a_guests_name_is_made_distinct(rig: Rig, client: Client, ada: Visitor, room: str) -> None:
    token = await invite_to(rig, room, ada.person, guests=True)
    came = [await guest(client, token, name) for name in ("Ada", "ADA", "Rialto", "x" * 200)]
    names = [one.account["display_name"] for one in came]
    assert names == ["Ada (guest)", "ADA (guest 2)", "Rialto (guest)", "x" * 48]
    assert await refused(client, "POST", "guests", {"invite": token, "display_name": "\u200b"}) == (
        400, "empty_name", "display_name",
    )
    # What nobody can read uses no invite up.
    found = await rig.accounts.invites.look(token)
    assert found.uses == 4
    shown = {member["name"] for member in (await ada.get(f"/api/v1/rooms/{room}/members"))["members"]}
    assert {"ada", "Ada (guest)", "ADA (guest 2)"} <= shown


async def test_nobody_else_takes_a_guests_name_while_the_guest_is_there(
    rig: Rig, client: Client, ada: Visitor, room: str
) -> None:
    token = await invite_to(rig, room, ada.person, guests=True)
    grace = await guest(client, token, "Grace")
    with pytest.raises(Refused, match="looks like"):
        await rig.accounts.add("grace", PASSWORD)
    assert (await grace.ask("DELETE", "/api/v1/account", {})).status == 200
    await rig.accounts.add("grace", PASSWORD)
    assert (await guest(client, token, "Grace")).account["display_name"] == "Grace (guest)"


async def test_not_every_invite_takes_guests(rig: Rig, client: Client, ada: Visitor, room: str) -> None:
    body = {"display_name": "Grace"}
    plain = await invite_to(rig, room, ada.person)
    assert await refused(client, "POST", "guests", {**body, "invite": plain}) == (403, "not_for_guests", "invite")
    server = await invite_to(rig, None)
    assert await refused(client, "POST", "guests", {**body, "invite": server}) == (403, "not_for_guests", "invite")
    assert await refused(client, "POST", "guests", {**body, "invite": "x"}) == (404, "no_such_invite", "invite")
    with pytest.raises(Refused, match="no guests"):
        await rig.accounts.invites.make(None, guests=True)


async def test_of_two_guests_with_the_last_use_one_gets_in(rig: Rig, client: Client, ada: Visitor, room: str) -> None:
    token = await invite_to(rig, room, ada.person, guests=True, max_uses=1)
    body = {"invite": token, "display_name": "Grace"}
    answers = await asyncio.gather(*(ask(client, "POST", "guests", body) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [201, 410, 410, 410]
    assert len(await rig.accounts.list()) == 2


async def test_an_invite_that_leads_nowhere_any_more_is_given_back(
    rig: Rig, client: Client, ada: Visitor, room: str
) -> None:
    token = await invite_to(rig, room, ada.person, guests=True, max_uses=1)
    assert (await ada.ask("PATCH", f"/api/v1/rooms/{room}", {"archived": True})).status == 200
    body = {"invite": token, "display_name": "Grace"}
    assert await refused(client, "POST", "guests", body) == (410, "invite_over", "invite")
    assert (await ada.ask("PATCH", f"/api/v1/rooms/{room}", {"archived": False})).status == 200
    await guest(client, token, "Grace")


async def test_with_guests_off_nobody_comes(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    async with rigged(tmp_path, options=AccountOptions(guests=False)) as rig:
        client = await aiohttp_client(rig.app)
        body = {"invite": "x", "display_name": "Grace"}
        assert await refused(client, "POST", "guests", body) == (403, "guests_off", None)
        with pytest.raises(Refused) as caught:
            await rig.accounts.invites.make(None, room=RoomId("r1"), guests=True)
        assert caught.value.reason_code == "guests_off"


async def test_guests_are_limited_in_all(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    async with rigged(tmp_path, options=AccountOptions(guests_per_hour=2)) as rig:
        client = await aiohttp_client(rig.app)
        owner = await rig.accounts.add("ada", PASSWORD)
        room = await rig.native.found_room("Lobby", owner.person)
        token = await invite_to(rig, room.id, owner.person, guests=True, max_uses=5)
        for name in ("One", "Two"):
            await guest(client, token, name)
        body = {"invite": token, "display_name": "Three"}
        assert await refused(client, "POST", "guests", body) == (429, "too_fast", None)
        assert (await rig.accounts.invites.look(token)).uses == 2


async def test_who_does_not_come_back_is_gone(
    rig: Rig, client: Client, ada: Visitor, room: str, sign_in: SignIn
) -> None:
    token = await invite_to(rig, room, ada.person, guests=True)
    stays = await guest(client, token, "Stays")
    goes = await guest(client, token, "Goes")
    full = await sign_in("full")
    rig.clock.forward(days=6)
    await rig.accounts.upkeep.once()
    assert (await stays.ask("GET", "/api/v1/account")).status == 200
    rig.clock.forward(days=2)
    await rig.accounts.upkeep.once()
    assert (await stays.ask("GET", "/api/v1/account")).status == 200
    assert (await goes.ask("GET", "/api/v1/account")).status == 401
    assert (await full.ask("GET", "/api/v1/account")).status == 200
    place = await rig.hub.member(RoomId(room), PersonId(goes.person))
    assert place is not None
    assert not place.joined
    # The name is free again, here and after a restart.
    await rig.accounts.add("goes", PASSWORD)


async def test_a_guest_keeps_the_cookie(rig: Rig, client: Client, ada: Visitor, room: str) -> None:
    token = await invite_to(rig, room, ada.person, guests=True)
    body = {"invite": token, "display_name": "Grace", "cookie": True}
    response = await client.post("/api/v1/guests", json=body)
    assert (response.status, (await response.json())["token"]) == (201, "")
    assert response.cookies[COOKIE]["httponly"]
    assert (await (await client.get("/api/v1/account")).json())["display_name"] == "Grace"


async def test_a_stop_before_the_guest_was_in_the_room_leaves_nobody_for_long(
    rig: Rig, client: Client, ada: Visitor, room: str
) -> None:
    """The use is counted (an invite lets in no more than it says), and the account is closed like any unused one."""
    token = await invite_to(rig, room, ada.person, guests=True, max_uses=1)

    def spend(connection: object, _account: object) -> None:
        rig.accounts.invites.spend(connection, token)  # type: ignore[arg-type]

    left = await rig.accounts.registry.add_guest("Grace", spend)
    rig.clock.forward(days=8)
    await rig.accounts.upkeep.once()
    assert not (await rig.accounts.registry.get(left.id)).active
    found = await rig.db.read(lambda c: invites.by_token(c, token_hash(token)))
    assert found is not None
    assert found.uses == 1
