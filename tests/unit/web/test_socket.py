"""The socket: greeting, following, writing; nothing missing and nothing twice over cuts, kicks and slow readers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.model.ids import PersonId, RoomId
from bridge.web.door import COOKIE
from bridge.web.socket import feed, outlet
from tests.unit.web.conftest import Client, SignIn
from tests.unit.web.rig import Rig, Visitor
from tests.unit.web.socket_client import SocketClient, opened


async def test_a_greeting_tells_what_one_needs(client: Client, ada: Visitor, room: str) -> None:
    await ada.say(room, "one")
    async with opened(client, None) as socket:
        hello = await socket.ask("hello", token=ada.token)
        assert hello["account"]["person"] == ada.person
        assert [each["id"] for each in hello["rooms"]] == [room]
        assert hello["rooms"][0]["last_seq"] == 2
        assert hello["rooms"][0]["unread"] == 0
        assert hello["statuses"][0]["network"] == "matrix"
        assert hello["ping_seconds"] == 15
        assert (await socket.refused("hello", token=ada.token))["code"] == "greeted"


async def test_who_does_not_greet_is_told_to(client: Client, room: str) -> None:
    async with opened(client, None) as socket:
        assert (await socket.refused("ping"))["code"] == "hello_first"
        assert (await socket.refused("hello"))["code"] == "signed_out"
        assert await socket.closed() == 4001


async def test_the_cookie_opens_only_for_our_own_page(client: Client, ada: Visitor, rig: Rig) -> None:
    cookie = {"Cookie": f"{COOKIE}={ada.token}"}
    async with opened(client, None, headers={**cookie, "Origin": "https://evil.example"}) as socket:
        assert (await socket.refused("hello"))["code"] == "signed_out"
    async with opened(client, None, headers={**cookie, "Origin": rig.parts.url}) as socket:
        assert (await socket.ask("hello"))["account"]["name"] == "ada"


async def test_the_newest_page_then_what_happens(client: Client, ada: Visitor, bob: Visitor, room: str) -> None:
    for number in range(60):
        await ada.say(room, f"line {number}")
    await bob.post(f"/api/v1/rooms/{room}/join")
    async with opened(client, bob.token) as socket:
        answer = await socket.ask("follow", room=room)
        assert answer["room"]["id"] == room
        await socket.until("live", room=room)
        assert len(socket.numbers(room)) == 50
        await socket.until("members", room=room)
        written = await socket.ask("say", room=room, client_id="c1", text="**from** bob")
        line = await socket.until("line", seq=written["seq"])
        assert line["line"]["content"]["html"] == "<strong>from</strong> bob"
        again = await socket.ask("say", room=room, client_id="c1", text="**from** bob")
        assert again == written
        await socket.ask("edit", room=room, client_id="c2", target=written["id"], text="changed")
        amended = await socket.until("amended", room=room)
        assert amended["line"]["content"]["text"] == "changed"
        await socket.ask("remove", room=room, client_id="c3", target=written["id"])
        while not amended["line"].get("removed"):
            socket.events.remove(amended)
            amended = await socket.until("amended", room=room)
        older = await socket.ask("page", room=room, before=socket.numbers(room)[0], limit=5)
        first = socket.numbers(room)[0]
        assert [event["seq"] for event in older["events"]] == list(range(first - 5, first))
    numbers = socket.numbers(room)
    assert numbers == sorted(set(numbers))


async def test_a_cut_is_filled_without_a_gap_or_a_double(client: Client, ada: Visitor, room: str) -> None:
    seen: list[int] = []
    texts: list[str] = []
    speaking = asyncio.create_task(_speak(ada, room, 300))
    while not speaking.done():
        async with opened(client, ada.token) as socket:
            await socket.ask("follow", room=room, after=seen[-1] if seen else 0)
            await socket.until("live", room=room)
            for _ in range(7):
                await socket.read()
            seen += socket.numbers(room)
            texts += socket.texts(room)
    async with opened(client, ada.token) as socket:
        await socket.ask("follow", room=room, after=seen[-1])
        await socket.until("live", room=room)
        texts += socket.texts(room)
    assert texts == [f"line {number}" for number in range(300)]


async def _speak(who: Visitor, room: str, lines: int) -> None:
    for number in range(lines):
        await who.say(room, f"line {number}")


async def test_what_changed_while_one_was_away_is_told(client: Client, ada: Visitor, room: str) -> None:
    first = await ada.say(room, "first")
    second = await ada.say(room, "second")
    await ada.ask("POST", f"/api/v1/rooms/{room}/events", {"kind": "removed", "content": {"target": first["id"]}})
    await ada.say(room, "third")
    async with opened(client, ada.token) as socket:
        await socket.ask("follow", room=room, after=second["seq"])
        await socket.until("live", room=room)
        assert socket.texts(room) == ["third"]
        amended = await socket.until("amended", room=room)
        assert (amended["line"]["seq"], amended["line"]["removed"]) == (first["seq"], True)


async def test_who_missed_too_much_begins_anew(client: Client, ada: Visitor, room: str, rig: Rig) -> None:
    for number in range(1_050):
        await rig.native.say(RoomId(room), PersonId(ada.person), f"line {number}")
    async with opened(client, ada.token) as socket:
        await socket.ask("follow", room=room, after=1)
        await socket.until("reset", room=room)
        await socket.until("live", room=room)
        after_reset = socket.events[socket.events.index({"ev": "reset", "room": room}) :]
        lines = [frame["seq"] for frame in after_reset if frame["ev"] == "line"]
        assert lines == list(range(1_002, 1_052))


async def test_a_slow_reader_is_shed_and_taken_up_again(
    client: Client, ada: Visitor, bob: Visitor, room: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "HIGH", 20_000)
    monkeypatch.setattr(outlet, "LOW", 10_000)
    long = "x" * 15_000
    async with opened(client, ada.token, max_msg_size=0) as socket:
        await socket.ask("follow", room=room, after=1)
        await socket.until("live", room=room)
        transport = socket.wire._conn.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.pause_reading()
        for number in range(700):
            await rig.native.say(RoomId(room), PersonId(ada.person), f"{number} {long}")
        (connection,) = _sockets(rig)
        waiting = connection.outlet._transport.get_write_buffer_size()
        assert waiting < 60_000, "what a reader does not take is not kept for it"
        transport.resume_reading()
        last = (await bob.get(f"/api/v1/rooms/{room}"))["last_seq"]
        await socket.until("line", seq=last)
        assert socket.numbers(room) == list(range(2, last + 1))
        assert any(frame["ev"] == "behind" for frame in socket.events)


def _sockets(rig: Rig) -> list[Any]:
    found = [part for part in rig.app.on_shutdown if "Sockets" in repr(part)]
    return list(found[0].__self__._open)  # type: ignore[attr-defined]


async def test_badges_count_what_is_not_followed(client: Client, ada: Visitor, bob: Visitor, room: str) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    async with opened(client, bob.token) as socket:
        await ada.say(room, "hello @bob")
        badge = await socket.until("badge", room=room, unread=1)
        assert badge["mentions"] == 1
        marked = await socket.ask("mark", room=room, seq=badge["last_seq"])
        assert (marked["unread"], marked["mentions"]) == (0, 0)
        assert (await socket.until("marker", room=room))["seq"] == badge["last_seq"]


async def test_typing_is_told_and_ends_with_the_line(client: Client, ada: Visitor, bob: Visitor, room: str) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    async with opened(client, ada.token) as socket, opened(client, bob.token) as other:
        await socket.ask("follow", room=room, after=0)
        await socket.until("live", room=room)
        await other.ask("typing", room=room)
        assert await socket.until("typing", people=[{"id": bob.person, "name": "bob"}])
        socket.events.clear()
        await other.ask("say", room=room, client_id="1", text="done")
        assert await socket.until("typing", people=[])


async def test_who_is_put_out_sees_no_more(client: Client, ada: Visitor, bob: Visitor, rig: Rig) -> None:
    made = await ada.post("/api/v1/rooms", {"name": "Secret", "access": "invite"}, status=201)
    room, person = RoomId(made["id"]), PersonId(bob.person)
    await rig.native.admit(room, person)
    async with opened(client, bob.token) as socket:
        await socket.ask("follow", room=room)
        await socket.until("live", room=room)
        await rig.native.kick(room, PersonId(ada.person), person, "")
        await ada.say(room, "now we can talk")
        await socket.until("rooms", left=room)
        assert (await socket.refused("follow", room=room))["code"] == "no_such_room"
        assert "now we can talk" not in socket.texts(room)


async def test_a_new_role_comes_with_new_rights(
    client: Client, ada: Visitor, bob: Visitor, room: str, rig: Rig
) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    async with opened(client, bob.token) as socket:
        await socket.ask("follow", room=room)
        await socket.until("live", room=room)
        await rig.native.rank(RoomId(room), PersonId(ada.person), PersonId(bob.person), "moderator")
        while (found := await socket.until("rooms"))["joined"]["role"] != "moderator":
            socket.events.remove(found)
        assert "kick" in found["joined"]["can"]
        member = await socket.until("member", room=room)
        assert (member["member"]["id"], member["member"]["role"]) == (bob.person, "moderator")


async def test_rooms_that_one_comes_into_elsewhere_are_told(
    client: Client, ada: Visitor, bob: Visitor, room: str
) -> None:
    async with opened(client, bob.token) as socket:
        await bob.post(f"/api/v1/rooms/{room}/join")
        joined = await socket.until("rooms")
        assert joined["joined"]["id"] == room
        await bob.post(f"/api/v1/rooms/{room}/leave")
        assert await socket.until("rooms", left=room)


async def test_a_session_that_ends_takes_its_sockets_along(client: Client, ada: Visitor) -> None:
    async with opened(client, ada.token) as socket:
        await ada.post("/api/v1/logout")
        assert await socket.closed() == 4001


async def test_settings_reach_the_other_windows(client: Client, ada: Visitor) -> None:
    async with opened(client, ada.token) as socket:
        answer = await ada.ask("PUT", "/api/v1/account/settings", {"settings": {"theme": "dark"}})
        assert answer.status == 200
        assert (await socket.until("settings"))["settings"] == {"theme": "dark"}


async def test_an_account_opens_only_so_many(client: Client, ada: Visitor, rig: Rig) -> None:
    sockets: list[SocketClient] = []
    for _ in range(rig.parts.limits.sockets_per_account):
        wire = await client.ws_connect("/api/v1/socket")
        sockets.append(SocketClient(wire))
        await sockets[-1].ask("hello", token=ada.token)
    async with opened(client, None) as socket:
        await socket.wire.send_json({"id": 1, "op": "hello", "token": ada.token})
        assert await socket.closed() == 4004
    assert "at" in await sockets[0].ask("ping")
    for each in sockets:
        await each.wire.close()


NAMELESS = ["", "{", "[]", '"x"', "{}", '{"id":"1","op":"ping"}', '{"id":-1,"op":"ping"}', '{"id":1}']


@pytest.mark.parametrize("frame", NAMELESS)
async def test_a_frame_that_cannot_be_answered_ends_the_socket(client: Client, ada: Visitor, frame: str) -> None:
    async with opened(client, ada.token) as socket:
        await socket.wire.send_str(frame)
        assert await socket.closed() == 4003


async def test_every_refusal_names_its_field(client: Client, sign_in: SignIn, ada: Visitor, room: str) -> None:
    async with opened(client, ada.token) as socket:
        for op, fields, code, field in (
            ("dance", {}, "unknown_op", "op"),
            ("follow", {}, "missing_field", "room"),
            ("follow", {"room": "r0"}, "no_such_room", "room"),
            ("edit", {"room": room, "client_id": "1", "target": "e0", "text": "x"}, "no_such_event", "target"),
            ("follow", {"room": room, "after": -1}, "bad_field", "after"),
            ("say", {"room": room, "client_id": "", "text": "x"}, "bad_field", "client_id"),
            ("say", {"room": room, "client_id": "1", "text": 1}, "bad_field", "text"),
            ("say", {"room": room, "client_id": "1", "text": " "}, "empty_text", "text"),
            ("page", {"room": room, "limit": 1000}, "bad_field", "limit"),
            ("ping", {"ack": {"r": "x"}}, "bad_field", "ack[...]"),
        ):
            error = await socket.refused(op, **fields)
            assert (error["code"], error.get("field")) == (code, field), (op, error)
            assert error["message"].endswith(".")


async def test_binary_frames_are_no_frames(client: Client, ada: Visitor) -> None:
    async with opened(client, ada.token) as socket:
        await socket.wire.send_bytes(b"{}")
        assert await socket.closed() == 4003


async def test_an_edit_comes_before_the_lines_after_it(client: Client, ada: Visitor, room: str) -> None:
    """Whoever goes on after a line has been told every change before it, wherever the connection broke."""
    async with opened(client, ada.token) as socket:
        await socket.ask("follow", room=room, after=0)
        await socket.until("live", room=room)
        first = await socket.ask("say", room=room, client_id="1", text="first")
        for number in range(20):
            await socket.ask("edit", room=room, client_id=f"e{number}", target=first["id"], text=f"wording {number}")
            said = await socket.ask("say", room=room, client_id=f"s{number}", text=f"line {number}")
            await socket.until("line", seq=said["seq"])
            told = [frame["line"] for frame in socket.events if frame["ev"] in ("line", "amended")]
            wording = [line["content"]["text"] for line in told if line["seq"] == first["seq"]]
            assert wording[-1] == f"wording {number}"


async def test_the_words_of_a_line_that_was_removed_at_once_go_to_nobody(
    client: Client, ada: Visitor, room: str, rig: Rig
) -> None:
    async with opened(client, ada.token) as socket:
        await socket.ask("follow", room=room, after=0)
        await socket.until("live", room=room)
        saying = asyncio.create_task(rig.native.say(RoomId(room), PersonId(ada.person), "a secret", client_id="1"))
        placed = await saying
        await rig.native.remove(RoomId(room), PersonId(ada.person), placed.id, "", None)
        await rig.native.say(RoomId(room), PersonId(ada.person), "the end")
        while socket.texts(room)[-1:] != ["the end"]:
            await socket.read()
        assert [frame["line"]["removed"] for frame in socket.events if frame["ev"] == "amended"][-1:] == [True]


async def test_who_leaves_a_public_room_is_told_no_more(
    client: Client, ada: Visitor, bob: Visitor, room: str
) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    async with opened(client, bob.token) as socket, opened(client, bob.token) as other:
        for each in (socket, other):
            await each.ask("follow", room=room)
            await each.until("live", room=room)
        await bob.post(f"/api/v1/rooms/{room}/leave")
        for each in (socket, other):
            await each.until("rooms", left=room)
        await ada.say(room, "are they gone?")
        for each in (socket, other):
            await each.ask("ping")
            assert "are they gone?" not in each.texts(room)
        # It is public: who wants to may look in.
        socket.events.clear()
        await socket.ask("follow", room=room)
        await socket.until("live", room=room)
        assert "are they gone?" in socket.texts(room)


async def test_settings_of_a_room_reach_all_who_are_in_it(client: Client, ada: Visitor, room: str) -> None:
    async with opened(client, ada.token) as socket:
        await ada.ask("PATCH", f"/api/v1/rooms/{room}", {"name": "Hall"})
        assert (await socket.until("rooms"))["joined"]["name"] == "Hall"
        await ada.ask("PATCH", f"/api/v1/rooms/{room}", {"archived": True})
        while "say" in (frame := await socket.until("rooms"))["joined"]["can"]:
            socket.events.remove(frame)


async def test_flickering_typists_are_told_now_and_then(
    client: Client, ada: Visitor, bob: Visitor, room: str
) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    async with opened(client, ada.token) as socket, opened(client, bob.token) as other:
        await socket.ask("follow", room=room, after=0)
        await socket.until("live", room=room)
        socket.events.clear()
        for number in range(101):
            await other.ask("typing", room=room, typing=number % 2 == 0)
        await socket.until("typing", people=[{"id": bob.person, "name": "bob"}])
        assert (await socket.refused("typing", room="r0"))["field"] == "room"
        assert sum(frame["ev"] == "typing" for frame in socket.events) < 20


async def test_stopping_does_not_wait_for_who_does_not_read(client: Client, ada: Visitor, room: str, rig: Rig) -> None:
    async with opened(client, ada.token, max_msg_size=0) as socket:
        await socket.ask("follow", room=room, after=0)
        await socket.until("live", room=room)
        transport = socket.wire._conn.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.pause_reading()
        (connection,) = _sockets(rig)
        while connection.outlet.waiting < outlet.HIGH:
            connection.outlet.push(b"\x8a\x00" * 100_000)
        async with asyncio.timeout(20):
            await client.server.close()
        assert _sockets(rig) == []


async def test_the_server_says_that_it_stops(client: Client, ada: Visitor) -> None:
    async with opened(client, ada.token) as socket, opened(client, None) as other:
        closing = asyncio.create_task(client.server.close())
        assert await socket.closed() == 4000
        assert await other.closed() == 4000
        await closing


async def test_a_feed_that_breaks_goes_on(
    client: Client, ada: Visitor, room: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAUSE_SECONDS", 0.01)
    async with opened(client, ada.token) as socket:
        await socket.ask("follow", room=room, after=0)
        await socket.until("live", room=room)

        async def broken(*_: Any) -> Any:
            raise ZeroDivisionError("something that nobody thought of")

        with monkeypatch.context() as trouble:
            trouble.setattr(rig.hub, "shown", broken)
            await ada.say(room, "one")
            await socket.until("line", seq=2)
        await ada.say(room, "two")
        await socket.until("line", seq=3)
        assert socket.texts(room) == ["one", "two"]


async def test_a_frame_that_is_too_large_ends_the_socket(client: Client, ada: Visitor) -> None:
    async with opened(client, ada.token) as socket:
        await socket.wire.send_str("x" * 70_000)
        assert await socket.closed() == 1009


async def test_who_floods_is_told_to_wait_and_then_cut_off(client: Client, ada: Visitor) -> None:
    async with opened(client, ada.token) as socket:
        for number in range(100, 600):
            await socket.wire.send_json({"id": number, "op": "ping"})
        assert await socket.closed() == 4005
        refused = [answer for answer in socket.answers.values() if "error" in answer]
        assert {answer["error"]["code"] for answer in refused} == {"too_fast"}
        assert all(answer["error"]["retry_after"] >= 1 for answer in refused)


async def test_the_socket_is_for_clients_of_websockets(ada: Visitor) -> None:
    assert (await ada.get("/api/v1/socket", 426))["error"]["code"] == "websocket_only"


async def test_what_was_before_one_came_is_hidden_where_the_room_says_so(
    client: Client, ada: Visitor, bob: Visitor, room: str
) -> None:
    before = await ada.say(room, "before")
    await ada.ask("PATCH", f"/api/v1/rooms/{room}", {"history": "joined"})
    async with opened(client, bob.token) as socket:
        assert (await socket.refused("follow", room=room))["code"] == "join_to_read"
        await bob.post(f"/api/v1/rooms/{room}/join")
        for after in (None, 0, before["seq"]):
            socket.events.clear()
            await socket.ask("follow", room=room, after=after)
            await socket.until("typing", room=room)
            assert min(socket.numbers(room)) > before["seq"]
        socket.events.clear()
        body = {"kind": "edited", "content": {"target": before["id"], "text": "changed"}}
        assert (await ada.ask("POST", f"/api/v1/rooms/{room}/events", body)).status == 201
        last = await ada.say(room, "after")
        await socket.until("line", seq=last["seq"])
        assert not [frame for frame in socket.events if frame["ev"] in ("amended", "delivery") and _about(frame) < 4]
        page = await socket.ask("page", room=room)
        assert min(event["seq"] for event in page["events"]) > before["seq"]


def _about(frame: dict[str, Any]) -> int:
    return int(frame["line"]["seq"] if frame["ev"] == "amended" else frame["seq"])


async def test_a_room_that_is_closed_to_newcomers_goes_from_those_who_only_look(
    client: Client, ada: Visitor, bob: Visitor, room: str
) -> None:
    async with opened(client, bob.token) as socket:
        await socket.ask("follow", room=room)
        await socket.until("live", room=room)
        await ada.ask("PATCH", f"/api/v1/rooms/{room}", {"access": "invite"})
        await ada.say(room, "among us")
        await socket.until("rooms", left=room)
        await socket.ask("ping")
        assert "among us" not in socket.texts(room)


async def test_a_deleted_room_goes_from_everybody(client: Client, ada: Visitor, bob: Visitor, room: str) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    async with opened(client, bob.token) as socket, opened(client, bob.token) as other:
        await socket.ask("follow", room=room)
        await socket.until("live", room=room)
        assert (await ada.ask("DELETE", f"/api/v1/rooms/{room}")).status == 200
        for each in (socket, other):
            await each.until("rooms", left=room)
        assert (await socket.refused("follow", room=room))["code"] == "no_such_room"
