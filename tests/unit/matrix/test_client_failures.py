"""What the client makes of answers that are not a success, asked over real HTTP."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from aiohttp import web

from bridge.model.errors import AuthFailed, NetworkError, NotJoined, Rejected, Retry, Unreachable
from bridge.networks.matrix.nio_edge import Request
from tests.unit.matrix.answering import TOKEN, answer, answering, calling, error

ASK = Request("PUT", "/_matrix/client/v3/rooms/!r/send/m.room.message/t1", body=b"{}")
HTML = b"<html><body>502 Bad Gateway</body></html>"


async def fail_with(reply: web.StreamResponse) -> tuple[NetworkError, int]:
    """The error that one answer becomes, and how often the connection was told lost."""
    lost: list[None] = []
    async with answering(reply) as server, calling(server.url, on_connection_lost=lambda: lost.append(None)) as client:
        with pytest.raises(NetworkError) as caught:
            await client.request(ASK)
        assert len(server.asked) == 1
    assert TOKEN not in str(caught.value)
    return caught.value, len(lost)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "M_UNKNOWN_TOKEN", "Unrecognised access token"), AuthFailed),
        (error(401, "M_MISSING_TOKEN"), AuthFailed),
        (answer(401, HTML), AuthFailed),
        (error(401, "M_USER_LOCKED", "This account has been locked"), Rejected),
        (error(403, "M_FORBIDDEN", "User @g:hs not in room !r:hs"), NotJoined),
        (error(403, "M_FORBIDDEN", "User @g:hs not in room !r:hs (None)"), NotJoined),
        (error(403, "M_FORBIDDEN", "@g:hs not in room !r."), NotJoined),
        (error(403, "M_FORBIDDEN", "Appservice not in room"), NotJoined),
        (error(403, "M_FORBIDDEN", "You aren't a member of the room: not joined to the room"), NotJoined),
        (error(403, "M_NOT_JOINED", "no"), NotJoined),
        (
            answer(403, {"errcode": "M_FORBIDDEN", "org.matrix.msc3848.unstable.errcode": "M_NOT_JOINED"}),
            NotJoined,
        ),
        (error(403, "M_FORBIDDEN", "The target user is not in the room"), Rejected),
        (error(403, "M_FORBIDDEN", "Host not in room."), Rejected),
        (error(403, "M_FORBIDDEN", "You are banned from this room"), Rejected),
        (error(403, "M_FORBIDDEN", "You don't have permission to post that to the room"), Rejected),
        (error(403, "M_EXCLUSIVE", "User @g:hs not in room !r"), Rejected),
        (error(400, "M_DUPLICATE_ANNOTATION"), Rejected),
        (error(404, "M_NOT_FOUND"), Rejected),
        (error(413, "M_TOO_LARGE"), Rejected),
        (answer(413, HTML), Rejected),
        (error(429, "M_LIMIT_EXCEEDED"), Retry),
        (answer(408, HTML), Retry),
        (error(500, "M_UNKNOWN", "Internal server error"), Retry),
        (answer(502, HTML), Retry),
        (answer(599, b""), Retry),
        (answer(302, Location="https://elsewhere.test/"), Retry),
        (answer(307, Location="https://elsewhere.test/"), Retry),
        (answer(200, HTML), Retry),
        (answer(200, b""), Retry),
        (answer(200, b'{"event_id": "$1"'), Retry),
        (answer(200, b'{"event_id": "\xff"}'), Retry),
        (answer(200, ["not an object"]), Retry),
    ],
)
async def test_each_answer_becomes_the_error_that_says_what_to_do(
    reply: web.Response, kind: type[NetworkError]
) -> None:
    caught, _ = await fail_with(reply)
    assert type(caught) is kind
    assert not isinstance(caught, Unreachable)


async def test_a_refusal_keeps_status_code_and_text() -> None:
    caught, _ = await fail_with(error(400, "M_BAD_JSON", "Event too large"))
    assert isinstance(caught, Rejected)
    assert (caught.status, caught.errcode) == (400, "M_BAD_JSON")
    assert "Event too large" in str(caught)
    assert "send/m.room.message" in str(caught)


async def test_a_refusal_without_a_matrix_body_has_the_general_code() -> None:
    caught, _ = await fail_with(answer(403, HTML))
    assert isinstance(caught, Rejected)
    assert (caught.status, caught.errcode) == (403, "M_UNKNOWN")
    assert "Bad Gateway" not in str(caught)


async def test_an_odd_field_does_not_hide_the_code() -> None:
    caught, _ = await fail_with(answer(403, {"errcode": "M_NOT_JOINED", "error": ["?"], "retry_after_ms": "soon"}))
    assert type(caught) is NotJoined


@pytest.mark.parametrize(
    ("reply", "after"),
    [
        (error(429, "M_LIMIT_EXCEEDED", Retry_After="7"), 7.0),
        (error(429, "M_LIMIT_EXCEEDED", Retry_After="0.5"), 0.5),
        (answer(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}), 2.5),
        (answer(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}, Retry_After="9"), 9.0),
        (answer(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}, Retry_After="soon"), 2.5),
        (answer(503, HTML, Retry_After="120"), 120.0),
        (error(429, "M_LIMIT_EXCEEDED", Retry_After="-3"), 0.0),
        (error(429, "M_LIMIT_EXCEEDED", Retry_After="nan"), None),
        (error(429, "M_LIMIT_EXCEEDED", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), 0.0),
        (error(429, "M_LIMIT_EXCEEDED"), None),
    ],
)
async def test_the_pause_that_is_asked_for_is_read(reply: web.Response, after: float | None) -> None:
    caught, _ = await fail_with(reply)
    assert isinstance(caught, Retry)
    assert caught.after == after
    assert caught.status == reply.status


async def test_a_pause_may_be_a_date() -> None:
    caught, _ = await fail_with(error(429, "M_LIMIT_EXCEEDED", Retry_After=formatdate(time.time() + 1000, usegmt=True)))
    assert isinstance(caught, Retry)
    assert caught.after is not None
    assert 900 < caught.after <= 1000


async def test_redirects_are_not_followed() -> None:
    async with (
        answering() as elsewhere,
        answering(answer(307, Location=elsewhere.url)) as server,
        calling(server.url) as client,
    ):
        with pytest.raises(Retry, match="address"):
            await client.request(ASK)
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (answer(502, HTML), 1),
        (answer(503, b""), 1),
        (answer(504, HTML), 1),
        (error(502, "M_CONNECTION_FAILED", "the application service does not answer"), 0),
        (error(500, "M_UNKNOWN"), 0),
        (answer(200, HTML), 0),
        (error(403, "M_FORBIDDEN"), 0),
    ],
)
async def test_a_proxy_that_cannot_reach_the_homeserver_counts_as_a_lost_connection(
    reply: web.Response, told: int
) -> None:
    _, lost = await fail_with(reply)
    assert lost == told


async def test_tries_repeat_what_may_succeed_later_and_the_body_stays_the_same() -> None:
    replies = (error(500, "M_UNKNOWN"), answer(502, HTML), answer(200, {"event_id": "$1"}))
    async with answering(*replies) as server, calling(server.url) as client:
        assert await client.request(Request("PUT", "/x", body=b'{"n":1}'), tries=3) == {"event_id": "$1"}
        assert [asked.body for asked in server.asked] == [b'{"n":1}'] * 3


async def test_tries_end_with_the_last_error() -> None:
    async with answering(*(error(500, "M_UNKNOWN", f"no {n}") for n in range(5))) as server, calling(server.url) as it:
        with pytest.raises(Retry, match="no 2"):
            await it.request(ASK, tries=3)
        assert len(server.asked) == 3


@pytest.mark.parametrize("reply", [error(403, "M_FORBIDDEN"), error(401, "M_UNKNOWN_TOKEN"), error(404, "M_NOT_FOUND")])
async def test_what_cannot_succeed_later_is_not_repeated(reply: web.Response) -> None:
    async with answering(reply) as server, calling(server.url) as client:
        with pytest.raises((Rejected, AuthFailed)):
            await client.request(ASK, tries=5)
        assert len(server.asked) == 1


async def test_a_pause_longer_than_a_try_is_left_to_the_caller() -> None:
    async with (
        answering(error(429, "M_LIMIT_EXCEEDED", Retry_After="3600")) as server,
        calling(server.url, timeout=20) as client,
    ):
        with pytest.raises(Retry) as caught:
            await client.request(ASK, tries=3)
        assert caught.value.after == 3600
        assert len(server.asked) == 1
