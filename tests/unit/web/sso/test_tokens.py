"""Which ID tokens are believed: signature, algorithm, issuer, audience, times, nonce."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import Key

from bridge.web.sso.asking import Unfit
from bridge.web.sso.discovery import usable_keys
from bridge.web.sso.tokens import LEEWAY_SECONDS, check_claims, verified
from tests.fakes.openid import OpenIdProvider, make_key

NOW = 1_800_000_000
GOOD: dict[str, Any] = {
    "iss": "https://id.example",
    "sub": "0001",
    "aud": "rialto",
    "iat": NOW,
    "exp": NOW + 300,
    "nonce": "n",
}


def subject(**changes: Any) -> str:
    """Return the subject of otherwise good claims; None leaves a claim out."""
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return check_claims(claims, issuer="https://id.example", client_id="rialto", nonce="n", now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["rialto"]},
        {"aud": ["other", "rialto"], "azp": "rialto"},
        {"azp": "rialto"},
        {"exp": NOW - LEEWAY_SECONDS + 1},
        {"iat": NOW + LEEWAY_SECONDS},
        {"iat": NOW + 0.5},
        {"nbf": NOW},
        {"sub": "x" * 255},
    ],
)
def test_good_claims(changes: dict[str, Any]) -> None:
    assert subject(**changes) == changes.get("sub", "0001")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"iss": None}, "comes from"),
        ({"iss": "https://id.example/"}, "comes from"),
        ({"iss": ["https://id.example"]}, "comes from"),
        ({"aud": None}, "is for None"),
        ({"aud": "rialto2"}, "is for 'rialto2'"),
        ({"aud": []}, "is for"),
        ({"aud": ["other"]}, "is for"),
        ({"aud": {"rialto": 1}}, "is for"),
        ({"aud": ["rialto", "other"]}, "azp"),
        ({"aud": ["rialto", "other"], "azp": "other"}, "asked for by 'other'"),
        ({"azp": "other"}, "asked for by 'other'"),
        ({"exp": None}, "iat, exp"),
        ({"iat": None}, "iat, exp"),
        ({"exp": NOW - LEEWAY_SECONDS}, "ended"),
        ({"exp": str(NOW + 300)}, "exp is no time"),
        ({"exp": True}, "exp is no time"),
        ({"exp": float("inf")}, "exp is no time"),
        ({"exp": float("nan")}, "exp is no time"),
        ({"exp": 10**400}, "exp is no time"),
        ({"exp": -1}, "exp is no time"),
        ({"iat": NOW + LEEWAY_SECONDS + 1}, "from the future"),
        ({"nbf": NOW + LEEWAY_SECONDS + 1}, "from the future"),
        ({"iat": NOW - 4000}, "was made"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": ["n"]}, "nonce"),
        ({"nonce": "\ud800"}, "nonce"),
        ({"sub": None}, "subject"),
        ({"sub": ""}, "subject"),
        ({"sub": 1}, "subject"),
        ({"sub": "x" * 256}, "subject"),
        ({"sub": "é"}, "subject"),
        ({"sub": "a\0b"}, "subject"),
    ],
)
def test_bad_claims(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(Unfit, match=told):
        subject(**changes)


class Published:
    """The keys of a provider that does not run; `anew` counts how often they were read again."""

    def __init__(self, provider: OpenIdProvider) -> None:
        self._provider = provider
        self._read = self._present()
        self.anew = 0

    def _present(self) -> list[Key]:
        return usable_keys({"keys": [key.as_dict(private=False) for key in self._provider.keys]})

    async def __call__(self, anew: bool) -> list[Key]:
        if anew:
            self.anew += 1
            self._read = self._present()
        return self._read


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
async def test_every_allowed_algorithm(algorithm: str) -> None:
    provider = OpenIdProvider(algorithm=algorithm)
    keys = Published(provider)
    assert await verified(provider.signed(GOOD), keys) == GOOD
    provider.misdeeds.no_kid = True
    assert await verified(provider.signed(GOOD), keys) == GOOD
    assert keys.anew == 0
    provider.misdeeds.foreign_key = True
    with pytest.raises(Unfit, match="signature is wrong"):
        await verified(provider.signed(GOOD), keys)


async def test_a_new_key_is_fetched_once() -> None:
    provider = OpenIdProvider()
    keys = Published(provider)
    old = provider.signed(GOOD)
    provider.rotate()
    assert await verified(provider.signed(GOOD), keys) == GOOD
    assert keys.anew == 1
    with pytest.raises(Unfit, match="does not publish"):
        await verified(old, keys)


async def test_one_key_of_several_without_a_name() -> None:
    provider = OpenIdProvider()
    provider.keys = [make_key("RS256", "a"), make_key("ES256", "b"), make_key("RS256", "c")]
    provider.misdeeds.no_kid = True
    assert await verified(provider.signed(GOOD), Published(provider)) == GOOD


async def test_unsigned_and_shared_secrets_are_refused() -> None:
    provider = OpenIdProvider()
    keys = Published(provider)
    provider.misdeeds.unsigned = True
    with pytest.raises(Unfit, match="'none' is not allowed"):
        await verified(provider.signed(GOOD), keys)
    provider.misdeeds.unsigned, provider.misdeeds.shared_secret = False, True
    with pytest.raises(Unfit, match="'HS256' is not allowed"):
        await verified(provider.signed(GOOD), keys)


async def test_the_algorithm_of_a_key_is_kept_to() -> None:
    provider = OpenIdProvider(algorithm="PS256")
    keys = Published(provider)
    token = provider.signed(GOOD)

    async def only_rs256(anew: bool) -> list[Key]:
        return usable_keys({"keys": [{**key.as_dict(private=False), "alg": "RS256"} for key in provider.keys]})

    assert await verified(token, keys) == GOOD
    with pytest.raises(Unfit, match="does not publish"):
        await verified(token, only_rs256)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "....", "e30.e30.e30", "é.é.é", "\ud800", "x" * 300_000])
async def test_what_is_no_token(token: str) -> None:
    with pytest.raises(Unfit, match="cannot be read"):
        await verified(token, Published(OpenIdProvider()))


async def test_a_header_with_critical_parameters_is_refused() -> None:
    from joserfc.util import json_b64encode

    provider = OpenIdProvider()
    header, payload, mac = provider.signed(GOOD).split(".")
    critical = json_b64encode({"alg": "RS256", "kid": "key-1", "crit": ["strange"], "strange": 1}).decode()
    with pytest.raises(Unfit, match="cannot be read"):
        await verified(f"{critical}.{payload}.{mac}", Published(provider))
    assert header != critical


def test_keys_that_cannot_be_used_are_left_out() -> None:
    good = make_key("ES256", "good").as_dict(private=False)
    short = {"kty": "RSA", "kid": "short", "n": "A" * 170, "e": "AQAB"}
    listed = [
        good,
        short,
        {**good, "use": "enc"},
        {"kty": "EC", "crv": "P-256", "x": "AA"},
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ"},
        {"kty": 7},
        {},
        "rubbish",
        None,
    ]
    assert [key.kid for key in usable_keys(json.loads(json.dumps({"keys": listed})))] == ["good"]
    without: list[dict[str, object]] = [{}, {"keys": None}, {"keys": {}}]
    for document in without:
        with pytest.raises(Unfit, match="list of keys"):
            usable_keys(document)
