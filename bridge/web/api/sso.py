"""The API of signing in from elsewhere: on the way to a provider and back, and with a Matrix password."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from bridge.model.errors import Refused
from bridge.store.identities import Identity
from bridge.web import bodies
from bridge.web.api.entrance import Entrance, Password, SignedIn, Token
from bridge.web.api.operations import Answer, Call, Operation
from bridge.web.door import Door, address, visit
from bridge.web.parts import WebParts
from bridge.web.sso.arrivals import public_id
from bridge.web.sso.attempts import MINUTES, cookie_name, surplus
from bridge.web.sso.following import START, door, local_path
from bridge.web.sso.proof import Back
from bridge.web.sso.visits import Leaving, Visits

COOKIE_PATH = "/api/v1/sso/"
FAILURES = ("provider_failed", "no_such_provider")
NEW = ("no_account", "account_closed", "no_such_invite", "invite_over")


class Following(msgspec.Struct):
    """Where to go once one is signed in: a path on this server."""

    next: str = START


class Returned(msgspec.Struct):
    """What a provider sends along with a visitor; `login_token` is the homeserver's."""

    state: str = ""
    code: str = ""
    iss: str = ""
    error: str = ""
    error_description: str = ""
    login_token: str = msgspec.field(default="", name="loginToken")


class MatrixSignIn(msgspec.Struct):
    """A Matrix user (name or whole ID) of this server's homeserver and the password there; an invite serves who has no
    account yet."""

    user: Annotated[str, Meta(max_length=256)]
    password: Password
    invite: Token | None = None
    cookie: bool = False


class Binding(msgspec.Struct):
    """Which provider's identity is to open the account, and where to go afterwards."""

    provider: Annotated[str, Meta(max_length=64)]
    next: str = START


class Elsewhere(msgspec.Struct):
    """The address to which a browser is to be led."""

    url: str


class IdentityShape(msgspec.Struct):
    """An identity that opens the account; `provider` is "" where it cannot be used at present."""

    id: str
    provider: str
    title: str
    issuer: str
    subject: str
    created_at: int


class Identities(msgspec.Struct):
    """What opens the account: identities elsewhere, and perhaps a password."""

    identities: list[IdentityShape]
    password: bool


class SsoApi:
    """Handlers of /sso, /login/matrix and /account/identities."""

    def __init__(self, parts: WebParts, door: Door, visits: Visits, entrance: Entrance) -> None:
        self._accounts = parts.accounts
        self._secure = parts.url.startswith("https:")
        self._door = door
        self._visits = visits
        self._entrance = entrance

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag = "sign-in"
        # No HEAD on the way: to look ahead at an address must not use it up.
        return [
            Operation(
                "GET", "/sso/{provider}", "goToProvider", "Lead a browser to a provider.", tag, self.go,
                query=Following, status=302, door="open", head=False, refusals=(*FAILURES, "too_fast"),
            ),
            Operation(
                "GET", "/sso/{provider}/callback", "comeBackFromProvider", "Take a browser back from a provider.", tag,
                self.come_back, query=Returned, status=303, door="open", head=False,
                refusals=(
                    *FAILURES, *NEW, "stale_sign_in", "sign_in_denied", "identity_taken", "wrong_login",
                    "not_a_person", "too_fast",
                ),
            ),
            Operation(
                "POST", "/login/matrix", "signInWithMatrix", "Sign in with one's Matrix password.", tag, self.matrix,
                body=MatrixSignIn, answer=SignedIn, door="open",
                refusals=(*FAILURES, *NEW, "wrong_login", "other_homeserver", "not_a_person", "too_fast"),
            ),
            Operation(
                "GET", "/account/identities", "listIdentities", "What opens one's account.", tag, self.identities,
                answer=Identities,
            ),
            Operation(
                "POST", "/account/identities", "bindIdentity", "Begin to bind an identity to one's account.", tag,
                self.bind, body=Binding, answer=Elsewhere, door="full", counts="change", refusals=FAILURES,
            ),
            Operation(
                "DELETE", "/account/identities/{identity}", "unbindIdentity", "Take an identity from one's account.",
                tag, self.unbind, door="full", counts="change", refusals=("no_such_identity", "last_way_in"),
            ),
        ]

    async def go(self, call: Call) -> Answer:
        """Lead the visitor to a provider."""
        query: Following = call.query
        following = local_path(query.next)
        try:
            self._door.count_login(call.request)
            leaving = await self._visits.begin(call.path["provider"], following)
        except Refused as refusal:
            return _turned_away(call, refusal, following)
        response = web.Response(status=302, headers={"Location": leaving.url})
        self._give_cookie(call.request, response, leaving)
        return response

    async def come_back(self, call: Call) -> Answer:
        """Take a visitor back from a provider, and open the account."""
        # Not counted: each way back was counted as a way out, and serves once.
        request, session, provider = call.request, call.visitor, call.path["provider"]
        visitor = None if session is None else session.account
        back = Back(request.query, address(request))
        try:
            arrived = await self._visits.finish(provider, back, request.cookies, visitor)
        except Refused as refusal:
            state = request.query.get("state", "")
            response = _turned_away(call, refusal, await self._visits.following(provider, state, request.cookies))
            self._take_cookie(response, cookie_name(state))
            return response
        response = web.Response(status=303, headers={"Location": arrived.following})
        self._take_cookie(response, arrived.cookie)
        if not arrived.bound:
            if session is not None:
                await self._accounts.logout(session)
            self._door.give_cookie(response, await self._accounts.open(arrived.account, visit(request)))
        return response

    async def matrix(self, call: Call) -> Answer:
        """Sign in with a Matrix password."""
        body: MatrixSignIn = call.body
        localpart = body.user.strip().removeprefix("@").partition(":")[0]
        self._door.count_login(call.request, f"matrix {localpart}")
        account = await self._visits.password(body.user, body.password, address(call.request), body.invite or "")
        token = await self._accounts.open(account, visit(call.request))
        return await self._entrance.let_in(token, account, cookie=body.cookie)

    async def identities(self, call: Call) -> Identities:
        """Answer what opens the visitor's account, beside its password."""
        account = call.session.account
        found = await self._visits.arrivals.identities(account.id)
        return Identities([self._identity(each) for each in found], bool(account.password))

    def _identity(self, of: Identity) -> IdentityShape:
        place = self._visits.place_of(of)
        return IdentityShape(
            id=public_id(of),
            provider="" if place is None else place.id,
            title=of.issuer if place is None else place.title,
            issuer=of.issuer,
            subject=of.subject,
            created_at=of.created_at,
        )

    async def bind(self, call: Call) -> Answer:
        """Answer where to go to bind an identity to the visitor's account."""
        body: Binding = call.body
        following = local_path(body.next)
        leaving = await self._visits.begin(body.provider, following, call.session.account)
        response = bodies.answer(Elsewhere(leaving.url))
        self._give_cookie(call.request, response, leaving)
        return response

    async def unbind(self, call: Call) -> None:
        """Take an identity from the visitor's account."""
        await self._visits.unbind(call.session.account, call.path["identity"])

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


def _turned_away(call: Call, refusal: Refused, following: str) -> web.Response:
    """Return what a browser gets in place of a refusal: the page's sign-in view, which says why and goes on.

    Programs get the refusal, and so does whoever is signed in, who would not stay at that view.
    """
    if call.visitor is not None or "text/html" not in call.request.headers.get("Accept", ""):
        raise refusal
    return web.Response(status=303, headers={"Location": door(refusal.reason_code, following)})
