"""The API of read markers: how far a room is read, and what the rooms' shapes say of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.web.rig import Visitor


async def mark(who: Visitor, room: str, body: Any, status: int = 200) -> Any:
    """Set a marker; return the answer."""
    response = await who.ask("PUT", f"/api/v1/rooms/{room}/marker", body)
    assert response.status == status, await response.text()
    return await response.json()


async def badge(who: Visitor, room: str) -> tuple[int, int, int, int]:
    """Return what the room's shape says, which must be the same in the list."""
    shown = await who.get(f"/api/v1/rooms/{room}")
    (listed,) = [each for each in (await who.get("/api/v1/rooms"))["rooms"] if each["id"] == room]
    assert listed == shown
    return shown["last_seq"], shown["marker"], shown["unread"], shown["mentions"]


async def test_lines_and_mentions_are_unread_until_they_are_read(ada: Visitor, bob: Visitor, room: str) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    assert await badge(bob, room) == (2, 2, 0, 0)
    await ada.say(room, "hello")
    last = await ada.say(room, "hello @bob")
    assert await badge(bob, room) == (4, 2, 2, 1)
    assert await badge(ada, room) == (4, 1, 0, 0)
    marked = await mark(bob, room, {"seq": last["seq"]})
    assert marked == {"room": room, "last_seq": 4, "marker": 4, "unread": 0, "mentions": 0}
    assert await badge(bob, room) == (4, 4, 0, 0)


async def test_a_marker_goes_back_only_on_purpose_and_never_beyond_the_end(
    ada: Visitor, bob: Visitor, room: str
) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    for number in range(3):
        await ada.say(room, f"line {number}")
    assert (await mark(bob, room, {"seq": 9_999}))["marker"] == 5
    assert (await mark(bob, room, {"seq": 3}))["marker"] == 5
    back = await mark(bob, room, {"seq": 3, "unread": True})
    assert (back["marker"], back["unread"]) == (3, 2)
    # What was there before he came is read, however far back he goes.
    assert (await mark(bob, room, {"seq": 0, "unread": True}))["marker"] == 2


async def test_who_is_not_in_a_room_has_no_marker(ada: Visitor, bob: Visitor, room: str) -> None:
    assert (await mark(bob, room, {"seq": 1}, 403))["error"]["code"] == "not_in_room"
    shown = await bob.get(f"/api/v1/rooms/{room}")
    assert (shown["last_seq"], shown["marker"], shown["unread"], shown["mentions"]) == (1, 0, 0, 0)
    secret = (await ada.post("/api/v1/rooms", {"name": "Secret", "access": "invite"}, status=201))["id"]
    assert (await mark(bob, secret, {"seq": 1}, 404))["error"]["code"] == "no_such_room"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "missing_field", "seq"),
        ({"seq": -1}, "bad_field", "seq"),
        ({"seq": "one"}, "bad_field", "seq"),
        ({"seq": 2**60}, "bad_field", "seq"),
        ({"seq": 1, "unread": "yes"}, "bad_field", "unread"),
    ],
)
async def test_a_bad_marker_is_refused(ada: Visitor, room: str, body: Any, code: str, field: str) -> None:
    error = (await mark(ada, room, body, 400))["error"]
    assert (error["code"], error["field"]) == (code, field)


async def test_the_directory_says_it_of_rooms_that_one_is_in(ada: Visitor, bob: Visitor, room: str) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    await ada.say(room, "hello")
    (shown,) = (await bob.get("/api/v1/directory"))["rooms"]
    assert (shown["marker"], shown["unread"]) == (2, 1)
