"""Signing up: by the operator's rule, with invites that are counted, under names that nobody else has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp.pytest_plugin import AiohttpClient

from bridge.store import accounts as rows
from bridge.store import invites
from bridge.web.accounts import HOUR_MS, AccountOptions, token_hash
from bridge.web.door import COOKIE
from bridge.web.parts import WebLimits
from tests.rigs.database import new_url
from tests.unit.web.accounts.asking import ask, invite_to, refused, signed_up
from tests.unit.web.conftest import Client
from tests.unit.web.rig import PASSWORD, ROOMY, Rig, Visitor, rigged

NEW = {"name": "new", "password": PASSWORD}


async def test_by_default_it_takes_an_invite(rig: Rig, client: Client) -> None:
    assert await refused(client, "POST", "signup", NEW) == (403, "invite_needed", "invite")
    wrong = {**NEW, "invite": "wrong"}
    assert await refused(client, "POST", "signup", wrong) == (404, "no_such_invite", "invite")
    token = await invite_to(rig, None)
    made = await signed_up(client, "New", invite=token, display_name=" Somebody  New ")
    assert (made.account["name"], made.account["display_name"]) == ("new", "Somebody New")
    assert (made.account["kind"], made.account["admin"]) == ("full", False)
    assert (await made.get("/api/v1/account"))["id"] == made.account["id"]
    assert (await ask(client, "POST", "login", NEW))[0] == 200


async def test_open_and_closed_are_what_they_say(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    (tmp_path / "open").mkdir()
    async with rigged(tmp_path / "open", options=AccountOptions(signup="open")) as rig:
        client = await aiohttp_client(rig.app)
        assert (await ask(client, "GET", "server"))[1]["signup"] == "open"
        await signed_up(client, "new")
        # An invite that is given has to be good, even where none is needed.
        body = {"name": "other", "password": PASSWORD, "invite": "wrong"}
        assert await refused(client, "POST", "signup", body) == (404, "no_such_invite", "invite")
    (tmp_path / "closed").mkdir()
    async with rigged(tmp_path / "closed", options=AccountOptions(signup="closed")) as rig:
        client = await aiohttp_client(rig.app)
        body = {**NEW, "invite": await invite_to(rig, None)}
        assert await refused(client, "POST", "signup", body) == (403, "signup_closed", None)
        assert await rig.accounts.list() == []


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"name": "No Name"}, "bad_name", "name"),
        ({"name": "ad.a"}, "name_taken", "name"),
        ({"display_name": "ADA"}, "name_taken", "display_name"),
        ({"display_name": "\u200b"}, "empty_name", "display_name"),
        ({"password": "short"}, "weak_password", "password"),
        ({"password": "x" * 1500}, "long_password", "password"),
        ({"password": 7}, "bad_field", "password"),
        ({"name": None}, "bad_field", "name"),
        ({"invite": 7}, "bad_field", "invite"),
    ],
)
async def test_what_cannot_be_taken_uses_no_invite_up(
    rig: Rig, client: Client, ada: Visitor, change: dict[str, object], code: str, field: str
) -> None:
    token = await invite_to(rig, None, max_uses=1)
    _, found, at = await refused(client, "POST", "signup", {**NEW, "invite": token, **change})
    assert (found, at) == (code, field)
    assert (await rig.accounts.invites.look(token)).uses == 0


async def test_of_two_who_want_one_name_one_gets_it(rig: Rig, client: Client) -> None:
    token = await invite_to(rig, None, max_uses=5)
    names = ("ada", "a.da", "ad_a", "ADA")
    bodies = [{"name": name, "password": PASSWORD, "invite": token} for name in names]
    answers = await asyncio.gather(*(ask(client, "POST", "signup", body) for body in bodies))
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409]
    assert len(await rig.accounts.list()) == 1
    assert (await rig.accounts.invites.look(token)).uses == 1


async def test_of_two_who_come_with_the_last_use_one_gets_in(rig: Rig, client: Client) -> None:
    token = await invite_to(rig, None, max_uses=2)
    bodies = [{"name": f"user{n}", "password": PASSWORD, "invite": token} for n in range(5)]
    answers = await asyncio.gather(*(ask(client, "POST", "signup", body) for body in bodies))
    assert sorted(status for status, _ in answers) == [201, 201, 410, 410, 410]
    assert {answer["error"]["code"] for status, answer in answers if status == 410} == {"invite_over"}
    # Of who came too late nothing is left, and the name is free.
    assert len(await rig.accounts.list()) == 2
    late = next(n for n, (status, _) in enumerate(answers) if status == 410)
    await signed_up(client, f"user{late}", invite=await invite_to(rig, None))


async def test_an_invite_is_over_in_time(rig: Rig, client: Client) -> None:
    token = await invite_to(rig, None, expires_in=3600)
    rig.clock.forward(hours=1)
    assert await refused(client, "POST", "signup", {**NEW, "invite": token}) == (410, "invite_over", "invite")


async def test_a_rooms_invite_makes_an_account_that_is_in_the_room(
    rig: Rig, client: Client, ada: Visitor
) -> None:
    secret = (await ada.post("/api/v1/rooms", {"name": "Secret", "access": "invite"}, status=201))["id"]
    token = await invite_to(rig, secret, ada.person, max_uses=1)
    status, answer = await ask(client, "POST", "signup", {**NEW, "invite": token})
    assert (status, answer["room"]) == (201, secret)
    made = Visitor(client, answer)
    assert (await made.get(f"/api/v1/rooms/{secret}"))["role"] == "member"
    assert await made.say(secret, "hello")


async def test_the_invite_to_an_archived_room_makes_nothing(rig: Rig, client: Client, ada: Visitor, room: str) -> None:
    token = await invite_to(rig, room, ada.person)
    assert (await ada.ask("PATCH", f"/api/v1/rooms/{room}", {"archived": True})).status == 200
    assert await refused(client, "POST", "signup", {**NEW, "invite": token}) == (410, "invite_over", "invite")
    assert len(await rig.accounts.list()) == 1
    found = await rig.db.read(lambda c: invites.by_token(c, token_hash(token)))
    assert found is not None
    assert found.uses == 0


async def test_with_cookie_the_token_is_nowhere_else(rig: Rig, client: Client) -> None:
    body = {**NEW, "invite": await invite_to(rig, None), "cookie": True}
    response = await client.post("/api/v1/signup", json=body)
    assert (response.status, (await response.json())["token"]) == (201, "")
    morsel = response.cookies[COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/")
    assert (await client.get("/api/v1/account")).status == 200


async def test_another_site_signs_nobody_up(rig: Rig, client: Client) -> None:
    body = {**NEW, "invite": await invite_to(rig, None), "cookie": True}
    found = await refused(client, "POST", "signup", body, headers={"Origin": "https://evil.example"})
    assert found == (403, "cross_origin", None)


async def test_sign_ups_are_limited_by_address(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    limits = WebLimits(signups_per_address=2)
    async with rigged(tmp_path, limits=limits, options=AccountOptions(signup="open")) as rig:
        client = await aiohttp_client(rig.app)

        async def attempt(number: int, address: str) -> int:
            body = {"name": f"user{number}", "password": PASSWORD}
            response = await client.post("/api/v1/signup", json=body, headers={"X-Forwarded-For": address})
            if response.status == 429:
                assert int(response.headers["Retry-After"]) == 1800
            return response.status

        assert [await attempt(n, "10.0.0.1") for n in range(3)] == [201, 201, 429]
        # One household has a whole /64 of IPv6 addresses.
        found = [await attempt(n, f"2001:db8:0:1::{n}") for n in range(10, 13)]
        assert found == [201, 201, 429]
        assert await attempt(20, "2001:db8:0:2::1") == 201


async def test_a_flood_of_sign_ups_is_limited_in_all(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    options = AccountOptions(signup="open", signups_per_hour=2)
    async with rigged(tmp_path, limits=ROOMY, options=options) as rig:
        client = await aiohttp_client(rig.app)
        await signed_up(client, "one")
        # Names that cannot be had do not use the others' chances up.
        for _ in range(5):
            assert (await refused(client, "POST", "signup", {**NEW, "name": "one"}))[1] == "name_taken"
        await signed_up(client, "two")
        assert await refused(client, "POST", "signup", {**NEW, "name": "three"}) == (429, "too_fast", None)
        # What the operator makes is not counted.
        await rig.accounts.add("three", PASSWORD)


async def test_who_signs_up_is_new_for_a_day_and_whom_an_operator_makes_is_not(rig: Rig, client: Client) -> None:
    made = await rig.accounts.add("ada", PASSWORD)
    before = rig.clock()
    await signed_up(client, "new", invite=await invite_to(rig, None))
    new = await rig.db.read(lambda c: rows.by_name(c, "new"))
    assert new is not None
    assert made.newcomer_until == 0
    assert before <= new.newcomer_until - 24 * HOUR_MS <= rig.clock()


async def test_what_signed_up_is_there_after_a_restart(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    url = new_url(tmp_path)
    async with rigged(tmp_path, database=url) as rig:
        client = await aiohttp_client(rig.app)
        token = await invite_to(rig, None, max_uses=2)
        made = await signed_up(client, "new", invite=token, display_name="Newton")
    async with rigged(tmp_path, database=url) as rig:
        client = await aiohttp_client(rig.app)
        again = Visitor(client, {"token": made.token, "account": made.account})
        assert (await again.get("/api/v1/account"))["display_name"] == "Newton"
        for name in ("n.e.w", "newton"):
            body = {"name": name, "password": PASSWORD, "invite": token}
            assert await refused(client, "POST", "signup", body) == (409, "name_taken", "name")
        await signed_up(client, "second", invite=token)
        body = {"name": "third", "password": PASSWORD, "invite": token}
        assert await refused(client, "POST", "signup", body) == (410, "invite_over", "invite")
