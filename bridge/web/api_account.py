"""The API of accounts: signing in and out, one's own name and picture."""

from __future__ import annotations

from aiohttp import web

from bridge.core.native import Native
from bridge.model.errors import Refused
from bridge.model.people import Person
from bridge.store.accounts import Account
from bridge.web import bodies, shapes
from bridge.web.accounts import Session
from bridge.web.avatars import AVATAR_BYTES, Avatars
from bridge.web.door import Door
from bridge.web.parts import WebParts


class AccountApi:
    """Handlers under /api/v1/login, /logout and /account."""

    def __init__(self, parts: WebParts, door: Door, avatars: Avatars) -> None:
        self._view = parts.hub
        self._native: Native = parts.native
        self._accounts = parts.accounts
        self._door = door
        self._avatars = avatars

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_post("/api/v1/login", self.login)
        router.add_post("/api/v1/logout", self.logout)
        router.add_get("/api/v1/account", self.show)
        router.add_patch("/api/v1/account", self.change)
        router.add_get("/api/v1/account/avatar", self.avatar)
        router.add_put("/api/v1/account/avatar", self.set_avatar)
        router.add_delete("/api/v1/account/avatar", self.drop_avatar)

    async def login(self, request: web.Request) -> web.Response:
        """Answer a new token and the account."""
        body = await bodies.json_object(request)
        name, password = bodies.text(body, "name"), bodies.text(body, "password")
        token, account = await self._door.sign_in(request, name, password)
        shape = shapes.account(account, await self._person(account))
        return bodies.answer({"token": token, "account": shape})

    async def logout(self, request: web.Request) -> web.Response:
        """End the session; a cookie goes with it."""
        session = await self._door.enter(request)
        await self._accounts.logout(session)
        response = bodies.answer({})
        self._door.take_cookie(response)
        return response

    async def show(self, request: web.Request) -> web.Response:
        """Answer the visitor's own account."""
        session = await self._door.enter(request)
        return await self._answer(session)

    async def change(self, request: web.Request) -> web.Response:
        """Change the display name."""
        session = await self._door.enter(request)
        name = bodies.text(await bodies.json_object(request), "display_name")
        self._door.count_change(session)
        await self._accounts.rename(session.account, name)
        return await self._answer(session)

    async def avatar(self, request: web.Request) -> web.Response:
        """Answer the visitor's own picture."""
        session = await self._door.enter(request)
        return await self._avatars.show(request, (await self._person(session.account)).avatar)

    async def set_avatar(self, request: web.Request) -> web.Response:
        """Take the body as the new picture."""
        session = await self._door.enter(request)
        data = await bodies.raw_bytes(request, AVATAR_BYTES)
        self._door.count_change(session)
        reference = await self._avatars.keep(data)
        await self._native.set_profile(session.account.person, avatar=reference)
        return await self._answer(session)

    async def drop_avatar(self, request: web.Request) -> web.Response:
        """Go without a picture."""
        session = await self._door.enter(request)
        self._door.count_change(session)
        await self._native.set_profile(session.account.person, avatar="")
        return await self._answer(session)

    async def _answer(self, session: Session) -> web.Response:
        return bodies.answer(shapes.account(session.account, await self._person(session.account)))

    async def _person(self, account: Account) -> Person:
        person = await self._view.person(account.person)
        if person is None:
            raise Refused("no_such_person", "There is no such person.", status=404)
        return person
