"""Whatever goes wrong is answered in one form: JSON for programs, a page for people."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from bridge.core.hub import Hub
from bridge.model.ids import RoomId
from bridge.web.avatars import AVATAR_BYTES
from bridge.web.bodies import BODY_BYTES
from tests.unit.web.conftest import Client
from tests.unit.web.rig import Rig, Visitor

HTML = {"Accept": "text/html,*/*"}


async def failure(ada: Visitor, method: str, path: str, status: int, **more: Any) -> dict[str, Any]:
    """Ask, and return the error of the answer."""
    response = await ada.ask(method, path, **more)
    assert response.status == status, await response.text()
    assert response.content_type == "application/json"
    answer = await response.json()
    assert set(answer) == {"error"}
    assert {"code", "message"} <= set(answer["error"]) <= {"code", "message", "field"}
    error: dict[str, Any] = answer["error"]
    return error


async def test_unknown_addresses_and_methods(ada: Visitor) -> None:
    assert (await failure(ada, "GET", "/api/v1/nothing", 404))["code"] == "not_found"
    assert (await failure(ada, "GET", "/nothing", 404))["code"] == "not_found"
    assert (await failure(ada, "DELETE", "/api/v1/rooms", 405))["code"] == "method_not_allowed"
    response = await ada.ask("DELETE", "/api/v1/rooms")
    assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b'{"name":"\\ud800x"}',
    ],
)
async def test_what_is_no_json_object(ada: Visitor, body: bytes) -> None:
    more = {"data": body, "headers": {"Content-Type": "application/json"}}
    assert (await failure(ada, "POST", "/api/v1/rooms", 400, **more))["code"] == "bad_json"


async def test_a_number_that_is_none_is_named(ada: Visitor) -> None:
    more = {"data": b'{"name": 1e999}', "headers": {"Content-Type": "application/json"}}
    error = await failure(ada, "POST", "/api/v1/rooms", 400, **more)
    assert (error["code"], error["field"]) == ("bad_field", "name")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
async def test_json_must_say_that_it_is(ada: Visitor, kind: str) -> None:
    more = {"data": b'{"name": "x"}', "headers": {"Content-Type": kind}}
    assert (await failure(ada, "POST", "/api/v1/rooms", 415, **more))["code"] == "unsupported_media_type"


async def test_bodies_have_a_limit(ada: Visitor) -> None:
    json = {"Content-Type": "application/json"}
    fits = b'{"name": "x", "more": "' + b"x" * (BODY_BYTES - 100) + b'"}'
    assert (await ada.ask("POST", "/api/v1/rooms", data=fits, headers=json)).status == 201
    error = await failure(ada, "POST", "/api/v1/rooms", 413, data=b"x" * (BODY_BYTES + 1), headers=json)
    assert error["code"] == "too_large"
    error = await failure(ada, "PUT", "/api/v1/account/avatar", 413, data=BytesIO(b"x" * (AVATAR_BYTES + 1)))
    assert error["code"] == "too_large"

    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * (AVATAR_BYTES // 32)

    error = await failure(ada, "PUT", "/api/v1/account/avatar", 413, data=endless())
    assert error["code"] == "too_large"


async def test_a_bug_is_answered_and_not_told(ada: Visitor, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(room: str) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(rig.hub, "state", broken)
    monkeypatch.setattr(rig.hub, "_actor", broken)
    error = await failure(ada, "GET", "/api/v1/rooms/r1", 500)
    assert (error["code"], "secret" in error["message"]) == ("internal", False)


async def test_a_room_that_could_not_be_loaded_once_is_loaded_the_next_time(
    ada: Visitor, rig: Rig, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = Hub(rig.db, rig.people)

    async def busy(unit: object) -> None:
        raise OSError("the disk is busy")

    with monkeypatch.context() as trouble:
        trouble.setattr(rig.db, "read", busy)
        with pytest.raises(OSError, match="busy"):
            await fresh.snapshot(RoomId(room))
    place = await rig.hub.snapshot(RoomId(room))
    assert place is not None
    fresh.add(rig.network)
    found = await fresh.snapshot(RoomId(room))
    assert found is not None
    assert found.room == place.room


async def test_people_get_a_page_and_programs_json(client: Client) -> None:
    page = await client.get("/nothing", headers={**HTML, "Accept-Language": "zh-CN"})
    assert (page.status, page.content_type) == (404, "text/html")
    assert '<html lang="zh"' in await page.text()
    response = await client.get("/api/v1/nothing", headers=HTML)
    assert (response.status, response.content_type) == (404, "application/json")


async def test_every_answer_carries_the_headers_of_caution(client: Client, ada: Visitor) -> None:
    for path in ("/login", "/api/v1/rooms", "/nothing", "/healthz/live", "/rooms"):
        headers = (await client.get(path, allow_redirects=False)).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
