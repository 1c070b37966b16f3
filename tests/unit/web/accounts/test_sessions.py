"""Sessions: listed with where they come from, ended one by one or all at once, over when nobody uses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp.pytest_plugin import AiohttpClient

from bridge.model.errors import Refused
from bridge.store import sessions as rows
from bridge.web.accounts import AccountOptions, Visit
from bridge.web.accounts.sessions import ADDRESS_CHARS, AGENT_CHARS
from bridge.web.door import COOKIE, neighbourhood
from tests.unit.web.accounts.asking import told
from tests.unit.web.conftest import Client
from tests.unit.web.rig import PASSWORD, Rig, Visitor, rigged

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def another(client: Client, name: str = "ada", agent: str = FIREFOX, address: str = "203.0.113.7") -> Visitor:
    """Sign in once more, from elsewhere."""
    headers = {"User-Agent": agent, "X-Forwarded-For": address}
    response = await client.post("/api/v1/login", json={"name": name, "password": PASSWORD}, headers=headers)
    return Visitor(client, await response.json())


async def test_sessions_are_listed_with_where_they_come_from(rig: Rig, client: Client, ada: Visitor) -> None:
    rig.clock.forward(hours=0.5)
    await another(client)
    first, second = (await ada.get("/api/v1/account/sessions"))["sessions"]
    assert (first["agent"], first["address"], first["current"]) == (FIREFOX, "203.0.113.7", False)
    assert second["current"] is True
    assert second["address"] == "127.0.0.1"
    assert first["used_at"] > second["used_at"]
    assert set(first) == {"id", "agent", "address", "created_at", "used_at", "current"}


async def test_use_is_noted_once_an_hour(rig: Rig, client: Client, ada: Visitor) -> None:
    async def noted() -> tuple[int, str]:
        (session,) = (await ada.get("/api/v1/account/sessions"))["sessions"]
        return session["used_at"], session["agent"]

    before, _ = await noted()
    rig.clock.forward(hours=0.9)
    assert (await noted())[0] == before
    rig.clock.forward(hours=0.2)
    await ada.ask("GET", "/api/v1/account", headers={"User-Agent": "newer"})
    after, agent = await noted()
    assert after > before
    assert agent == "newer"


async def test_one_session_ends_and_the_others_go_on(rig: Rig, client: Client, ada: Visitor, bob: Visitor) -> None:
    ended: list[str | None] = []
    rig.accounts.on_session_end(lambda _account, hashed: ended.append(hashed))
    phone, laptop = await another(client, agent="phone"), await another(client, agent="laptop")
    listed = (await ada.get("/api/v1/account/sessions"))["sessions"]
    name = next(session["id"] for session in listed if session["agent"] == "phone")
    assert await told(bob, "DELETE", f"account/sessions/{name}") == (404, "no_such_session", "id")
    assert (await ada.ask("DELETE", f"/api/v1/account/sessions/{name}")).status == 200
    assert len(ended) == 1
    assert await told(phone, "GET", "account") == (401, "signed_out", None)
    assert (await laptop.get("/api/v1/account"))["name"] == "ada"
    assert await told(ada, "DELETE", f"account/sessions/{name}") == (404, "no_such_session", "id")


async def test_all_others_end_at_once(rig: Rig, client: Client, ada: Visitor, bob: Visitor) -> None:
    phone, laptop = await another(client), await another(client)
    response = await ada.ask("DELETE", "/api/v1/account/sessions")
    assert await response.json() == {"ended": 2}
    for gone in (phone, laptop):
        assert (await gone.ask("GET", "/api/v1/account")).status == 401
    for there in (ada, bob):
        assert (await there.ask("GET", "/api/v1/account")).status == 200
    assert len((await ada.get("/api/v1/account/sessions"))["sessions"]) == 1


async def test_a_session_lasts_as_long_as_the_operator_says(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    async with rigged(tmp_path, options=AccountOptions(session_days=3)) as rig:
        await rig.accounts.add("ada", PASSWORD)
        client = await aiohttp_client(rig.app)
        body = {"name": "ada", "password": PASSWORD, "cookie": True}
        response = await client.post("/api/v1/login", json=body)
        assert response.cookies[COOKIE]["max-age"] == str(3 * 24 * 3600)
        rig.clock.forward(days=2.9)
        assert (await client.get("/api/v1/account")).status == 200
        rig.clock.forward(days=2.9)
        assert (await client.get("/api/v1/account")).status == 200
        rig.clock.forward(days=3.1)
        assert (await client.get("/api/v1/account")).status == 401
        account = await rig.accounts.named("ada")
        assert await rig.accounts.sessions.list(account) == []
        await rig.accounts.upkeep.once()
        assert await rig.db.read(lambda c: rows.of_account(c, account.id)) == []


async def test_what_is_kept_of_a_visit_is_short_and_clean() -> None:
    visit = Visit.of("A\u202egent \x00 <b>" + "x" * 5000, "10.0.0.1\n" + "y" * 500)
    assert visit.agent.startswith("Agent <b>x")
    assert "\x00" not in visit.agent
    assert len(visit.agent) <= AGENT_CHARS
    assert visit.address.startswith("10.0.0.1 y")
    assert len(visit.address) <= ADDRESS_CHARS


async def test_a_password_that_was_changed_meanwhile_opens_nothing(rig: Rig) -> None:
    account = await rig.accounts.add("ada", PASSWORD)
    await rig.accounts.passwd("ada", "another password")
    with pytest.raises(Refused) as caught:
        await rig.accounts.open(account, verified=account.password)
    assert caught.value.reason_code == "wrong_login"
    await rig.accounts.deactivate("ada")
    with pytest.raises(Refused):
        await rig.accounts.open(account)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("2001:db8:0:1::9", "2001:db8:0:1::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("nonsense", "nonsense"),
    ],
)
def test_limits_count_households(address: str, counted: str) -> None:
    assert neighbourhood(address) == counted
