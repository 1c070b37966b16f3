"""The API of signing in from elsewhere: on the way to a provider and back, and with a Matrix password."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bridge.store.identities import Identity
from bridge.web import bodies, forms, shapes
from bridge.web.door import Door, address
from bridge.web.parts import WebParts
from bridge.web.sso.arrivals import public_id
from bridge.web.sso.attempts import MINUTES, surplus
from bridge.web.sso.proof import Back
from bridge.web.sso.visits import Leaving, Visits

START = "/"
COOKIE_PATH = "/api/v1/sso/"


class SsoApi:
    """Handlers of /api/v1/sso, /login/matrix and /account/identities."""

    def __init__(self, parts: WebParts, door: Door, visits: Visits) -> None:
        self._view = parts.hub
        self._accounts = parts.accounts
        self._secure = parts.url.startswith("https:")
        self._door = door
        self._visits = visits

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        # No HEAD: looking ahead at an address must not use it up.
        router.add_get("/api/v1/sso/{provider}", self.go, allow_head=False)
        router.add_get("/api/v1/sso/{provider}/callback", self.come_back, allow_head=False)
        router.add_post("/api/v1/login/matrix", self.matrix)
        router.add_get("/api/v1/account/identities", self.identities)
        router.add_post("/api/v1/account/identities", self.bind)
        router.add_delete("/api/v1/account/identities/{identity}", self.unbind)

    async def go(self, request: web.Request) -> web.Response:
        """Lead the visitor to a provider."""
        self._door.count_login(request)
        following = forms.local_path(request.query.get("next"), START)
        leaving = await self._visits.begin(request.match_info["provider"], following)
        response = web.Response(status=302, headers={"Location": leaving.url})
        self._give_cookie(request, response, leaving)
        return response

    async def come_back(self, request: web.Request) -> web.Response:
        """Take a visitor back from a provider, and open the account."""
        # Not counted: each way back was counted as a way out, and serves once.
        session = await self._door.visitor(request)
        visitor = None if session is None else session.account
        back = Back(request.query, address(request))
        arrived = await self._visits.finish(request.match_info["provider"], back, request.cookies, visitor)
        response = web.Response(status=303, headers={"Location": arrived.following})
        self._take_cookie(response, arrived.cookie)
        if not arrived.bound:
            if session is not None:
                await self._accounts.logout(session)
            self._door.give_cookie(response, await self._accounts.open(arrived.account))
        return response

    async def matrix(self, request: web.Request) -> web.Response:
        """Sign in with a Matrix password."""
        body = await bodies.json_object(request)
        user, password = bodies.text(body, "user"), bodies.text(body, "password")
        cookie = bodies.optional_bool(body, "cookie")
        localpart = user.strip().removeprefix("@").partition(":")[0]
        self._door.count_login(request, f"matrix {localpart}")
        account = await self._visits.password(user, password, address(request))
        person = await self._view.person(account.person)
        assert person is not None
        token = await self._accounts.open(account)
        response = bodies.answer({"token": "" if cookie else token, "account": shapes.account(account, person)})
        if cookie:
            self._door.give_cookie(response, token)
        return response

    async def identities(self, request: web.Request) -> web.Response:
        """Answer what opens the visitor's account, beside its password."""
        account = (await self._door.enter(request)).account
        found = await self._visits.arrivals.identities(account.id)
        return bodies.answer(
            {"identities": [self._identity(each) for each in found], "password": bool(account.password)}
        )

    def _identity(self, of: Identity) -> dict[str, Any]:
        place = self._visits.place_of(of)
        return {
            "id": public_id(of),
            "provider": "" if place is None else place.id,
            "title": of.issuer if place is None else place.title,
            "issuer": of.issuer,
            "subject": of.subject,
            "created_at": of.created_at,
        }

    async def bind(self, request: web.Request) -> web.Response:
        """Answer where to go to bind an identity to the visitor's account."""
        session = await self._door.enter(request)
        body = await bodies.json_object(request)
        provider = bodies.text(body, "provider")
        following = forms.local_path(bodies.optional_text(body, "next"), START)
        self._door.count_change(session)
        leaving = await self._visits.begin(provider, following, session.account)
        response = bodies.answer({"url": leaving.url})
        self._give_cookie(request, response, leaving)
        return response

    async def unbind(self, request: web.Request) -> web.Response:
        """Take an identity from the visitor's account."""
        session = await self._door.enter(request)
        self._door.count_change(session)
        await self._visits.unbind(session.account, request.match_info["identity"])
        return bodies.answer({})

    def _give_cookie(self, request: web.Request, response: web.StreamResponse, leaving: Leaving) -> None:
        for name in surplus(request.cookies):
            self._take_cookie(response, name)
        response.set_cookie(
            leaving.attempt.cookie,
            leaving.cookie,
            path=COOKIE_PATH,
            httponly=True,
            samesite="Lax",
            secure=self._secure,
            max_age=MINUTES * 60,
        )

    def _take_cookie(self, response: web.StreamResponse, name: str) -> None:
        response.del_cookie(name, path=COOKIE_PATH, httponly=True, samesite="Lax", secure=self._secure)
