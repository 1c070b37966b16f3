"""Signing in and out over HTTP: tokens, the cookie, limits, and pages of other sites."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp.pytest_plugin import AiohttpClient

from bridge.web.door import COOKIE
from bridge.web.parts import WebLimits
from tests.unit.web.conftest import Client
from tests.unit.web.rig import PASSWORD, Rig, Visitor, rigged

FORM = {"name": "ada", "password": PASSWORD}


async def test_login_answers_token_and_account(client: Client, rig: Rig) -> None:
    account = await rig.accounts.add("ada", PASSWORD, admin=True)
    response = await client.post("/api/v1/login", json=FORM)
    assert response.status == 200
    answer = await response.json()
    assert set(answer) == {"token", "account"}
    assert answer["account"] == {
        "id": account.id,
        "name": "ada",
        "display_name": "ada",
        "person": account.person,
        "kind": "full",
        "admin": True,
        "avatar": "",
    }
    assert not response.cookies


async def test_the_token_opens_and_logout_closes(client: Client, ada: Visitor) -> None:
    assert (await ada.get("/api/v1/account"))["name"] == "ada"
    await ada.post("/api/v1/logout")
    error = (await ada.get("/api/v1/account", status=401))["error"]
    assert error["code"] == "signed_out"


@pytest.mark.parametrize("header", ["Bearer", "Bearer wrong", "Basic YWRhOmFkYQ==", "Bearer \xff"])
async def test_without_a_good_token_nobody_comes_in(client: Client, ada: Visitor, header: str) -> None:
    response = await client.get("/api/v1/account", headers={"Authorization": header})
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


OPEN = {
    f"/api/v1/{path}"
    for path in (
        "login", "login/matrix", "signup", "guests", "tickets/{token}", "reset", "claim", "server", "openapi.json",
        "docs", "sso/{provider}", "sso/{provider}/callback", "socket",  # a socket may say who it is in its first frame
    )
}


async def test_every_call_but_those_for_newcomers_needs_a_session(client: Client, rig: Rig) -> None:
    asked = 0
    for route in rig.app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        if not path.startswith("/api/v1/") or path in OPEN or route.method == "HEAD":
            continue
        if (route.method, path) == ("GET", "/api/v1/invites/{token}"):
            continue  # whoever holds an invite may look at it
        response = await client.request(route.method, re.sub(r"{\w+}", "x0", path), json={})
        assert response.status == 401, (route.method, path)
        asked += 1
    assert asked > 30


async def test_the_page_gets_a_cookie_that_scripts_cannot_read(client: Client, rig: Rig) -> None:
    await rig.accounts.add("ada", PASSWORD)
    response = await client.post("/api/v1/login", json={**FORM, "cookie": True})
    assert (response.status, (await response.json())["token"]) == (200, "")
    morsel = response.cookies[COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["secure"]) == (True, "Lax", "/", "")
    assert (await client.get("/api/v1/account")).status == 200
    origin = {"Origin": f"http://{client.host}:{client.port}"}
    assert (await client.post("/api/v1/logout", json={}, headers=origin)).status == 200
    assert (await client.get("/api/v1/account")).status == 401
    assert COOKIE not in {cookie.key for cookie in client.session.cookie_jar}


async def test_with_https_the_cookie_is_secure(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    async with rigged(tmp_path, url="https://chat.example.org") as rig:
        await rig.accounts.add("ada", PASSWORD)
        client = await aiohttp_client(rig.app)
        response = await client.post(
            "/api/v1/login", json={**FORM, "cookie": True}, headers={"Origin": "https://chat.example.org"}
        )
        assert response.cookies[COOKIE]["secure"] is True


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
async def test_another_site_cannot_act_with_the_cookie(
    client: Client, rig: Rig, room: str, ada: Visitor, headers: dict[str, str]
) -> None:
    client.session.cookie_jar.update_cookies({COOKIE: ada.token})
    for path in ("rooms", f"rooms/{room}/leave", "account/password", "login", "logout"):
        response = await client.post(f"/api/v1/{path}", data={"name": "x", "display_name": "x"}, headers=headers)
        assert response.status == 403
        assert (await response.json())["error"]["code"] == "cross_origin"
    raw = {**headers, "Content-Type": "text/plain"}
    response = await client.put("/api/v1/account/avatar", data=b"\x89PNG\r\n\x1a\n", headers=raw)
    assert response.status == 403
    assert await ada.texts(room) == []


async def test_with_the_cookie_json_is_enough_and_so_is_our_own_origin(client: Client, room: str, ada: Visitor) -> None:
    client.session.cookie_jar.update_cookies({COOKIE: ada.token})
    body: dict[str, Any] = {"kind": "said", "content": {"text": "hello"}}
    assert (await client.post(f"/api/v1/rooms/{room}/events", json=body)).status == 201
    ours = {"Origin": f"http://{client.host}:{client.port}"}
    response = await client.put("/api/v1/account/avatar", data=b"\x89PNG\r\n\x1a\n", headers=ours)
    assert response.status == 200
    foreign = {"Origin": "https://evil.example"}
    assert (await client.post(f"/api/v1/rooms/{room}/events", json=body, headers=foreign)).status == 403


async def test_tries_are_limited_by_address_and_by_name(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    async with rigged(tmp_path, limits=WebLimits(logins_per_minute=3)) as rig:
        await rig.accounts.add("ada", PASSWORD)
        client = await aiohttp_client(rig.app)

        async def attempt(name: str, address: str, *, cookie: bool = False) -> int:
            body = {"name": name, "password": "wrong wrong", "cookie": cookie}
            headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
            response = await client.post("/api/v1/login", headers=headers, json=body)
            if response.status == 429:
                assert int(response.headers["Retry-After"]) == 20
            return response.status

        assert [await attempt(f"name{n}", "10.0.0.1") for n in range(4)] == [401, 401, 401, 429]
        assert await attempt("name9", "10.0.0.1", cookie=True) == 429
        assert [await attempt("ada", f"10.0.1.{n}") for n in range(4)] == [401, 401, 401, 429]
        assert await attempt("ADA ", "10.0.1.9") == 429
        assert await attempt("bob", "10.0.1.9") == 401


async def test_an_address_is_what_the_proxy_says_behind_what_the_visitor_says(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    async with rigged(tmp_path, limits=WebLimits(logins_per_minute=3)) as rig:
        client = await aiohttp_client(rig.app)

        async def attempt(number: int) -> int:
            headers = [("X-Forwarded-For", f"6.6.6.{number}"), ("X-Forwarded-For", "10.0.0.1")]
            body = {"name": f"name{number}", "password": "wrong wrong"}
            return (await client.post("/api/v1/login", headers=headers, json=body)).status

        assert [await attempt(n) for n in range(4)] == [401, 401, 401, 429]


async def test_the_account_can_be_renamed(ada: Visitor, bob: Visitor, room: str) -> None:
    response = await ada.ask("PATCH", "/api/v1/account", {"display_name": "Ada L."})
    assert (await response.json())["display_name"] == "Ada L."
    assert (await ada.get("/api/v1/account"))["name"] == "ada"
    (member,) = (await ada.get(f"/api/v1/rooms/{room}/members"))["members"]
    assert member["name"] == "Ada L."
    renamed = (await ada.events(room))[-1]
    assert (renamed["kind"], renamed["content"]) == ("profiled", {"name": "Ada L.", "was": "ada"})
    for name, code, status in (("Bob", "name_taken", 409), ("\u200b", "empty_name", 400), (7, "bad_field", 400)):
        response = await ada.ask("PATCH", "/api/v1/account", {"display_name": name})
        error = (await response.json())["error"]
        assert (response.status, error["code"], error["field"]) == (status, code, "display_name")
