"""A visitor's browser as far as signing in needs one: cookies, addresses, and going where it is led."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import aiohttp
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer

from bridge.web.accounts.options import AccountOptions, SignUpRule
from bridge.web.parts import WebLimits
from bridge.web.sso.options import MatrixOptions, OidcOptions, SignInOptions
from tests.fakes.openid import OpenIdProvider
from tests.rigs.ports import free_port
from tests.unit.web.rig import PASSWORD, ROOMY, Rig, rigged


def options(provider: OpenIdProvider, **more: Any) -> OidcOptions:
    """Return the settings for a provider; everybody gets an account."""
    known = {"id": "idp", "title": "Example SSO", "issuer": provider.issuer, "client_id": provider.client_id}
    return OidcOptions(**{"client_secret": provider.secret, "signup": True, **known, **more})


class Site:
    """A running Rialto with an address of its own."""

    def __init__(self, rig: Rig, url: str) -> None:
        self.rig = rig
        self._url = url

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return self._url

    async def names(self) -> list[str]:
        """Return the login names of all accounts."""
        return [account.name for account in await self.rig.accounts.list()]


@asynccontextmanager
async def running(
    folder: Path,
    *oidc: OidcOptions,
    matrix: MatrixOptions | None = None,
    limits: WebLimits = ROOMY,
    port: int = 0,
    seconds: float = 10,
    database: str = "",
    signup: SignUpRule = "invite",
) -> AsyncIterator[Site]:
    """Start Rialto on 127.0.0.1."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    sign_in = SignInOptions(oidc, matrix, seconds)
    rule = AccountOptions(signup=signup)
    async with rigged(folder, limits=limits, url=url, sign_in=sign_in, database=database, options=rule) as rig:
        server = TestServer(rig.app, port=port)
        await server.start_server()
        try:
            yield Site(rig, url)
        finally:
            await server.close()


class Place(Protocol):
    """Something that has a web address."""

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        ...


class Browser:
    """One browser with its cookies."""

    def __init__(self, site: Place, *, language: str = "en") -> None:
        self.site = site
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Accept-Language": language}
        )

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def cookies(self) -> dict[str, str]:
        """Return the cookies that it holds, by name."""
        return {cookie.key: cookie.value for cookie in self._session.cookie_jar}

    async def ask(self, method: str, where: str, **more: Any) -> ClientResponse:
        """Ask for a path of the site, or any address; redirects are not followed. The body is read."""
        url = where if where.startswith("http") else self.site.url + where
        async with self._session.request(method, url, allow_redirects=False, **more) as response:
            await response.read()
            return response

    async def go(self, provider: str = "idp", following: str = "/rooms/r1") -> str:
        """Begin to sign in: the address at the provider."""
        response = await self.ask("GET", f"/api/v1/sso/{provider}", params={"next": following})
        assert response.status == 302, await response.text()
        return response.headers["Location"]

    async def visit(self, address: str) -> str:
        """Be at the provider: the address to which it leads back."""
        response = await self.ask("GET", address)
        assert response.status == 302, await response.text()
        return response.headers["Location"]

    async def sign_in(self, provider: str = "idp", following: str = "/rooms/r1") -> ClientResponse:
        """Do all of it: the answer to the way back."""
        return await self.ask("GET", await self.visit(await self.go(provider, following)))

    async def password(self, name: str) -> None:
        """Sign in with a password, on the page."""
        body = {"name": name, "password": PASSWORD, "cookie": True}
        response = await self.ask("POST", "/api/v1/login", json=body, headers={"Origin": self.site.url})
        assert response.status == 200, await response.text()

    async def bind(self, provider: str = "idp") -> ClientResponse:
        """Bind an identity to the account that is open: the answer to the way back."""
        response = await self.ask("POST", "/api/v1/account/identities", json={"provider": provider, "next": "/me"})
        assert response.status == 200, await response.text()
        return await self.ask("GET", await self.visit((await response.json())["url"]))

    async def account(self) -> dict[str, Any]:
        """Return the account that is open here."""
        response = await self.ask("GET", "/api/v1/account")
        assert response.status == 200, await response.text()
        account: dict[str, Any] = await response.json()
        return account

    async def identities(self) -> list[dict[str, Any]]:
        """Return what opens the account."""
        response = await self.ask("GET", "/api/v1/account/identities")
        assert response.status == 200, await response.text()
        found: list[dict[str, Any]] = (await response.json())["identities"]
        return found


async def refused(response: ClientResponse) -> tuple[int, str]:
    """Return the status and code of a refusal."""
    return response.status, (await response.json())["error"]["code"]
