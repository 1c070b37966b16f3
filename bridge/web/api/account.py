"""The API of accounts: signing in and out, one's own name and picture."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from bridge.core.native import Native
from bridge.model.errors import Refused
from bridge.model.people import Person
from bridge.store.accounts import Account
from bridge.web import bodies
from bridge.web.accounts import Session
from bridge.web.api import shapes
from bridge.web.api.operations import Answer, Call, Operation
from bridge.web.api.shapes import AccountShape
from bridge.web.avatars import AVATAR_BYTES, PICTURES, Avatars
from bridge.web.door import Door
from bridge.web.parts import WebParts

NAME_MOST = 256


class SignIn(msgspec.Struct):
    """What one signs in with; with `cookie` the token goes into a cookie and not into the answer."""

    name: Annotated[str, Meta(max_length=NAME_MOST)]
    password: Annotated[str, Meta(max_length=2048)]
    cookie: bool = False


class SignedIn(msgspec.Struct):
    """A new session's token (empty where it went into the cookie) and the account."""

    token: str
    account: AccountShape


class Profile(msgspec.Struct):
    """How the account's person wants to be called."""

    display_name: Annotated[str, Meta(max_length=NAME_MOST)]


class AccountApi:
    """Signing in and out, and /account."""

    def __init__(self, parts: WebParts, door: Door, avatars: Avatars) -> None:
        self._view = parts.hub
        self._native: Native = parts.native
        self._accounts = parts.accounts
        self._door = door
        self._avatars = avatars

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag = "account"
        return [
            Operation(
                "POST", "/login", "signIn", "Sign in with name and password.", tag, self.login,
                body=SignIn, answer=SignedIn, door="open", refusals=("wrong_login", "too_fast"),
            ),
            Operation("POST", "/logout", "signOut", "End this session.", tag, self.logout),
            Operation("GET", "/account", "showAccount", "One's own account.", tag, self.show, answer=AccountShape),
            Operation(
                "PATCH", "/account", "changeAccount", "Change one's display name.", tag, self.change,
                body=Profile, answer=AccountShape, counts="change", refusals=("empty_name", "name_taken"),
            ),
            Operation(
                "GET", "/account/avatar", "showOwnAvatar", "One's own picture.", tag, self.avatar,
                answers=PICTURES, also=(304,), refusals=("no_picture",),
            ),
            Operation(
                "PUT", "/account/avatar", "setOwnAvatar", "Take the body as the new picture.", tag, self.set_avatar,
                media=PICTURES, answer=AccountShape, refusals=("too_large", "not_an_image"),
            ),
            Operation(
                "DELETE", "/account/avatar", "dropOwnAvatar", "Go without a picture.", tag, self.drop_avatar,
                answer=AccountShape, counts="change",
            ),
        ]

    async def login(self, call: Call) -> Answer:
        """Answer a new token and the account."""
        body: SignIn = call.body
        token, account = await self._door.sign_in(call.request, body.name, body.password)
        return self.signed_in(token, shapes.account(account, await self._person(account)), cookie=body.cookie)

    def signed_in(self, token: str, account: AccountShape, *, cookie: bool) -> Answer:
        """Hand out a new session's token: in a cookie out of reach of scripts, or in the answer."""
        if not cookie:
            return SignedIn(token, account)
        response = bodies.answer(SignedIn("", account))
        self._door.give_cookie(response, token)
        return response

    async def logout(self, call: Call) -> Answer:
        """End the session; a cookie goes with it."""
        await self._accounts.logout(call.session)
        response = bodies.answer({})
        self._door.take_cookie(response)
        return response

    async def show(self, call: Call) -> AccountShape:
        """Answer the visitor's own account."""
        return await self._shape(call.session)

    async def change(self, call: Call) -> AccountShape:
        """Change the display name."""
        body: Profile = call.body
        await self._accounts.rename(call.session.account, body.display_name)
        return await self._shape(call.session)

    async def avatar(self, call: Call) -> web.Response:
        """Answer the visitor's own picture."""
        return await self._avatars.show(call.request, (await self._person(call.session.account)).avatar)

    async def set_avatar(self, call: Call) -> AccountShape:
        """Take the body as the new picture."""
        data = await bodies.raw_bytes(call.request, AVATAR_BYTES)
        self._door.count_change(call.session)
        reference = await self._avatars.keep(data)
        await self._native.set_profile(call.person, avatar=reference)
        return await self._shape(call.session)

    async def drop_avatar(self, call: Call) -> AccountShape:
        """Go without a picture."""
        await self._native.set_profile(call.person, avatar="")
        return await self._shape(call.session)

    async def _shape(self, session: Session) -> AccountShape:
        return shapes.account(session.account, await self._person(session.account))

    async def _person(self, account: Account) -> Person:
        person = await self._view.person(account.person)
        if person is None:
            raise Refused("no_such_person", "There is no such person.", status=404)
        return person
