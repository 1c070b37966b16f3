"""Reading what a provider says of itself: in time, in size, of the right issuer, and not more often than needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.web.sso.asking import Asker, Unfit
from bridge.web.sso.discovery import KEPT_SECONDS, WELL_KNOWN, Discovery
from tests.fakes.openid import OpenIdProvider


@pytest.fixture
async def asker() -> AsyncIterator[Asker]:
    made = Asker(seconds=0.5)
    yield made
    await made.close()


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with OpenIdProvider() as made:
        yield made


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_it_is_read_once_and_again_when_it_is_old(asker: Asker, provider: OpenIdProvider) -> None:
    clock = Clock()
    discovery = Discovery(asker, provider.issuer, clock)
    metadata = await discovery.metadata()
    assert metadata.token_endpoint == f"{provider.issuer}/token"
    assert [key.kid for key in await discovery.keys()] == ["key-1"]
    await discovery.keys()
    assert provider.asked == [WELL_KNOWN, "/jwks"]
    provider.rotate()
    clock.now += KEPT_SECONDS + 1
    assert [key.kid for key in await discovery.keys()] == [provider.keys[0].kid]
    assert provider.asked == [WELL_KNOWN, "/jwks"] * 2


async def test_a_provider_that_is_away_is_believed_as_it_was(asker: Asker, provider: OpenIdProvider) -> None:
    clock = Clock()
    discovery = Discovery(asker, provider.issuer, clock)
    first = await discovery.metadata()
    clock.now += KEPT_SECONDS + 1
    provider.misdeeds.broken[WELL_KNOWN] = 500
    assert await discovery.metadata() == first
    assert await discovery.metadata() == first
    assert provider.times_asked(WELL_KNOWN) == 2


async def test_all_who_wait_for_a_slow_provider_wait_once(asker: Asker, provider: OpenIdProvider) -> None:
    provider.misdeeds.slow.add(WELL_KNOWN)
    discovery = Discovery(asker, provider.issuer)
    outcomes = await asyncio.gather(*(discovery.metadata() for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unfit] * 5
    assert provider.times_asked(WELL_KNOWN) == 1
    provider.misdeeds.slow.clear()
    found = await asyncio.gather(*(discovery.metadata() for _ in range(5)))
    assert {metadata.issuer for metadata in found} == {provider.issuer}
    assert provider.times_asked(WELL_KNOWN) == 2


async def test_keys_that_cannot_be_read_anew(asker: Asker, provider: OpenIdProvider) -> None:
    discovery = Discovery(asker, provider.issuer)
    keys = await discovery.keys()
    provider.misdeeds.broken["/jwks"] = 500
    with pytest.raises(Unfit, match="answered 500"):
        await discovery.keys(anew=True)
    assert await discovery.keys() == keys


async def test_keys_are_read_anew_when_asked(asker: Asker, provider: OpenIdProvider) -> None:
    discovery = Discovery(asker, provider.issuer)
    await discovery.keys()
    provider.rotate()
    assert [key.kid for key in await discovery.keys(anew=True)] == [provider.keys[0].kid]
    assert provider.asked == [WELL_KNOWN, "/jwks", "/jwks"]


async def test_a_last_slash_does_not_matter(asker: Asker, provider: OpenIdProvider) -> None:
    assert (await Discovery(asker, provider.issuer + "/").metadata()).issuer == provider.issuer
    provider.misdeeds.document["issuer"] = provider.issuer + "/"
    assert (await Discovery(asker, provider.issuer).metadata()).issuer == provider.issuer + "/"


@pytest.mark.parametrize(
    ("fault", "value", "told"),
    [
        ("broken", {WELL_KNOWN: 500}, "answered 500"),
        ("broken", {WELL_KNOWN: 404}, "answered 404"),
        ("huge", {WELL_KNOWN}, "more than 262144 bytes"),
        ("slow", {WELL_KNOWN}, "was not answered within 0.5 s"),
        ("not_json", {WELL_KNOWN}, "not JSON"),
        ("elsewhere", {WELL_KNOWN}, "redirected to https://elsewhere.example/"),
        ("document", {"issuer": "https://evil.example"}, "is that of the issuer 'https://evil.example'"),
        ("document", {"issuer": None}, "no discovery document"),
        ("document", {"token_endpoint": None}, "no discovery document"),
        ("document", {"jwks_uri": 7}, "no discovery document"),
        ("document", {"token_endpoint": "ftp://h/"}, "names a token_endpoint"),
        ("document", {"authorization_endpoint": "javascript:alert(1)"}, "names a authorization_endpoint"),
    ],
)
async def test_what_is_wrong_is_said(asker: Asker, provider: OpenIdProvider, fault: str, value: Any, told: str) -> None:
    setattr(provider.misdeeds, fault, value)
    with pytest.raises(Unfit, match=told):
        await Discovery(asker, provider.issuer).metadata()


async def test_nobody_there(asker: Asker) -> None:
    async with OpenIdProvider() as gone:
        issuer = gone.issuer
    discovery = Discovery(asker, issuer)
    for _ in range(2):
        with pytest.raises(Unfit, match=f"GET {issuer}/.well-known/openid-configuration failed"):
            await discovery.metadata()
    with pytest.raises(Unfit, match="failed"):
        await Discovery(asker, "https://[::1").metadata()
