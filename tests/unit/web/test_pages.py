"""The pages as a browser without scripts sees them."""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import Any

import pytest
from aiohttp import FormData
from yarl import URL

from bridge.web.door import COOKIE
from tests.unit.web.conftest import Client, SignIn
from tests.unit.web.rig import PASSWORD, PNG, Rig, Visitor

HTML = {"Accept": "text/html"}


class Browser:
    """A browser: keeps cookies, sends its origin with forms."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.origin = {**HTML, "Origin": f"http://{client.host}:{client.port}"}

    async def get(self, path: str, status: int = 200, language: str = "") -> str:
        """Go to a page."""
        response = await self.client.get(path, headers={**HTML, "Accept-Language": language})
        text = await response.text()
        assert response.status == status, text
        return text

    async def send(self, path: str, form: Any, status: int = 200) -> tuple[str, str]:
        """Send a form and follow; return the path arrived at and the page."""
        response = await self.client.post(path, data=form, headers=self.origin)
        text = await response.text()
        assert response.status == status, text
        return response.url.path, text


@pytest.fixture
async def browser(client: Client, ada: Visitor) -> Browser:
    """Ada's browser, signed in by the form."""
    made = Browser(client)
    arrived, _ = await made.send("/login", {"name": "ada", "password": PASSWORD})
    assert arrived == "/rooms"
    return made


def page_data(page: str) -> dict[str, Any]:
    """Return what the room's page gives its script."""
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


async def test_without_a_session_every_page_leads_to_the_door_and_back(client: Client, ada: Visitor, room: str) -> None:
    browser = Browser(client)
    for path, following in (("/", None), ("/rooms", "/rooms"), (f"/rooms/{room}?x=1&y=2", f"/rooms/{room}?x=1&y=2")):
        response = await client.get(path, allow_redirects=False)
        assert response.status == 303
        location = URL(response.headers["Location"])
        assert (location.path, location.query.get("next")) == ("/login", following)
    arrived, page = await browser.send("/login", {"name": "ada", "password": PASSWORD, "next": f"/rooms/{room}"})
    assert arrived == f"/rooms/{room}"
    assert "Lobby" in page
    response = await client.get("/login", allow_redirects=False)
    assert response.headers["Location"] == "/rooms"


async def test_a_wrong_password_is_told_and_the_name_is_kept(client: Client, ada: Visitor) -> None:
    _, page = await Browser(client).send("/login", {"name": 'ada"<b>', "password": "wrong wrong"}, status=401)
    assert "The name or the password is wrong." in page
    assert 'value="ada&#34;&lt;b&gt;"' in page
    assert 'role="alert"' in page


async def test_rooms_are_listed_made_joined_and_left(browser: Browser, sign_in: SignIn) -> None:
    bob = await sign_in("bob")
    other = await bob.post("/api/v1/rooms", {"name": "Bob's <room>", "topic": "t"}, status=201)
    page = await browser.get("/rooms")
    assert "Bob&#39;s &lt;room&gt;" in page
    assert f'action="/rooms/{other["id"]}/join"' in page
    arrived, page = await browser.send(f"/rooms/{other['id']}/join", {})
    assert arrived == f"/rooms/{other['id']}"
    assert page_data(page)["room"]["joined"] is True
    arrived, page = await browser.send(f"/rooms/{other['id']}/leave", {})
    assert (arrived, f'action="/rooms/{other["id"]}/join"' in page) == ("/rooms", True)
    arrived, page = await browser.send("/rooms", {"name": "Mine", "topic": "x", "private": "on"})
    assert (page_data(page)["room"]["access"], page_data(page)["room"]["name"]) == ("invite", "Mine")
    _, page = await browser.send("/rooms", {"name": " ", "topic": "kept"}, status=400)
    assert "A name needs a character" in page
    assert 'value="kept"' in page


async def test_the_rooms_page_brings_its_first_lines(browser: Browser, ada: Visitor, room: str) -> None:
    await ada.say(room, "</script><script>alert(1)</script> & more")
    page = await browser.get(f"/rooms/{room}")
    data = page_data(page)
    assert [line["id"] for line in data["events"]] == [line["id"] for line in await ada.events(room)]
    assert data["events"][-1]["content"]["text"].startswith("</script><script>")
    assert data["me"]["person"] == ada.person
    assert data["statuses"][0]["health"] == "up"
    assert "<script>alert" not in page
    assert len(re.findall(r"<script(?! type=)", page)) == 0
    assert " style=" not in page
    assert not re.search(r"<[^>]+\son\w+=", page)


async def test_who_reads_along_is_invited(browser: Browser, sign_in: SignIn) -> None:
    bob = await sign_in("bob")
    other = await bob.post("/api/v1/rooms", {"name": "Tea"}, status=201)
    page = await browser.get(f"/rooms/{other['id']}")
    assert 'id="composer"' not in page
    assert f'action="/rooms/{other["id"]}/join"' in page


async def test_only_the_owner_is_offered_name_and_topic(browser: Browser, ada: Visitor, sign_in: SignIn) -> None:
    room = (await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201))["id"]
    assert f"/rooms/{room}/about" in await browser.get(f"/rooms/{room}")
    arrived, page = await browser.send(f"/rooms/{room}/about", {"name": "Hall", "topic": "wide"})
    assert arrived == f"/rooms/{room}"
    assert (page_data(page)["room"]["name"], page_data(page)["room"]["topic"]) == ("Hall", "wide")
    _, page = await browser.send(f"/rooms/{room}/about", {"name": "", "topic": "kept"}, status=400)
    assert ">kept</textarea>" in page
    bob = await sign_in("bob")
    other = (await bob.post("/api/v1/rooms", {"name": "Bob's"}, status=201))["id"]
    await browser.send(f"/rooms/{other}/join", {})
    assert f"/rooms/{other}/about" not in await browser.get(f"/rooms/{other}")
    await browser.get(f"/rooms/{other}/about", status=403)
    await browser.send(f"/rooms/{other}/about", {"name": "Ada's", "topic": ""}, status=403)


async def test_the_account_page_changes_name_and_picture(browser: Browser, ada: Visitor, rig: Rig) -> None:
    await rig.accounts.add("bob", PASSWORD)
    arrived, page = await browser.send("/account", {"display_name": "Ada Lovelace"})
    assert (arrived, "Saved." in page, "Ada Lovelace" in page) == ("/account", True, True)
    _, page = await browser.send("/account", {"display_name": "BOB"}, status=409)
    assert "somebody has already" in page
    assert 'value="BOB"' in page
    form = FormData()
    form.add_field("picture", PNG, filename="me.png", content_type="image/png")
    _, page = await browser.send("/account/avatar", form)
    account = await ada.get("/api/v1/account")
    assert f'src="{account["avatar"]}"' in page
    assert await (await ada.ask("GET", account["avatar"])).read() == PNG
    for data, status, words in ((b"text", 415, "PNG, JPEG"), (PNG + bytes(1024 * 1024), 413, "too large")):
        form = FormData()
        form.add_field("picture", BytesIO(data), filename="me.png", content_type="image/png")
        _, page = await browser.send("/account/avatar", form, status=status)
        assert words in page
    await browser.send("/account/avatar/remove", {})
    assert (await ada.get("/api/v1/account"))["avatar"] == ""


async def test_the_language_is_the_browsers_or_the_chosen_one(browser: Browser) -> None:
    assert "New room" in await browser.get("/rooms")
    assert "New room" in await browser.get("/rooms", language="fr, en;q=0.5, zh;q=0.4")
    assert "新建聊天室" in await browser.get("/rooms", language="zh-TW,zh;q=0.9,en;q=0.8")
    assert "New room" in await browser.get("/rooms", language="zh;q=oops;;,")
    arrived, page = await browser.send("/language", {"lang": "zh", "next": "/rooms?x=1"})
    assert (arrived, "新建聊天室" in page) == ("/rooms", True)
    assert "新建聊天室" in await browser.get("/rooms", language="en")
    arrived, _ = await browser.send("/language", {"lang": "xx", "next": "//evil.example"})
    assert arrived == "/rooms"


async def test_static_files_are_kept_by_their_version(browser: Browser, room: str) -> None:
    page = await browser.get(f"/rooms/{room}")
    (script,) = re.findall(r'<script type="module" src="([^"]+)"', page)
    (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    for path, kind in ((script, "text/javascript"), (style, "text/css")):
        response = await browser.client.get(path)
        assert (response.status, response.content_type) == (200, kind)
        assert "immutable" in response.headers["Cache-Control"]
    old = re.sub(r"/static/\w+/", "/static/0000/", script)
    assert (await browser.client.get(old)).headers["Cache-Control"] == "no-store"
    for path in ("/static/x/../site.py", "/static/x/missing.js", "/static/x/..%2fsite.py"):
        assert (await browser.client.get(path)).status == 404


async def test_signing_out_closes_the_door(browser: Browser) -> None:
    arrived, _ = await browser.send("/logout", {})
    assert arrived == "/login"
    assert COOKIE not in {cookie.key for cookie in browser.client.session.cookie_jar}
    response = await browser.client.get("/rooms", allow_redirects=False)
    assert response.status == 303
