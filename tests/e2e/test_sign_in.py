"""Signing in with one's Matrix account and at a provider: a real Rialto beside a real Synapse."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bridge.web.door import COOKIE
from bridge.web.sso.homeserver import DEVICE
from tests.fakes.cas import CasService
from tests.fakes.openid import OpenIdProvider, User
from tests.rigs.rialto import Rialto
from tests.rigs.synapse import Synapse, require_synapse
from tests.unit.web.sso.browser import Browser, refused

pytestmark = [
    pytest.mark.homeserver,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
]

PASSWORD = "ada's password"
SETTINGS = """
sign_in:
  matrix: both
  matrix_signup: true
  oidc:
    - id: idp
      title: Example SSO
      issuer: {issuer}
      client_id: rialto
      client_secret: "{secret}"
      signup: true
"""


@dataclass
class Stage:
    """Everything that runs."""

    hs: Synapse
    rialto: Rialto
    cas: CasService
    provider: OpenIdProvider

    async def devices(self, name: str) -> list[str]:
        """Return the devices that an account has on the homeserver, but for the one that asks."""
        async with aiohttp.ClientSession() as session:
            body = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": name},
                "password": PASSWORD,
                "device_id": "ASKER",
            }
            async with session.post(f"{self.hs.url}/_matrix/client/v3/login", json=body) as answer:
                token = (await answer.json())["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(f"{self.hs.url}/_matrix/client/v3/devices", headers=headers) as answer:
                found = [device["device_id"] for device in (await answer.json())["devices"]]
        return [device for device in found if device != "ASKER"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Synapse, whose own pages lead to a sign-in service, and Rialto beside it."""
    require_synapse()
    directory = tmp_path_factory.mktemp("sign-in")
    rialto = Rialto(directory / "rialto")
    async with CasService("marco") as cas, OpenIdProvider() as provider, rialto:
        settings: dict[str, Any] = {
            "cas_config": {"enabled": True, "server_url": cas.url},
            "rc_login": {
                "address": {"per_second": 0.02, "burst_count": 4},
                "account": {"per_second": 1000, "burst_count": 1000},
                "failed_attempts": {"per_second": 1000, "burst_count": 1000},
            },
        }
        hs = Forwarded(directory / "synapse", settings=settings)
        hs.add_appservice(rialto.registration_path)
        async with hs:
            rialto.configure(hs.url, SETTINGS.format(issuer=provider.issuer, secret=provider.secret))
            await rialto.start()
            await rialto.ready()
            yield Stage(hs, rialto, cas, provider)
            await rialto.stop()


class Forwarded(Synapse):
    """A Synapse that believes who passes an address on, as one behind a proxy does."""

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        config["listeners"][0]["x_forwarded"] = True
        return config


async def login(browser: Browser, user: str, password: str, address: str) -> aiohttp.ClientResponse:
    """Sign in with a Matrix password, as somebody with this network address."""
    body = {"user": user, "password": password, "cookie": True}
    return await browser.ask("POST", "/api/v1/login/matrix", json=body, headers={"X-Forwarded-For": address})


async def test_a_matrix_password(stage: Stage) -> None:
    user_id, token = await stage.hs.register_user("ada", PASSWORD)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        profile = f"{stage.hs.url}/_matrix/client/v3/profile/{user_id}/displayname"
        await (await session.put(profile, json={"displayname": "Ada L."})).read()
        await (await session.post(f"{stage.hs.url}/_matrix/client/v3/logout", json={})).read()
    async with Browser(stage.rialto) as browser:
        assert await refused(await login(browser, "ada", "wrong", "10.1.0.1")) == (401, "wrong_login")
        assert await refused(await login(browser, "nobody", PASSWORD, "10.1.0.1")) == (401, "wrong_login")
        response = await login(browser, "ada", PASSWORD, "10.1.0.2")
        assert response.status == 200, await response.text()
        account = await browser.account()
        assert (account["name"], account["display_name"]) == ("ada", "Ada L.")
        (identity,) = await browser.identities()
        assert (identity["issuer"], identity["subject"]) == ("matrix:localhost", user_id)
        response = await login(browser, user_id, PASSWORD, "10.1.0.3")
        assert (await browser.account()) == account
    assert DEVICE not in await stage.devices("ada")


async def test_our_own_users_stay_out(stage: Stage) -> None:
    # A ghost has no password, but an administrator of the homeserver can give it one.
    ghost = "rialto_p0123456789abcdef"
    _, admin = await stage.hs.register_user("boss", PASSWORD, admin=True)
    async with aiohttp.ClientSession() as session:
        register = f"{stage.hs.url}/_matrix/client/v3/register"
        body = {"type": "m.login.application_service", "username": ghost, "inhibit_login": True}
        headers = {"Authorization": f"Bearer {stage.rialto.registration.as_token}"}
        assert (await session.post(register, json=body, headers=headers)).status == 200
        user = f"{stage.hs.url}/_synapse/admin/v2/users/@{ghost}:localhost"
        headers = {"Authorization": f"Bearer {admin}"}
        assert (await session.put(user, json={"password": PASSWORD}, headers=headers)).status == 200
    async with Browser(stage.rialto) as browser:
        assert await refused(await login(browser, ghost, PASSWORD, "10.2.0.1")) == (403, "not_a_person")
        assert COOKIE not in browser.cookies


async def test_the_homeservers_limit_is_for_each_visitor_and_passed_on(stage: Stage) -> None:
    async with Browser(stage.rialto) as browser:
        answers = [await login(browser, "nobody", "wrong", "10.3.0.1") for _ in range(5)]
        assert [answer.status for answer in answers] == [401, 401, 401, 401, 429]
        assert await refused(answers[-1]) == (429, "too_fast")
        assert 1 < int(answers[-1].headers["Retry-After"]) <= 50
        assert (await login(browser, "nobody", "wrong", "10.3.0.2")).status == 401


async def test_the_homeservers_own_pages(stage: Stage) -> None:
    async with Browser(stage.rialto) as browser:
        address = await browser.go("matrix", "/rooms/r1")
        while not address.startswith(stage.rialto.url):
            response = await browser.ask("GET", address)
            if response.status == 200:
                # The homeserver asks whether Rialto is to be trusted.
                (found,) = re.findall(r'href="([^"]*loginToken[^"]*)"', await response.text())
                address = unescape(found)
            else:
                assert response.status == 302, await response.text()
                address = response.headers["Location"]
        response = await browser.ask("GET", address)
        assert (response.status, response.headers["Location"]) == (303, "/rooms/r1"), await response.text()
        assert (await browser.account())["name"] == "marco"
        (identity,) = await browser.identities()
        assert (identity["provider"], identity["subject"]) == ("matrix", "@marco:localhost")
        assert await refused(await browser.ask("GET", address)) == (400, "stale_sign_in")


async def test_a_provider_and_a_matrix_account_for_one_person(stage: Stage) -> None:
    stage.provider.user = User("0007", {"preferred_username": "grace", "name": "Grace H."})
    await stage.hs.register_user("grace", PASSWORD)
    async with Browser(stage.rialto) as browser, Browser(stage.rialto) as other:
        assert (await browser.sign_in()).status == 303
        account = await browser.account()
        assert (account["name"], account["display_name"]) == ("grace", "Grace H.")
        # The Matrix user of the same name is somebody else until she binds it herself.
        await login(other, "grace", PASSWORD, "10.4.0.1")
        assert (await other.account())["name"] == "grace2"
        await stage.rialto.stop()
        await stage.rialto.start()
        await stage.rialto.ready()
        assert await browser.account() == account


async def test_the_doctor_looks_at_all_of_it(stage: Stage) -> None:
    code, output = await stage.rialto.command("doctor")
    assert code == 0, output
    assert f"✓ sign_in.oidc idp: {stage.provider.issuer} answers, 1 usable key\n" in output
    assert "✓ sign_in.matrix: the homeserver offers what the settings want\n" in output
    assert all(line[:1] in ("✓", "A", "") for line in output.splitlines()), output
    stage.provider.misdeeds.broken["/.well-known/openid-configuration"] = 500
    code, output = await stage.rialto.command("doctor")
    assert code == 1, output
    assert "✗ sign_in.oidc idp: " in output
    assert f"→ mend issuer ({stage.provider.issuer})" in output
