"""The pages around the rooms: signing in, the list of rooms, one's own account, the language, errors."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from bridge.model.errors import Refused
from bridge.web import forms
from bridge.web.accounts import Session
from bridge.web.api import shapes
from bridge.web.api.shapes import AccountShape
from bridge.web.avatars import Avatars
from bridge.web.door import Door
from bridge.web.languages import CODES
from bridge.web.languages import COOKIE as LANGUAGE_COOKIE
from bridge.web.parts import WebParts
from bridge.web.places import Places
from bridge.web.rendering import Rendering


class Pages:
    """Handlers of /, /login, /logout, /language, /rooms and /account."""

    def __init__(self, parts: WebParts, door: Door, places: Places, avatars: Avatars, rendering: Rendering) -> None:
        self._view = parts.hub
        self._native = parts.native
        self._accounts = parts.accounts
        self._server_name = parts.server_name
        self._door = door
        self._places = places
        self._avatars = avatars
        self._rendering = rendering

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/", self.start)
        router.add_get("/login", self.login)
        router.add_post("/login", self.sign_in)
        router.add_post("/logout", self.sign_out)
        router.add_post("/language", self.choose_language)
        router.add_get("/rooms", self.rooms)
        router.add_post("/rooms", self.found)
        router.add_get("/account", self.account)
        router.add_post("/account", self.rename)
        router.add_post("/account/avatar", self.set_avatar)
        router.add_post("/account/avatar/remove", self.drop_avatar)

    async def start(self, request: web.Request) -> web.Response:
        """Lead to the rooms or to the door."""
        raise forms.go("/rooms" if await self._door.visitor(request) else "/login")

    async def login(self, request: web.Request) -> web.Response:
        """Show the door."""
        following = forms.local_path(request.query.get("next"), "/rooms")
        if await self._door.visitor(request):
            raise forms.go(following)
        return self._show_login(request, following)

    def _show_login(
        self, request: web.Request, following: str, *, name: str = "", refusal: Refused | None = None
    ) -> web.Response:
        return self._rendering.answer(
            request,
            "login.html",
            refusal=refusal,
            name=name,
            following=following,
            server_name=self._server_name,
        )

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Sign in, or say why not."""
        form = await forms.fields(request)
        name, following = form.get("name", ""), forms.local_path(form.get("next"), "/rooms")
        try:
            token, _ = await self._door.sign_in(request, name, form.get("password", ""))
        except Refused as refusal:
            return self._show_login(request, following, name=name, refusal=refusal)
        answer = forms.go(following)
        self._door.give_cookie(answer, token)
        raise answer

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session."""
        session = await self._door.visitor(request)
        if session is not None:
            await self._accounts.logout(session)
        answer = forms.go("/login")
        self._door.take_cookie(answer)
        raise answer

    async def choose_language(self, request: web.Request) -> web.Response:
        """Keep the visitor's choice of language."""
        form = await forms.fields(request)
        answer = forms.go(forms.local_path(form.get("next"), "/"))
        if form.get("lang") in CODES:
            answer.set_cookie(LANGUAGE_COOKIE, form["lang"], path="/", samesite="Lax", max_age=31_536_000)
        raise answer

    async def rooms(self, request: web.Request) -> web.Response:
        """Show the list of rooms."""
        session = await enter(self._door, request)
        return await self._show_rooms(request, session)

    async def _show_rooms(
        self,
        request: web.Request,
        session: Session,
        *,
        form: dict[str, str] | None = None,
        refusal: Refused | None = None,
    ) -> web.Response:
        found = await self._places.all(session.account.person)
        return self._rendering.answer(
            request,
            "rooms.html",
            refusal=refusal,
            me=await self.me(session),
            joined=[room for room in found if room.joined],
            others=[room for room in found if not room.joined],
            form=form or {},
        )

    async def found(self, request: web.Request) -> web.Response:
        """Make a room and go there."""
        session = await enter(self._door, request)
        form = await forms.fields(request)
        try:
            self._door.count_change(session)
            room = await self._native.found_room(
                form.get("name", ""),
                session.account.person,
                topic=form.get("topic", ""),
                public="private" not in form,
            )
        except Refused as refusal:
            return await self._show_rooms(request, session, form=form, refusal=refusal)
        raise forms.go(f"/rooms/{room.id}")

    async def account(self, request: web.Request) -> web.Response:
        """Show the visitor's own account."""
        return await self._show_account(request, await enter(self._door, request))

    async def _show_account(
        self, request: web.Request, session: Session, *, name: str | None = None, refusal: Refused | None = None
    ) -> web.Response:
        me = await self.me(session)
        return self._rendering.answer(
            request,
            "account.html",
            refusal=refusal,
            me=me,
            name=me.display_name if name is None else name,
            saved="saved" in request.query and refusal is None,
        )

    async def rename(self, request: web.Request) -> web.Response:
        """Change the display name."""
        session = await enter(self._door, request)
        name = (await forms.fields(request)).get("display_name", "")
        try:
            self._door.count_change(session)
            await self._accounts.rename(session.account, name)
        except Refused as refusal:
            return await self._show_account(request, session, name=name, refusal=refusal)
        raise forms.go("/account?saved")

    async def set_avatar(self, request: web.Request) -> web.Response:
        """Take a new picture."""
        session = await enter(self._door, request)
        try:
            data = await forms.picture(request)
            self._door.count_change(session)
            await self._native.set_profile(session.account.person, avatar=await self._avatars.keep(data))
        except Refused as refusal:
            return await self._show_account(request, session, refusal=refusal)
        raise forms.go("/account?saved")

    async def drop_avatar(self, request: web.Request) -> web.Response:
        """Go without a picture."""
        session = await enter(self._door, request)
        self._door.count_change(session)
        await self._native.set_profile(session.account.person, avatar="")
        raise forms.go("/account?saved")

    async def me(self, session: Session) -> AccountShape:
        """Return the visitor's account for a template."""
        person = await self._view.person(session.account.person)
        assert person is not None
        return shapes.account(session.account, person)

    async def failure(self, request: web.Request, refusal: Refused) -> web.StreamResponse:
        """Show a failure; who is signed out is led to the door instead."""
        if refusal.status == 401 and request.method == "GET":
            following = quote(request.rel_url.raw_path_qs, safe="")
            return web.Response(status=303, headers={"Location": f"/login?next={following}"})
        return self._rendering.answer(request, "error.html", refusal=refusal)


async def enter(door: Door, request: web.Request) -> Session:
    """Return the visitor's session, or lead to the door."""
    session = await door.visitor(request)
    if session is None:
        following = request.rel_url.raw_path_qs if request.method == "GET" else "/rooms"
        raise forms.go(f"/login?next={quote(following, safe='')}")
    return session
