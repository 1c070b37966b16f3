"""The API for who has no account yet, or lost the way in: signing up, guests, one-time links."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from bridge.web.api.entrance import DisplayName, Entrance, LoginName, Password, SignedIn, Token
from bridge.web.api.operations import Answer, Call, Operation
from bridge.web.door import Door, visit
from bridge.web.parts import WebParts

NAMES = ("bad_name", "empty_name", "name_taken")
PASSWORDS = ("weak_password", "long_password")
INVITES = ("no_such_invite", "invite_over")


class NewAccount(msgspec.Struct):
    """An account that somebody makes; without `display_name` people see the login name. With `cookie` the token goes
    into a cookie and not into the answer."""

    name: LoginName
    password: Password
    display_name: DisplayName | None = None
    invite: Token | None = None
    cookie: bool = False


class NewGuest(msgspec.Struct):
    """A guest, and the token of an invite that takes guests."""

    invite: Token
    display_name: DisplayName
    cookie: bool = False


class TicketShape(msgspec.Struct):
    """What a one-time link is for: `reset` is a new password for the account `name`, `claim` makes an
    administrator's account."""

    purpose: Literal["reset", "claim"]
    expires_at: int
    name: str | UnsetType = UNSET


class Reset(msgspec.Struct):
    """A one-time link's token and the new password."""

    token: Token
    password: Password
    cookie: bool = False


class Claim(msgspec.Struct):
    """A one-time link's token, and what the administrator's account is to be."""

    token: Token
    name: LoginName
    password: Password
    cookie: bool = False


class SignUpApi:
    """Handlers of /signup, /guests, /tickets, /reset and /claim."""

    def __init__(self, parts: WebParts, door: Door, entrance: Entrance) -> None:
        self._newcomers = parts.accounts.newcomers
        self._tickets = parts.accounts.tickets
        self._door = door
        self._entrance = entrance

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag = "account"
        return [
            Operation(
                "POST", "/signup", "signUp", "Make an account.", tag, self.sign_up, body=NewAccount, answer=SignedIn,
                status=201, door="open",
                refusals=(*NAMES, *PASSWORDS, *INVITES, "signup_closed", "invite_needed", "too_fast"),
            ),
            Operation(
                "POST", "/guests", "comeAsGuest", "Come into a room as a guest.", tag, self.come, body=NewGuest,
                answer=SignedIn, status=201, door="open",
                refusals=(*INVITES, "guests_off", "not_for_guests", "empty_name", "too_fast"),
            ),
            Operation(
                "GET", "/tickets/{token}", "showTicket", "What a one-time link is for.", tag, self.ticket,
                answer=TicketShape, door="open", refusals=("no_such_ticket", "too_fast"),
            ),
            Operation(
                "POST", "/reset", "resetPassword", "Choose a new password with a one-time link.", tag, self.reset,
                body=Reset, answer=SignedIn, door="open", refusals=("no_such_ticket", *PASSWORDS, "too_fast"),
            ),
            Operation(
                "POST", "/claim", "claimServer", "Make an administrator's account with a one-time link.", tag,
                self.claim, body=Claim, answer=SignedIn, status=201, door="open",
                refusals=("no_such_ticket", *NAMES, *PASSWORDS, "too_fast"),
            ),
        ]

    async def sign_up(self, call: Call) -> Answer:
        """Make an account, and sign in."""
        body: NewAccount = call.body
        self._door.count_signup(call.request)
        token, account, room = await self._newcomers.sign_up(
            body.name,
            body.password,
            display_name=body.display_name,
            invite=body.invite or "",
            visit=visit(call.request),
        )
        return await self._entrance.let_in(token, account, cookie=body.cookie, status=201, room=room)

    async def come(self, call: Call) -> Answer:
        """Let a guest in."""
        body: NewGuest = call.body
        self._door.count_signup(call.request)
        token, account, room = await self._newcomers.come_as_guest(
            body.invite, body.display_name, visit(call.request)
        )
        return await self._entrance.let_in(token, account, cookie=body.cookie, status=201, room=room)

    async def ticket(self, call: Call) -> TicketShape:
        """Answer what a one-time link is for."""
        self._door.count_login(call.request)
        ticket, account = await self._tickets.look(call.path["token"])
        return TicketShape(ticket.purpose, ticket.expires_at, UNSET if account is None else account.name)

    async def reset(self, call: Call) -> Answer:
        """Set the new password, and sign in."""
        body: Reset = call.body
        self._door.count_login(call.request)
        token, account = await self._tickets.reset(body.token, body.password, visit(call.request))
        return await self._entrance.let_in(token, account, cookie=body.cookie)

    async def claim(self, call: Call) -> Answer:
        """Make the administrator's account, and sign in."""
        body: Claim = call.body
        self._door.count_login(call.request)
        token, account = await self._tickets.claim(body.token, body.name, body.password, visit(call.request))
        return await self._entrance.let_in(token, account, cookie=body.cookie, status=201)
