"""Binding identities to an account that is there, and taking them away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.web.door import COOKIE
from tests.fakes.openid import OpenIdProvider, User
from tests.rigs.database import new_url
from tests.unit.web.rig import PASSWORD
from tests.unit.web.sso.browser import Browser, Site, options, refused, running


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with OpenIdProvider() as made:
        yield made


@pytest.fixture
async def second() -> AsyncIterator[OpenIdProvider]:
    async with OpenIdProvider() as made:
        yield made


@pytest.fixture
async def site(tmp_path: Path, provider: OpenIdProvider, second: OpenIdProvider) -> AsyncIterator[Site]:
    two = options(second, id="two", title="The other")
    async with running(tmp_path, options(provider), two) as made:
        yield made


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    """A browser in which Bob is signed in with a password."""
    await site.rig.accounts.add("bob", PASSWORD)
    async with Browser(site) as made:
        await made.password("bob")
        yield made


async def test_an_identity_is_bound_and_opens_the_account(
    site: Site, browser: Browser, provider: OpenIdProvider
) -> None:
    assert await browser.identities() == []
    before = browser.cookies[COOKIE]
    response = await browser.bind()
    assert (response.status, response.headers["Location"]) == (303, "/me")
    assert browser.cookies[COOKIE] == before
    (bound,) = await browser.identities()
    assert bound["created_at"] > 0
    told = {name: bound[name] for name in ("provider", "title", "issuer", "subject")}
    assert told == {"provider": "idp", "title": "Example SSO", "issuer": provider.issuer, "subject": "0001"}
    assert (await browser.bind()).status == 303
    assert len(await browser.identities()) == 1
    async with Browser(site) as other:
        await other.sign_in()
        assert (await other.account())["name"] == "bob"
    assert await site.names() == ["bob"]


async def test_binding_needs_a_session_and_our_own_page(site: Site, browser: Browser) -> None:
    body = {"provider": "idp"}
    async with Browser(site) as stranger:
        response = await stranger.ask("POST", "/api/v1/account/identities", json=body)
        assert await refused(response) == (401, "signed_out")
    foreign = {"Origin": "https://evil.example"}
    response = await browser.ask("POST", "/api/v1/account/identities", json=body, headers=foreign)
    assert await refused(response) == (403, "cross_origin")
    response = await browser.ask("POST", "/api/v1/account/identities", json={"provider": "none"})
    assert await refused(response) == (404, "no_such_provider")
    # To be led to the provider by another site's link signs in, and binds nothing.
    await browser.ask("GET", await browser.visit(await browser.go()))
    assert (await browser.account())["name"] != "bob"


async def test_an_identity_belongs_to_one_account(site: Site, browser: Browser) -> None:
    async with Browser(site) as other:
        await other.sign_in()
        assert await refused(await browser.bind()) == (409, "identity_taken")
        assert await browser.identities() == []
        assert len(await other.identities()) == 1


async def test_whoever_signs_out_or_changes_meanwhile_binds_nothing(site: Site, browser: Browser) -> None:
    await site.rig.accounts.add("eve", PASSWORD)
    begun = await (await browser.ask("POST", "/api/v1/account/identities", json={"provider": "idp"})).json()
    await browser.password("eve")
    back = await browser.visit(begun["url"])
    assert await refused(await browser.ask("GET", back)) == (401, "signed_out")
    assert await browser.identities() == []
    await browser.ask("POST", "/api/v1/logout", json={})
    assert await refused(await browser.ask("GET", back)) == (401, "signed_out")
    await browser.password("bob")
    assert (await browser.ask("GET", back)).status == 303
    assert len(await browser.identities()) == 1


async def test_an_identity_is_taken_away(site: Site, browser: Browser) -> None:
    await browser.bind()
    (bound,) = await browser.identities()
    address = f"/api/v1/account/identities/{bound['id']}"
    async with Browser(site) as stranger:
        await stranger.sign_in("two")
        assert await refused(await stranger.ask("DELETE", address, json={})) == (404, "no_such_identity")
    assert (await browser.ask("DELETE", address, json={})).status == 200
    assert await browser.identities() == []
    assert await refused(await browser.ask("DELETE", address, json={})) == (404, "no_such_identity")
    async with Browser(site) as other:
        await other.sign_in()
        assert (await other.account())["name"] == "user2"


async def test_the_last_way_in_stays(browser: Browser, site: Site, provider: OpenIdProvider) -> None:
    async with Browser(site) as ada:
        provider.user = User("0002", {"preferred_username": "ada"})
        await ada.sign_in()
        (first,) = await ada.identities()
        address = f"/api/v1/account/identities/{first['id']}"
        assert await refused(await ada.ask("DELETE", address, json={})) == (409, "last_way_in")
        await ada.bind("two")
        assert (await ada.ask("DELETE", address, json={})).status == 200
        (left,) = await ada.identities()
        last = f"/api/v1/account/identities/{left['id']}"
        assert await refused(await ada.ask("DELETE", last, json={})) == (409, "last_way_in")
        await site.rig.accounts.passwd("ada", PASSWORD)
        await ada.password("ada")
        assert (await ada.ask("DELETE", last, json={})).status == 200


async def test_of_two_last_ways_that_go_at_once_one_stays(site: Site) -> None:
    async with Browser(site) as ada:
        await ada.sign_in()
        await ada.bind("two")
        addresses = [f"/api/v1/account/identities/{each['id']}" for each in await ada.identities()]
        answers = await asyncio.gather(*(ada.ask("DELETE", address, json={}) for address in addresses))
        assert sorted(answer.status for answer in answers) == [200, 409]
        assert len(await ada.identities()) == 1


async def test_a_provider_that_is_not_offered_any_more_is_no_way_in(
    tmp_path: Path, provider: OpenIdProvider, second: OpenIdProvider
) -> None:
    database = new_url(tmp_path, "later.db")
    two = options(second, id="two")
    async with running(tmp_path, options(provider), two, database=database) as site, Browser(site) as browser:
        await browser.sign_in("two")
        await browser.bind()
    async with running(tmp_path, options(provider), database=database) as site, Browser(site) as browser:
        await browser.sign_in()
        listed = {each["provider"]: each for each in await browser.identities()}
        assert listed[""]["title"] == second.issuer
        address = f"/api/v1/account/identities/{listed['idp']['id']}"
        assert await refused(await browser.ask("DELETE", address, json={})) == (409, "last_way_in")
        gone = f"/api/v1/account/identities/{listed['']['id']}"
        assert (await browser.ask("DELETE", gone, json={})).status == 200
