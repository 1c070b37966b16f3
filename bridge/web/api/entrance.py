"""The API's entrance: signing in and out, and what one holds afterwards."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bridge.model.errors import Refused
from bridge.model.ids import RoomId
from bridge.model.people import Person
from bridge.store.accounts import Account
from bridge.web import bodies
from bridge.web.api import shapes
from bridge.web.api.operations import Answer, Call, Made, Operation
from bridge.web.api.shapes import AccountShape
from bridge.web.door import Door
from bridge.web.parts import WebParts

NAME_MOST = 256
PASSWORD_MOST = 2048

LoginName = Annotated[str, Meta(max_length=NAME_MOST)]
DisplayName = Annotated[str, Meta(max_length=NAME_MOST)]
Password = Annotated[str, Meta(max_length=PASSWORD_MOST)]
Token = Annotated[str, Meta(max_length=128)]


class SignIn(msgspec.Struct):
    """What one signs in with; with `cookie` the token goes into a cookie and not into the answer."""

    name: LoginName
    password: Password
    cookie: bool = False


class SignedIn(msgspec.Struct):
    """A new session's token (empty where it went into the cookie), the account, and the room that an invite led to."""

    token: str
    account: AccountShape
    room: str | UnsetType = UNSET


class Entrance:
    """Hands out new sessions; handlers of /login and /logout."""

    def __init__(self, parts: WebParts, door: Door) -> None:
        self._view = parts.hub
        self._accounts = parts.accounts
        self._door = door

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag = "account"
        return [
            Operation(
                "POST", "/login", "signIn", "Sign in with name and password.", tag, self.login,
                body=SignIn, answer=SignedIn, door="open", refusals=("wrong_login", "too_fast"),
            ),
            Operation("POST", "/logout", "signOut", "End this session.", tag, self.logout),
        ]

    async def login(self, call: Call) -> Answer:
        """Answer a new token and the account."""
        body: SignIn = call.body
        token, account = await self._door.sign_in(call.request, body.name, body.password)
        return await self.let_in(token, account, cookie=body.cookie)

    async def let_in(
        self, token: str, account: Account, *, cookie: bool, status: int = 200, room: RoomId | None = None
    ) -> Answer:
        """Hand out a new session's token: in a cookie out of reach of scripts, or in the answer."""
        shape = shapes.account(account, await self._person(account))
        place = UNSET if room is None else room
        if not cookie:
            return Made(SignedIn(token, shape, place), status)
        response = bodies.answer(SignedIn("", shape, place), status=status)
        self._door.give_cookie(response, token)
        return response

    async def logout(self, call: Call) -> Answer:
        """End the session; a cookie goes with it."""
        await self._accounts.logout(call.session)
        return self.let_out()

    def let_out(self) -> Answer:
        """Answer that the session is over; a cookie goes with it."""
        response = bodies.answer({})
        self._door.take_cookie(response)
        return response

    async def _person(self, account: Account) -> Person:
        person = await self._view.person(account.person)
        if person is None:
            raise Refused("no_such_person", "There is no such person.", status=404)
        return person
