"""The API of one's own account: name, picture, password, settings, and leaving for good."""

from __future__ import annotations

from typing import Annotated, Any

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
from bridge.web.api.entrance import DisplayName, Entrance, Password
from bridge.web.api.operations import Answer, Call, Operation
from bridge.web.api.shapes import AccountShape
from bridge.web.avatars import AVATAR_BYTES, PICTURES, Avatars
from bridge.web.door import Door
from bridge.web.parts import WebParts


class Profile(msgspec.Struct):
    """How the account's person wants to be called."""

    display_name: DisplayName


class PasswordChange(msgspec.Struct):
    """A new password; `old` is the present one, where the account has one."""

    new: Password
    old: Password | None = None


class Goodbye(msgspec.Struct):
    """The account's password, where it has one."""

    password: Password | None = None


class Preferences(msgspec.Struct):
    """What the page keeps for the account on every device: one JSON object of at most 8 KiB."""

    settings: Annotated[dict[str, Any], Meta(max_length=256)]


class AccountApi:
    """Handlers of /account."""

    def __init__(self, parts: WebParts, door: Door, avatars: Avatars, entrance: Entrance) -> None:
        self._view = parts.hub
        self._native: Native = parts.native
        self._accounts = parts.accounts
        self._door = door
        self._avatars = avatars
        self._entrance = entrance

    def operations(self) -> list[Operation]:
        """Return what it does."""
        return [*self._profile(), *self._keys()]

    def _profile(self) -> list[Operation]:
        tag = "account"
        return [
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
            Operation(
                "GET", "/account/settings", "showSettings", "What the page keeps for the account.", tag,
                self.settings, answer=Preferences,
            ),
            Operation(
                "PUT", "/account/settings", "putSettings", "Keep something else for the account.", tag,
                self.put_settings, body=Preferences, answer=Preferences, counts="change",
                refusals=("settings_too_large",),
            ),
        ]

    def _keys(self) -> list[Operation]:
        tag = "account"
        return [
            Operation(
                "POST", "/account/password", "changePassword", "Choose a new password; other sessions end.", tag,
                self.change_password, body=PasswordChange, door="full",
                refusals=("wrong_password", "weak_password", "long_password", "too_fast"),
            ),
            Operation(
                "DELETE", "/account", "closeAccount", "Close one's account for good.", tag, self.close, body=Goodbye,
                refusals=("wrong_password", "last_admin", "too_fast"),
            ),
        ]

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

    async def settings(self, call: Call) -> Preferences:
        """Answer what the page keeps for the account."""
        return Preferences(await self._accounts.preferences.get(call.session.account))

    async def put_settings(self, call: Call) -> Preferences:
        """Keep something else for the account."""
        body: Preferences = call.body
        await self._accounts.preferences.put(call.session.account, body.settings)
        return body

    async def change_password(self, call: Call) -> None:
        """Choose a new password."""
        body: PasswordChange = call.body
        # Counted like tries to sign in: a stolen session must not find the password out.
        self._door.count_login(call.request, call.session.account.name)
        await self._accounts.credentials.change(call.session, body.old, body.new)

    async def close(self, call: Call) -> Answer:
        """Close the account for good; a cookie goes with it."""
        body: Goodbye = call.body
        self._door.count_login(call.request, call.session.account.name)
        await self._accounts.leave(call.session.account, body.password)
        return self._entrance.let_out()

    async def _shape(self, session: Session) -> AccountShape:
        return shapes.account(session.account, await self._person(session.account))

    async def _person(self, account: Account) -> Person:
        person = await self._view.person(account.person)
        if person is None:
            raise Refused("no_such_person", "There is no such person.", status=404)
        return person
