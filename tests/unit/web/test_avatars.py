"""Pictures: recognised by their bytes, kept once, shown to those who may see the person."""

from __future__ import annotations

import pytest

from bridge.core.items import Placed, Submission
from bridge.model.events import Event, Joined, Origin
from bridge.model.ids import MATRIX, RoomId, new_event_id
from tests.unit.web.rig import PNG, Rig, Visitor


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0jpeg", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
async def test_pictures_are_known_by_their_bytes(ada: Visitor, room: str, data: bytes, kind: str) -> None:
    response = await ada.ask("PUT", "/api/v1/account/avatar", data=data, headers={"Content-Type": "text/plain"})
    account = await response.json()
    assert response.status == 200
    shown = await ada.ask("GET", account["avatar"])
    assert (shown.status, shown.content_type, await shown.read()) == (200, kind, data)
    assert "immutable" in shown.headers["Cache-Control"]
    (member,) = (await ada.get(f"/api/v1/rooms/{room}/members"))["members"]
    shown = await ada.ask("GET", member["avatar"])
    assert await shown.read() == data


@pytest.mark.parametrize("data", [b"", b"<svg onload=alert(1)>", b"RIFF....WAVE", b"\x89PNG", b"<html>"])
async def test_what_is_no_picture_is_refused(ada: Visitor, data: bytes) -> None:
    response = await ada.ask("PUT", "/api/v1/account/avatar", data=data)
    error = (await response.json())["error"]
    assert (response.status, error["code"], error["field"]) == (415, "not_an_image", "avatar")
    assert (await ada.get("/api/v1/account"))["avatar"] == ""


async def test_a_picture_can_be_taken_away_again(ada: Visitor) -> None:
    await ada.ask("PUT", "/api/v1/account/avatar", data=PNG)
    response = await ada.ask("DELETE", "/api/v1/account/avatar")
    assert (await response.json())["avatar"] == ""
    assert (await ada.get("/api/v1/account/avatar", status=404))["error"]["code"] == "no_picture"


async def test_what_the_browser_has_is_not_sent_again(ada: Visitor) -> None:
    await ada.ask("PUT", "/api/v1/account/avatar", data=PNG)
    shown = await ada.ask("GET", "/api/v1/account/avatar")
    assert "no-cache" in shown.headers["Cache-Control"]
    again = await ada.ask("GET", "/api/v1/account/avatar", headers={"If-None-Match": shown.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")


async def test_pictures_of_other_networks_are_fetched_and_checked(ada: Visitor, room: str, rig: Rig) -> None:
    async def shown(name: str) -> int:
        reference = f"matrix:mxc://example.org/{name}"
        stranger = await rig.people.at(MATRIX, f"@{name}:example.org", name)
        origin = Origin(MATRIX, f"!{room}:example.org", f"${name}")
        joined = Event(new_event_id(), RoomId(room), stranger, 1, origin, Joined(name, reference))
        (placed,) = await rig.hub.submit(RoomId(room), [Submission(joined)])
        assert isinstance(placed, Placed)
        members = (await ada.get(f"/api/v1/rooms/{room}/members"))["members"]
        (path,) = [member["avatar"] for member in members if member["id"] == stranger]
        return (await ada.ask("GET", path)).status

    rig.avatars.pictures["matrix:mxc://example.org/good"] = PNG
    rig.avatars.pictures["matrix:mxc://example.org/script"] = b"<script>alert(1)</script>"
    assert [await shown(name) for name in ("good", "script", "missing")] == [200, 404, 404]
