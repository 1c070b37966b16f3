"""Signing in at a real OpenID provider over HTTP, as a browser does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.model.ids import PersonId
from bridge.web.accounts.options import SignUpRule
from bridge.web.door import COOKIE
from bridge.web.parts import WebLimits
from bridge.web.sso.attempts import COOKIE as ATTEMPT
from bridge.web.sso.attempts import MOST_COOKIES
from tests.fakes.openid import OpenIdProvider, User
from tests.rigs.database import new_url
from tests.rigs.ports import free_port
from tests.unit.web.rig import PASSWORD
from tests.unit.web.sso.browser import Browser, Site, options, refused, running

ADA = {"preferred_username": "Ada.Lovelace", "name": "Ada Lovelace", "email": "ada@example.org"}


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with OpenIdProvider() as made:
        made.user = User("0001", ADA)
        yield made


@pytest.fixture
async def site(tmp_path: Path, provider: OpenIdProvider) -> AsyncIterator[Site]:
    async with running(tmp_path, options(provider), seconds=1) as made:
        yield made


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with Browser(site) as made:
        yield made


async def test_the_first_sign_in_makes_an_account(browser: Browser, provider: OpenIdProvider) -> None:
    address = await browser.go(following="/rooms/r1?a=b")
    assert address.startswith(f"{provider.issuer}/authorize?response_type=code&client_id=rialto&")
    (held,) = [name for name in browser.cookies if name.startswith(ATTEMPT)]
    response = await browser.ask("GET", await browser.visit(address))
    assert (response.status, response.headers["Location"]) == (303, "/rooms/r1?a=b")
    morsel = response.cookies[COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/")
    assert held not in browser.cookies
    account = await browser.account()
    assert (account["name"], account["display_name"], account["admin"]) == ("ada.lovelace", "Ada Lovelace", False)


async def test_the_cookie_of_an_attempt_is_out_of_reach(browser: Browser) -> None:
    response = await browser.ask("GET", "/api/v1/sso/idp")
    (morsel,) = response.cookies.values()
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["max-age"], morsel["secure"]) == (
        True,
        "Lax",
        "/api/v1/sso/",
        "600",
        "",
    )
    assert response.headers["Cache-Control"] == "no-store"


async def test_later_sign_ins_open_the_same_account_whatever_they_are_called(
    site: Site, browser: Browser, provider: OpenIdProvider
) -> None:
    await browser.sign_in()
    first = await browser.account()
    provider.user = User("0001", {"preferred_username": "countess", "name": "Countess"})
    async with Browser(site) as other:
        await other.sign_in()
        assert await other.account() == first
    assert await site.names() == ["ada.lovelace"]


async def test_nobody_is_matched_by_name_or_address(site: Site, browser: Browser, provider: OpenIdProvider) -> None:
    mine = await site.rig.accounts.add("ada.lovelace", PASSWORD, display_name="Ada Lovelace", admin=True)
    await browser.sign_in()
    account = await browser.account()
    assert account["id"] != mine.id
    assert (account["name"], account["display_name"]) == ("ada.lovelace2", "Ada Lovelace (2)")
    assert not account["admin"]
    provider.user = User("0002", ADA)
    async with Browser(site) as other:
        await other.sign_in()
        assert (await other.account())["name"] == "ada.lovelace3"


async def test_names_are_asked_for_only_when_they_are_needed(browser: Browser, provider: OpenIdProvider) -> None:
    provider.names_in_token = False
    await browser.sign_in()
    assert (await browser.account())["name"] == "ada.lovelace"
    await browser.sign_in()
    assert provider.times_asked("/userinfo") == 1
    assert provider.times_asked("/jwks") == 1


@pytest.mark.parametrize(
    ("names", "login", "shown"),
    [
        ({}, "user", "user"),
        ({"preferred_username": "ada@example.org"}, "ada", "ada@example.org"),
        ({"preferred_username": "Zoë Ünal", "name": "  Zoë \u202e Ünal "}, "zoe-unal", "Zoë Ünal"),
        ({"preferred_username": "威尼斯", "name": "威尼斯"}, "user", "威尼斯"),
        ({"preferred_username": 7, "name": ["x"]}, "user", "user"),
        ({"preferred_username": "x" * 300, "name": "\u200b"}, "x" * 32, "x" * 64),
        ({"preferred_username": "../..", "name": "Rialto"}, "user", "Rialto (2)"),
    ],
)
async def test_names_are_made_fit(
    browser: Browser, provider: OpenIdProvider, names: Any, login: str, shown: str
) -> None:
    provider.user = User("0001", names)
    response = await browser.sign_in()
    assert response.status == 303, await response.text()
    account = await browser.account()
    assert (account["name"], account["display_name"]) == (login, shown)


async def test_a_signed_userinfo_answer_is_left_alone(browser: Browser, provider: OpenIdProvider) -> None:
    provider.names_in_token = False
    provider.misdeeds.userinfo_signed = True
    await browser.sign_in()
    assert (await browser.account())["name"] == "user"


@pytest.mark.parametrize(
    ("everybody", "own", "made"),
    [
        ("open", None, True),
        ("invite", None, False),
        ("closed", None, False),
        ("closed", True, True),
        ("open", False, False),
    ],
)
async def test_whether_accounts_are_made(
    tmp_path: Path, provider: OpenIdProvider, everybody: SignUpRule, own: bool | None, made: bool
) -> None:
    there = options(provider, signup=own)
    async with running(tmp_path, there, signup=everybody) as site, Browser(site) as browser:
        response = await browser.sign_in()
        if made:
            assert response.status == 303
        else:
            assert await refused(response) == (403, "no_account")
            assert COOKIE not in browser.cookies
        assert len(await site.names()) == made


async def test_who_is_on_the_way_to_an_invite_may_have_an_account(tmp_path: Path, provider: OpenIdProvider) -> None:
    async with running(tmp_path, options(provider, signup=None)) as site, Browser(site) as browser:
        host = await site.rig.accounts.add("host", PASSWORD)
        room = await site.rig.native.found_room("Cellar", host.person, access="invite")
        invite, token = await site.rig.accounts.invites.make(host.person, room=room.id, max_uses=1)
        assert await refused(await browser.sign_in(following="/invite/made-up")) == (404, "no_such_invite")
        response = await browser.sign_in(following=f"/invite/{token}")
        assert (response.status, response.headers["Location"]) == (303, f"/invite/{token}")
        account = await browser.account()
        member = await site.rig.hub.member(room.id, PersonId(account["person"]))
        assert member is not None
        assert member.joined
        # The one use is used; whoever has an account needs none, and nobody else comes in with it.
        assert (await browser.sign_in(following=f"/invite/{token}")).status == 303
        provider.user = User("0002", ADA)
        assert await refused(await browser.sign_in(following=f"/invite/{token}")) == (410, "invite_over")
        assert await site.names() == ["ada.lovelace", "host"]
        assert invite.room == room.id


async def test_two_tabs_do_not_disturb_each_other(browser: Browser, site: Site) -> None:
    one, two = await browser.go(following="/one"), await browser.go(following="/two")
    back_two, back_one = await browser.visit(two), await browser.visit(one)
    first = await browser.ask("GET", back_two)
    second = await browser.ask("GET", back_one)
    assert (first.headers["Location"], second.headers["Location"]) == ("/two", "/one")
    assert await site.names() == ["ada.lovelace"]


async def test_two_tabs_at_once_make_one_account(browser: Browser, site: Site) -> None:
    backs = [await browser.visit(await browser.go()) for _ in range(4)]
    responses = await asyncio.gather(*(browser.ask("GET", back) for back in backs))
    assert [response.status for response in responses] == [303] * 4
    assert await site.names() == ["ada.lovelace"]


async def test_what_came_back_once_does_not_come_back_again(browser: Browser) -> None:
    back = await browser.visit(await browser.go())
    held = {name: value for name, value in browser.cookies.items() if name.startswith(ATTEMPT)}
    assert (await browser.ask("GET", back)).status == 303
    assert await refused(await browser.ask("GET", back)) == (400, "stale_sign_in")
    # Not even with the cookie that the browser was told to forget.
    assert await refused(await browser.ask("GET", back, cookies=held)) == (400, "stale_sign_in")


async def test_what_comes_back_twice_at_once_serves_once(browser: Browser) -> None:
    back = await browser.visit(await browser.go())
    answers = await asyncio.gather(*(browser.ask("GET", back) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [303, 400, 400]


async def test_an_address_serves_in_its_own_browser_only(site: Site, browser: Browser) -> None:
    back = await browser.visit(await browser.go())
    async with Browser(site) as victim:
        assert await refused(await victim.ask("GET", back)) == (400, "stale_sign_in")
        await victim.go()
        assert await refused(await victim.ask("GET", back)) == (400, "stale_sign_in")
        assert COOKIE not in victim.cookies
    assert (await browser.ask("GET", back)).status == 303


async def test_looking_ahead_uses_nothing_up(browser: Browser) -> None:
    back = await browser.visit(await browser.go())
    assert (await browser.ask("HEAD", back)).status == 405
    assert (await browser.ask("GET", back)).status == 303


async def test_attempts_that_were_given_up_are_taken_away(browser: Browser) -> None:
    address = ""
    for _ in range(3 * MOST_COOKIES):
        address = await browser.go()
    assert len(browser.cookies) <= MOST_COOKIES
    assert (await browser.ask("GET", await browser.visit(address))).status == 303


@pytest.mark.parametrize(
    "following", ["https://evil.example/", "//evil.example", "/\\evil.example", "rooms", "/\x0b", ""]
)
async def test_the_way_on_never_leads_elsewhere(browser: Browser, following: str) -> None:
    assert (await browser.sign_in(following=following)).headers["Location"] == "/"


async def test_a_restart_in_the_middle_does_no_harm(tmp_path: Path, provider: OpenIdProvider) -> None:
    port, database = free_port(), new_url(tmp_path)
    async with running(tmp_path, options(provider), port=port, database=database) as site:
        browser = Browser(site)
        back = await browser.visit(await browser.go())
    async with browser, running(tmp_path, options(provider), port=port, database=database):
        assert (await browser.ask("GET", back)).status == 303
        assert (await browser.account())["name"] == "ada.lovelace"


async def test_somebody_who_says_no(browser: Browser, provider: OpenIdProvider, site: Site) -> None:
    provider.user = None
    assert await refused(await browser.sign_in()) == (403, "sign_in_denied")
    assert await site.names() == []


BAD: list[tuple[str, Any]] = [
    ("claims", {"nonce": "another"}),
    ("claims", {"nonce": None}),
    ("claims", {"aud": "somebody else"}),
    ("claims", {"aud": ["rialto", "other"]}),
    ("claims", {"iss": "https://evil.example"}),
    ("claims", {"exp": 1_000_000_000}),
    ("claims", {"iat": 4_000_000_000}),
    ("claims", {"sub": None}),
    ("unsigned", True),
    ("shared_secret", True),
    ("foreign_key", True),
    ("unpublished", True),
    ("answer_issuer", "https://evil.example"),
    ("userinfo_subject", "somebody else"),
    ("slow", {"/token"}),
    ("slow", {"/userinfo"}),
    ("huge", {"/token"}),
    ("huge", {"/jwks"}),
    ("broken", {"/token": 500}),
    ("broken", {"/userinfo": 500}),
    ("broken", {"/jwks": 404}),
    ("not_json", {"/token"}),
    ("elsewhere", {"/token"}),
]


@pytest.mark.parametrize(("fault", "value"), BAD, ids=lambda value: str(value))
async def test_a_provider_that_breaks_the_rules_signs_nobody_in(
    browser: Browser, provider: OpenIdProvider, site: Site, fault: str, value: Any
) -> None:
    provider.names_in_token = False
    setattr(provider.misdeeds, fault, value)
    assert await refused(await browser.sign_in()) == (502, "provider_failed")
    assert COOKIE not in browser.cookies
    assert await site.names() == []
    setattr(provider.misdeeds, fault, getattr(OpenIdProvider().misdeeds, fault))
    assert (await browser.sign_in()).status == 303


async def test_an_answer_without_its_issuer_is_refused_where_one_is_promised(
    browser: Browser, provider: OpenIdProvider
) -> None:
    provider.says_iss = False
    provider.misdeeds.document["authorization_response_iss_parameter_supported"] = True
    assert await refused(await browser.sign_in()) == (502, "provider_failed")


async def test_without_that_promise_none_is_needed(browser: Browser, provider: OpenIdProvider) -> None:
    provider.says_iss = False
    assert (await browser.sign_in()).status == 303


async def test_new_keys_are_taken_without_a_restart(browser: Browser, provider: OpenIdProvider) -> None:
    assert (await browser.sign_in()).status == 303
    provider.rotate()
    assert (await browser.sign_in()).status == 303
    assert provider.times_asked("/jwks") == 2


async def test_a_provider_that_is_away(tmp_path: Path) -> None:
    async with OpenIdProvider() as gone:
        away = options(gone)
    async with running(tmp_path, away) as site, Browser(site, language="zh") as browser:
        response = await browser.ask("GET", "/api/v1/sso/idp")
        assert await refused(response) == (502, "provider_failed")
        assert await refused(await browser.ask("GET", "/api/v1/sso/other")) == (404, "no_such_provider")
        page = await browser.ask("GET", "/api/v1/sso/idp?next=/rooms/r1", headers={"Accept": "text/html"})
        assert (page.status, page.headers["Location"]) == (303, "/login?error=provider_failed&next=%2Frooms%2Fr1")
        await site.rig.accounts.add("bob", PASSWORD)
        await browser.password("bob")
        page = await browser.ask("GET", "/api/v1/sso/idp", headers={"Accept": "text/html"})
        assert (page.status, page.content_type) == (502, "text/html")
        assert "登录服务没有正确响应" in await page.text()


async def test_a_browser_is_led_back_to_the_door_when_it_fails(browser: Browser, provider: OpenIdProvider) -> None:
    html = {"Accept": "text/html,application/xhtml+xml"}
    provider.user = None
    back = await browser.visit(await browser.go(following="/rooms/r1"))
    response = await browser.ask("GET", back, headers=html)
    assert (response.status, response.headers["Location"]) == (303, "/login?error=sign_in_denied&next=%2Frooms%2Fr1")
    assert browser.cookies == {}
    response = await browser.ask("GET", back, headers=html)
    assert (response.status, response.headers["Location"]) == (303, "/login?error=stale_sign_in")


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_other_algorithms(tmp_path: Path, algorithm: str) -> None:
    async with (
        OpenIdProvider(algorithm=algorithm) as provider,
        running(tmp_path, options(provider)) as site,
        Browser(site) as browser,
    ):
        assert (await browser.sign_in()).status == 303


@pytest.mark.parametrize("secret", ["", "s3cret"])
async def test_other_ways_to_say_who_asks(tmp_path: Path, secret: str) -> None:
    async with OpenIdProvider(secret=secret) as provider:
        provider.misdeeds.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
        async with running(tmp_path, options(provider)) as site, Browser(site) as browser:
            assert (await browser.sign_in()).status == 303
            provider.secret = "changed"
            assert await refused(await browser.sign_in()) == (502, "provider_failed")


async def test_tries_are_limited_by_address(tmp_path: Path, provider: OpenIdProvider) -> None:
    limits = WebLimits(logins_per_minute=2)
    async with running(tmp_path, options(provider), limits=limits) as site, Browser(site) as browser:
        backs = [await browser.visit(await browser.go()) for _ in range(2)]
        response = await browser.ask("GET", "/api/v1/sso/idp")
        assert await refused(response) == (429, "too_fast")
        assert int(response.headers["Retry-After"]) == 30
        assert [(await browser.ask("GET", back)).status for back in backs] == [303, 303]


async def test_a_closed_account_stays_out(browser: Browser, site: Site) -> None:
    await browser.sign_in()
    await site.rig.accounts.deactivate("ada.lovelace")
    assert await refused(await browser.sign_in()) == (403, "account_closed")
    assert await site.names() == ["ada.lovelace"]


async def test_an_account_from_elsewhere_has_no_password(browser: Browser, site: Site) -> None:
    await browser.sign_in()
    for password in ("", "x", PASSWORD):
        response = await browser.ask("POST", "/api/v1/login", json={"name": "ada.lovelace", "password": password})
        assert await refused(response) == (401, "wrong_login")


async def test_signing_in_anew_ends_the_session_before(browser: Browser, site: Site) -> None:
    await browser.sign_in()
    before = browser.cookies[COOKIE]
    await browser.sign_in()
    assert browser.cookies[COOKIE] != before
    assert await site.rig.accounts.session(before) is None
