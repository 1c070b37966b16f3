"""The doctor finds providers and homeservers with which nobody could sign in, and says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.app.doctor_sign_in import matrix_finding, provider_finding
from bridge.web.sso.options import MatrixOptions, OidcOptions
from tests.fakes.homeserver import FakeHomeserver
from tests.fakes.openid import OpenIdProvider


def options(provider: OpenIdProvider) -> OidcOptions:
    """Return the settings for a provider."""
    return OidcOptions("idp", "Example", provider.issuer, "rialto")


async def test_a_provider_that_is_well() -> None:
    async with OpenIdProvider() as provider:
        found = await provider_finding(options(provider))
        assert (found.what, found.detail) == ("sign_in.oidc idp", f"{provider.issuer} answers, 1 usable key")
        assert found.well


@pytest.mark.parametrize(
    ("fault", "value", "detail", "remedy"),
    [
        ("broken", {"/.well-known/openid-configuration": 404}, "answered 404", "mend issuer"),
        ("broken", {"/jwks": 500}, "answered 500", "mend issuer"),
        ("document", {"issuer": "https://other.example"}, "https://other.example", "mend issuer"),
        ("document", {"id_token_signing_alg_values_supported": ["HS256"]}, "signs with HS256", "signing key"),
    ],
)
async def test_a_provider_that_is_not(fault: str, value: Any, detail: str, remedy: str) -> None:
    async with OpenIdProvider() as provider:
        setattr(provider.misdeeds, fault, value)
        found = await provider_finding(options(provider))
        assert detail in found.detail
        assert remedy in found.remedy


async def test_a_provider_that_is_away() -> None:
    async with OpenIdProvider() as gone:
        away = options(gone)
    found = await provider_finding(away)
    assert "failed" in found.detail
    assert found.remedy == f"mend issuer ({away.issuer}), or see that this machine reaches it"


async def test_what_the_homeserver_offers() -> None:
    async with FakeHomeserver() as hs:
        password = MatrixOptions(hs.url, hs.server_name, password=True)
        both = MatrixOptions(hs.url, hs.server_name, password=True, sso=True)
        assert (await matrix_finding(password)).well
        found = await matrix_finding(both)
        assert found.detail == "the homeserver does not offer m.login.sso, m.login.token"
        assert "sign_in.matrix" in found.remedy
        hs.world.sso_user = "@ada:localhost"
        assert (await matrix_finding(both)).well
    assert not (await matrix_finding(both)).well
