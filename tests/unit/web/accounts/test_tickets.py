"""One-time links: a new password, and the first administrator."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp.pytest_plugin import AiohttpClient

from bridge.model.errors import Refused
from bridge.store import identities
from bridge.text.names import skeleton
from bridge.web.accounts import token_hash
from bridge.web.door import COOKIE
from bridge.web.parts import WebLimits
from tests.rigs.database import new_url
from tests.unit.web.accounts.asking import ask, refused
from tests.unit.web.conftest import Client
from tests.unit.web.rig import PASSWORD, Rig, Visitor, rigged

NEW = "another password"


async def test_a_reset_link_sets_a_password_once(rig: Rig, client: Client, ada: Visitor) -> None:
    token, expires_at = await rig.accounts.tickets.for_reset(await rig.accounts.named("ada"))
    shown = {"purpose": "reset", "name": "ada", "expires_at": expires_at}
    assert await ask(client, "GET", f"tickets/{token}") == (200, shown)
    body = {"token": token, "password": NEW}
    assert await refused(client, "POST", "reset", {**body, "password": "short"}) == (400, "weak_password", "password")
    status, answer = await ask(client, "POST", "reset", body)
    assert (status, answer["account"]["name"]) == (200, "ada")
    # Whoever was signed in before is not any more; who used the link is.
    assert (await ada.ask("GET", "/api/v1/account")).status == 401
    assert (await Visitor(client, answer).get("/api/v1/account"))["name"] == "ada"
    assert await refused(client, "POST", "reset", body) == (404, "no_such_ticket", "token")
    assert await refused(client, "GET", f"tickets/{token}") == (404, "no_such_ticket", "token")
    await rig.accounts.login("ada", NEW)


async def test_a_link_is_over_after_a_day(rig: Rig, client: Client) -> None:
    account = await rig.accounts.add("ada", PASSWORD)
    token, _ = await rig.accounts.tickets.for_reset(account)
    rig.clock.forward(hours=23.9)
    assert (await ask(client, "GET", f"tickets/{token}"))[0] == 200
    rig.clock.forward(hours=0.2)
    body = {"token": token, "password": NEW}
    assert await refused(client, "POST", "reset", body) == (404, "no_such_ticket", "token")
    await rig.accounts.login("ada", PASSWORD)


async def test_a_later_link_makes_an_earlier_one_void(rig: Rig, client: Client) -> None:
    account = await rig.accounts.add("ada", PASSWORD)
    first, _ = await rig.accounts.tickets.for_reset(account)
    second, _ = await rig.accounts.tickets.for_reset(account)
    assert await refused(client, "GET", f"tickets/{first}") == (404, "no_such_ticket", "token")
    await rig.accounts.passwd("ada", NEW)
    assert await refused(client, "GET", f"tickets/{second}") == (404, "no_such_ticket", "token")


async def test_a_closed_account_has_no_way_in(rig: Rig, client: Client) -> None:
    account = await rig.accounts.add("ada", PASSWORD)
    token, _ = await rig.accounts.tickets.for_reset(account)
    await rig.accounts.deactivate("ada")
    body = {"token": token, "password": NEW}
    assert await refused(client, "POST", "reset", body) == (404, "no_such_ticket", "token")
    with pytest.raises(Refused) as caught:
        await rig.accounts.tickets.for_reset(await rig.accounts.named("ada"))
    assert caught.value.reason_code == "no_such_account"


async def test_of_two_who_use_one_link_one_sets_the_password(rig: Rig, client: Client) -> None:
    token, _ = await rig.accounts.tickets.for_reset(await rig.accounts.add("ada", PASSWORD))
    bodies = [{"token": token, "password": f"{NEW} {n}"} for n in range(3)]
    answers = await asyncio.gather(*(ask(client, "POST", "reset", body) for body in bodies))
    assert sorted(status for status, _ in answers) == [200, 404, 404]
    done = next(n for n, (status, _) in enumerate(answers) if status == 200)
    await rig.accounts.login("ada", f"{NEW} {done}")


async def test_a_claim_makes_the_first_administrator(rig: Rig, client: Client) -> None:
    assert await rig.accounts.tickets.needs_claim()
    token, expires_at = await rig.accounts.tickets.for_claim()
    assert await ask(client, "GET", f"tickets/{token}") == (200, {"purpose": "claim", "expires_at": expires_at})
    body = {"token": token, "name": "root", "password": PASSWORD, "cookie": True}
    assert await refused(client, "POST", "claim", {**body, "name": "Root!"}) == (400, "bad_name", "name")
    response = await client.post("/api/v1/claim", json=body)
    answer = await response.json()
    assert (response.status, answer["token"], answer["account"]["admin"]) == (201, "", True)
    assert response.cookies[COOKIE]["httponly"]
    assert (await client.get("/api/v1/admin/accounts")).status == 200
    assert not await rig.accounts.tickets.needs_claim()
    bob = await rig.accounts.add("bob", PASSWORD)
    await rig.people.load([bob.person])
    assert skeleton("root") in rig.people.rights(bob.person).reserved


async def test_of_two_who_claim_one_becomes_administrator(rig: Rig, client: Client) -> None:
    token, _ = await rig.accounts.tickets.for_claim()
    bodies = [{"token": token, "name": f"root{n}", "password": PASSWORD} for n in range(4)]
    answers = await asyncio.gather(*(ask(client, "POST", "claim", body) for body in bodies))
    assert sorted(status for status, _ in answers) == [201, 404, 404, 404]
    assert [account.admin for account in await rig.accounts.list()] == [True]


async def test_links_are_for_what_they_are_for(rig: Rig, client: Client) -> None:
    claim, _ = await rig.accounts.tickets.for_claim()
    reset, _ = await rig.accounts.tickets.for_reset(await rig.accounts.add("ada", PASSWORD))
    void = (404, "no_such_ticket", "token")
    assert await refused(client, "POST", "reset", {"token": claim, "password": NEW}) == void
    assert await refused(client, "POST", "claim", {"token": reset, "name": "root", "password": NEW}) == void
    # What sign-ins from elsewhere leave in the same table opens nothing.
    assert await rig.db.write(lambda c: identities.spend(c, token_hash("state"), rig.clock() + 60_000))
    assert await refused(client, "GET", "tickets/state") == void
    assert await refused(client, "POST", "claim", {"token": "state", "name": "root", "password": NEW}) == void


async def test_tries_are_limited(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    async with rigged(tmp_path, limits=WebLimits(logins_per_minute=3)) as rig:
        client = await aiohttp_client(rig.app)
        assert (await refused(client, "GET", "tickets/x"))[1] == "no_such_ticket"
        assert (await refused(client, "POST", "reset", {"token": "x", "password": NEW}))[1] == "no_such_ticket"
        body = {"token": "x", "name": "root", "password": NEW}
        assert (await refused(client, "POST", "claim", body))[1] == "no_such_ticket"
        assert (await refused(client, "GET", "tickets/x"))[1] == "too_fast"


async def test_a_link_works_after_a_restart(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    url = new_url(tmp_path)
    async with rigged(tmp_path, database=url) as rig:
        token, _ = await rig.accounts.tickets.for_claim()
    async with rigged(tmp_path, database=url) as rig:
        client = await aiohttp_client(rig.app)
        body = {"token": token, "name": "root", "password": PASSWORD}
        assert (await ask(client, "POST", "claim", body))[0] == 201
        # The name was free a moment ago: the ticket is not used up by one that is taken.
        again, _ = await rig.accounts.tickets.for_claim()
        assert await refused(client, "POST", "claim", {**body, "token": again}) == (409, "name_taken", "name")
        assert (await ask(client, "GET", f"tickets/{again}"))[0] == 200
