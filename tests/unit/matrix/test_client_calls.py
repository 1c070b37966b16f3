"""Each call goes out as the specification has it, with the token in its header and nowhere else."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from bridge.model.errors import NotJoined, Rejected, Retry
from bridge.networks.matrix import nio_edge
from bridge.networks.matrix.client import HomeserverClient
from tests.unit.matrix.answering import TOKEN, answer, answering, calling, error
from tests.unit.matrix.calls import ALIAS, CALLS, EVENT, GHOST, ROOM, ROOM_ENC, V3, Call


@pytest.mark.parametrize("expected", CALLS, ids=lambda call: call.name)
async def test_a_call_and_its_answer(expected: Call) -> None:
    async with answering(answer(200, expected.reply)) as server, calling(server.url) as client:
        assert await expected.call(client) == expected.gives
        [asked] = server.asked
    assert (asked.method, asked.path, asked.query) == (expected.method, expected.path, expected.query)
    if expected.body is None:
        assert asked.body == b""
    else:
        assert asked.json == expected.body
        assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in asked.path + str(asked.query) + asked.body.decode()


def test_the_table_leaves_no_call_out() -> None:
    public = {name for name, _ in inspect.getmembers(HomeserverClient, inspect.isfunction) if not name.startswith("_")}
    elsewhere = {"request", "close", "keep_watch", "messages", "upload", "upload_to", "download_media", "thumbnail"}
    assert public - elsewhere == {call.name.split()[0] for call in CALLS}


async def test_a_page_of_history_keeps_its_events_undecoded() -> None:
    body = b'{"start":"s1","end":"s0","chunk":[{"event_id":"$1", "n": 1.0},{"type":7}],"state":[]}'
    async with answering(answer(200, body), answer(200, b'{"start":"s0","chunk":[]}')) as server:
        async with calling(server.url) as client:
            page = await client.messages(ROOM, from_token="s+1", limit=50, user_id=GHOST)
            last = await client.messages(ROOM, direction="f")
        first, second = server.asked
    assert [bytes(event) for event in page.chunk] == [b'{"event_id":"$1", "n": 1.0}', b'{"type":7}']
    assert (page.start, page.end) == ("s1", "s0")
    assert (last.chunk, last.end) == ([], None)
    assert first.path == f"{V3}/rooms/{ROOM_ENC}/messages"
    assert first.query == {"from": "s+1", "dir": "b", "limit": "50", "user_id": GHOST}
    assert second.query == {"dir": "f", "limit": "100"}


async def test_text_goes_out_as_utf8_and_not_escaped() -> None:
    async with answering(answer(200, {"event_id": "$1"})) as server, calling(server.url) as client:
        await client.send(ROOM, "m.room.message", "t", {"body": "大厅🙂"})
        assert "大厅🙂".encode() in server.last.body


async def test_a_known_ghost_is_success() -> None:
    replies = (error(400, "M_USER_IN_USE"), error(400, "M_EXCLUSIVE"))
    async with answering(*replies) as server, calling(server.url) as client:
        await client.register("rialto_p1")
        with pytest.raises(Rejected):
            await client.register("stranger")


async def test_what_is_not_there_is_none_only_where_the_homeserver_says_so() -> None:
    looks: tuple[Callable[[HomeserverClient], Awaitable[object]], ...] = (
        lambda c: c.get_state_event(ROOM, "m.room.name"),
        lambda c: c.get_event(ROOM, EVENT),
        lambda c: c.resolve_alias(ALIAS),
    )
    for look in looks:
        replies = (error(404, "M_NOT_FOUND"), answer(404, b"<html>"), error(404, "M_UNRECOGNIZED"))
        async with answering(*replies) as server, calling(server.url) as client:
            assert await look(client) is None
            for _ in range(2):
                with pytest.raises(Rejected):
                    await look(client)


@pytest.mark.parametrize("errcode", ["M_NOT_FOUND", "M_UNKNOWN"])
async def test_an_unknown_user_has_no_profile(errcode: str) -> None:
    replies = (error(404, errcode), error(403, "M_FORBIDDEN"), error(404, "M_UNRECOGNIZED"))
    async with answering(*replies) as server, calling(server.url) as client:
        assert await client.get_profile(GHOST) is None
        for _ in range(2):
            with pytest.raises(Rejected):
                await client.get_profile(GHOST)


async def test_looking_where_we_are_not_is_said() -> None:
    reply = error(403, "M_FORBIDDEN", "User @b:hs not in room !r")
    async with answering(reply) as server, calling(server.url) as client:
        with pytest.raises(NotJoined):
            await client.get_state_event(ROOM, "m.room.name")


async def test_an_alias_that_is_gone_is_deleted() -> None:
    async with answering(error(404, "M_NOT_FOUND"), answer(404, b"")) as server, calling(server.url) as client:
        await client.delete_alias(ALIAS)
        with pytest.raises(Rejected):
            await client.delete_alias(ALIAS)


async def test_a_taken_alias_is_refused() -> None:
    async with answering(error(409, "M_UNKNOWN", "Room alias already exists")) as server:
        async with calling(server.url) as client:
            with pytest.raises(Rejected) as caught:
                await client.put_alias(ALIAS, ROOM)
        assert caught.value.status == 409


async def test_reading_is_tried_again_and_writing_is_not() -> None:
    async with answering(error(500, "M_UNKNOWN"), answer(200, {"joined_rooms": []})) as server:
        async with calling(server.url) as client:
            assert await client.joined_rooms() == []
        assert len(server.asked) == 2
    async with answering(error(500, "M_UNKNOWN"), answer(200, {"event_id": "$1"})) as server:
        async with calling(server.url) as client:
            with pytest.raises(Retry):
                await client.send(ROOM, "m.room.message", "t", {})
        assert len(server.asked) == 1


@pytest.mark.parametrize("reply", [{}, {"event_id": 7}, ["$1"], None])
async def test_a_success_of_the_wrong_shape_is_no_success(reply: object) -> None:
    body = msgspec.json.encode(reply)
    async with answering(answer(200, body)) as server, calling(server.url) as client:
        with pytest.raises(Retry, match="not as specified"):
            await client.send(ROOM, "m.room.message", "t", {})


async def test_what_json_cannot_say_is_refused_before_it_is_sent() -> None:
    async with answering() as server, calling(server.url) as client:
        for content in ({"body": "\ud800"}, {"x": object()}):
            with pytest.raises(Rejected) as caught:
                await client.send(ROOM, "m.room.message", "t", content)
            assert caught.value.errcode == "M_BAD_JSON"
        assert server.asked == []


@pytest.mark.parametrize("mxc", ["", "mxc://", "mxc://hs", "mxc://hs/", "mxc:///id", "https://hs/id", "mxc://hs/a/b"])
def test_what_is_no_mxc_is_refused(mxc: str) -> None:
    with pytest.raises(Rejected):
        nio_edge.split_mxc(mxc)


@pytest.mark.parametrize("url", ["", "hs.test", "ftp://hs.test", "http://", "/path"])
def test_an_address_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        HomeserverClient(url, TOKEN)


async def test_an_address_may_have_a_path_and_a_slash() -> None:
    async with answering() as server, calling(f"{server.url}/behind/") as client:
        await client.versions()
        assert server.last.path == "/behind/_matrix/client/versions"


async def test_the_pace_is_kept() -> None:
    class Gate:
        taken = 0

        async def take(self) -> None:
            self.taken += 1

    gate = Gate()
    async with answering() as server, calling(server.url, pace=gate) as client:
        await client.versions()
        await client.versions()
    assert gate.taken == 2
