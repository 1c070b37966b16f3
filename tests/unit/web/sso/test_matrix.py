"""Signing in with one's Matrix account: what is asked of the homeserver, and what goes wrong there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.networks.matrix.naming import Naming
from bridge.web.door import COOKIE
from bridge.web.parts import WebLimits
from bridge.web.sso.homeserver import DEVICE
from bridge.web.sso.options import MatrixOptions
from tests.fakes.homeserver import FakeHomeserver
from tests.fakes.openid import OpenIdProvider
from tests.unit.web.rig import PASSWORD as OURS
from tests.unit.web.sso.browser import Browser, Site, options, refused, running

PASSWORD = "ada's password"


def matrix(hs: FakeHomeserver, **more: Any) -> MatrixOptions:
    """Return the settings for a homeserver; everybody gets an account."""
    naming = Naming("rialto", hs.server_name)
    known = {"url": hs.url, "server_name": hs.server_name, "password": True, "sso": True, "signup": True}
    return MatrixOptions(**{**known, "ours": naming.ours, **more})


@pytest.fixture
async def hs() -> AsyncIterator[FakeHomeserver]:
    async with FakeHomeserver() as made:
        await made.register_user("ada", PASSWORD)
        made.world.users["@ada:localhost"].profile["displayname"] = "Ada L."
        made.world.sso_user = "@ada:localhost"
        made.requests.clear()
        yield made


@pytest.fixture
async def site(tmp_path: Path, hs: FakeHomeserver) -> AsyncIterator[Site]:
    async with running(tmp_path, matrix=matrix(hs), seconds=1) as made:
        yield made


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with Browser(site) as made:
        yield made


async def login(browser: Browser, user: str = "ada", password: str = PASSWORD, **more: Any) -> Any:
    """Sign in with a Matrix password."""
    return await browser.ask("POST", "/api/v1/login/matrix", json={"user": user, "password": password, **more})


def left_open(hs: FakeHomeserver) -> list[str | None]:
    """Return the devices of sessions that Rialto left behind on the homeserver."""
    return [device for _, device in hs.world.tokens.values() if device == DEVICE]


def calls(hs: FakeHomeserver) -> list[tuple[str, str]]:
    """Return what was asked of the homeserver."""
    return [(each.method, each.path.removeprefix("/_matrix/client/v3")) for each in hs.requests]


async def test_a_password_signs_in_and_nothing_stays_open(browser: Browser, hs: FakeHomeserver) -> None:
    response = await login(browser)
    assert response.status == 200, await response.text()
    answer = await response.json()
    assert (answer["account"]["name"], answer["account"]["display_name"]) == ("ada", "Ada L.")
    assert not response.cookies
    headers = {"Authorization": f"Bearer {answer['token']}"}
    (identity,) = (await (await browser.ask("GET", "/api/v1/account/identities", headers=headers)).json())["identities"]
    told = {name: identity[name] for name in ("provider", "title", "issuer", "subject")}
    assert told == {
        "provider": "matrix",
        "title": "localhost",
        "issuer": "matrix:localhost",
        "subject": "@ada:localhost",
    }
    assert calls(hs) == [("POST", "/login"), ("GET", "/profile/@ada:localhost/displayname"), ("POST", "/logout")]
    assert left_open(hs) == []
    assert DEVICE not in hs.world.users["@ada:localhost"].devices


@pytest.mark.parametrize("user", ["ada", " @ada:localhost ", "@ada:LOCALHOST"])
async def test_later_the_same_account_opens(browser: Browser, site: Site, hs: FakeHomeserver, user: str) -> None:
    await login(browser)
    hs.requests.clear()
    response = await login(browser, user, cookie=True)
    assert (await response.json())["token"] == ""
    assert response.cookies[COOKIE]["httponly"]
    assert (await browser.account())["name"] == "ada"
    assert calls(hs) == [("POST", "/login"), ("POST", "/logout")]
    assert await site.names() == ["ada"]


@pytest.mark.parametrize(("user", "password"), [("ada", "wrong"), ("eve", PASSWORD), ("@eve:localhost", "")])
async def test_a_wrong_password(browser: Browser, hs: FakeHomeserver, user: str, password: str) -> None:
    assert await refused(await login(browser, user, password)) == (401, "wrong_login")
    assert calls(hs) == [("POST", "/login")]


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ("@ada:evil.example", "other_homeserver"),
        ("@ada", "other_homeserver"),
        ("", "bad_field"),
        ("x" * 256, "bad_field"),
    ],
)
async def test_no_other_homeserver_is_asked(browser: Browser, hs: FakeHomeserver, user: str, code: str) -> None:
    response = await login(browser, user)
    assert await refused(response) == (400, code)
    assert (await response.json())["error"]["field"] == "user"
    assert calls(hs) == []


@pytest.mark.parametrize("user", ["rialto", "rialto_p0123456789abcdef"])
async def test_our_own_users_stay_out(browser: Browser, site: Site, hs: FakeHomeserver, user: str) -> None:
    await hs.register_user(user, PASSWORD)
    assert await refused(await login(browser, user)) == (403, "not_a_person")
    hs.world.sso_user = f"@{user}:localhost"
    assert await refused(await browser.sign_in("matrix")) == (403, "not_a_person")
    assert await site.names() == []
    assert left_open(hs) == []


async def test_the_homeservers_limit_is_passed_on(browser: Browser, hs: FakeHomeserver) -> None:
    hs.fail_next("POST", "/login", 429, "M_LIMIT_EXCEEDED", retry_after_ms=41_300)
    response = await login(browser)
    assert await refused(response) == (429, "too_fast")
    assert response.headers["Retry-After"] == "42"
    assert (await login(browser)).status == 200


@pytest.mark.parametrize(
    ("status", "errcode", "expected"),
    [
        (403, "M_USER_DEACTIVATED", (403, "account_closed")),
        (400, "M_UNKNOWN", (502, "provider_failed")),
        (500, "M_UNKNOWN", (502, "provider_failed")),
    ],
)
async def test_what_the_homeserver_refuses(
    browser: Browser, hs: FakeHomeserver, status: int, errcode: str, expected: tuple[int, str]
) -> None:
    hs.fail_next("POST", "/login", status, errcode)
    assert await refused(await login(browser)) == expected


async def test_a_homeserver_that_is_away(browser: Browser, hs: FakeHomeserver) -> None:
    await hs.go_down()
    assert await refused(await login(browser)) == (502, "provider_failed")
    await hs.come_up()
    assert (await login(browser)).status == 200


async def test_a_homeserver_that_is_slow(browser: Browser, hs: FakeHomeserver) -> None:
    hold = hs.hold("POST", "/login$")
    assert await refused(await login(browser)) == (502, "provider_failed")
    hold.release()


async def test_a_session_that_could_not_be_closed_is_closed_later(
    browser: Browser, hs: FakeHomeserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.web.sso.homeserver.CLOSING_PAUSES", (0.0, 0.01, 0.01))
    hs.fail_next("POST", "/logout", 500, "M_UNKNOWN", count=2)
    assert (await login(browser)).status == 200
    while left_open(hs):
        await asyncio.sleep(0.01)
    assert calls(hs).count(("POST", "/logout")) == 3


async def test_a_session_is_closed_though_the_visitor_went_away(browser: Browser, hs: FakeHomeserver) -> None:
    hold = hs.hold("POST", "/login$", after=True)
    asking = asyncio.create_task(login(browser))
    await hold.entered.wait()
    assert left_open(hs) == [DEVICE]
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    hold.release()
    while left_open(hs):
        await asyncio.sleep(0.01)


async def test_tries_are_limited_by_address_and_by_user(tmp_path: Path, hs: FakeHomeserver) -> None:
    limits = WebLimits(logins_per_minute=2)
    async with running(tmp_path, matrix=matrix(hs), limits=limits) as site, Browser(site) as browser:

        async def attempt(user: str, address: str) -> int:
            body = {"user": user, "password": "wrong"}
            headers = {"X-Forwarded-For": address}
            return (await browser.ask("POST", "/api/v1/login/matrix", json=body, headers=headers)).status

        assert [await attempt(f"u{n}", "10.0.0.1") for n in range(3)] == [401, 401, 429]
        assert [await attempt("ada", f"10.0.1.{n}") for n in range(3)] == [401, 401, 429]
        # However the name is written.
        assert await attempt("@ada:localhost", "10.0.2.1") == 429
        assert await attempt("ADA", "10.0.2.2") == 429


async def test_the_homeservers_own_pages(browser: Browser, site: Site, hs: FakeHomeserver) -> None:
    address = await browser.go("matrix", "/rooms/r1")
    assert address.startswith(f"{hs.url}/_matrix/client/v3/login/sso/redirect?redirectUrl=")
    back = await browser.visit(address)
    assert back.startswith(f"{site.url}/api/v1/sso/matrix/callback?state=")
    response = await browser.ask("GET", back)
    assert (response.status, response.headers["Location"]) == (303, "/rooms/r1")
    assert (await browser.account())["display_name"] == "Ada L."
    assert left_open(hs) == []
    async with Browser(site) as other:
        assert await refused(await other.ask("GET", back)) == (400, "stale_sign_in")
        assert (await login(other)).status == 200
    assert await site.names() == ["ada"]


async def test_a_token_that_is_none(browser: Browser, hs: FakeHomeserver) -> None:
    for query, expected in (("", (400, "missing_field")), ("&loginToken=made-up", (401, "wrong_login"))):
        back = (await browser.visit(await browser.go("matrix"))).partition("&loginToken=")[0]
        assert await refused(await browser.ask("GET", back + query)) == expected
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize(
    ("password", "sso"), [(True, False), (False, True), (False, False)], ids=["password", "sso", "neither"]
)
async def test_only_what_the_settings_allow(tmp_path: Path, hs: FakeHomeserver, password: bool, sso: bool) -> None:
    allowed = matrix(hs, password=password, sso=sso)
    async with running(tmp_path, matrix=allowed) as site, Browser(site) as browser:
        assert (await login(browser)).status == (200 if password else 404)
        assert (await browser.ask("GET", "/api/v1/sso/matrix")).status == (302 if sso else 404)


async def test_without_sign_up_nobody_new_comes_in(tmp_path: Path, hs: FakeHomeserver) -> None:
    async with running(tmp_path, matrix=matrix(hs, signup=None)) as site, Browser(site) as browser:
        assert await refused(await login(browser)) == (403, "no_account")
        assert left_open(hs) == []
        _, token = await site.rig.accounts.invites.make(None)
        assert (await login(browser, invite=token)).status == 200
        assert await site.names() == ["ada"]


async def server(browser: Browser) -> Any:
    """Return what the server says of the ways in."""
    answer = await (await browser.ask("GET", "/api/v1/server")).json()
    return answer["oidc"], answer["matrix"]


async def test_the_server_tells_the_page_the_truth(tmp_path: Path, hs: FakeHomeserver) -> None:
    async with (
        OpenIdProvider() as provider,
        running(tmp_path, options(provider), matrix=matrix(hs)) as site,
        Browser(site) as browser,
    ):
        oidc = [{"id": "idp", "title": "Example SSO"}]
        assert await server(browser) == (oidc, {"password": True, "sso": True})
        assert calls(hs) == [("GET", "/login")]
        assert await server(browser) == (oidc, {"password": True, "sso": True})
        assert calls(hs) == [("GET", "/login")]
    hs.world.sso_user = ""
    async with running(tmp_path, matrix=matrix(hs)) as site, Browser(site) as browser:
        assert await server(browser) == ([], {"password": True, "sso": False})
    await hs.go_down()
    async with running(tmp_path, matrix=matrix(hs), seconds=1) as site, Browser(site) as browser:
        assert await server(browser) == ([], {"password": False, "sso": False})
    async with running(tmp_path) as site, Browser(site) as browser:
        assert await server(browser) == ([], {"password": False, "sso": False})


async def test_a_matrix_identity_is_bound(browser: Browser, site: Site, hs: FakeHomeserver) -> None:
    await site.rig.accounts.add("bob", OURS)
    await browser.password("bob")
    assert (await browser.bind("matrix")).status == 303
    async with Browser(site) as other:
        answer = await (await login(other)).json()
        assert answer["account"]["name"] == "bob"
    assert not [path for _, path in calls(hs) if path.startswith("/profile")]
