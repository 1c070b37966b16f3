"""Every request that the client builds, held against the client-server API's own OpenAPI files."""

from __future__ import annotations

import pytest

from tests.unit.matrix.answering import Asked, answer, answering, calling
from tests.unit.matrix.calls import CALLS, GHOST, ROOM, Call
from tests.unit.matrix.openapi import Operation, Specification, require_spec

# The application service API adds these to calls of the client-server API ("Identity assertion", "Timestamp
# massaging"); `server_name` is the older word for `via`, which servers before 1.12 need.
_MASQUERADE = {"user_id", "device_id"}
_FORMER = {"server_name"}


@pytest.fixture(scope="module")
def spec() -> Specification:
    return Specification(require_spec())


def faults(spec: Specification, asked: Asked) -> list[str]:
    """How a request departs from the specification."""
    nowhere = [f"there is no {asked.method} {asked.path}"]
    return min((_departures(spec, op, asked) for op in spec.find(asked.method, asked.path)), key=len, default=nowhere)


def _departures(spec: Specification, operation: Operation, asked: Asked) -> list[str]:
    known = operation.parameters("query")
    timed = {"ts"} if "/send/" in asked.path or "/state/" in asked.path else set()
    said = [f"unknown query {name}" for name in set(asked.query) - set(known) - _MASQUERADE - _FORMER - timed]
    said += [f"query {name} is missing" for name, required in known.items() if required and name not in asked.query]
    if operation.body_pointer() is not None:
        return said + spec.body_faults(operation, asked.json)
    # A POST without a specified body carries `{}`: servers differ in whether they take none at all.
    if not operation.has_body() and asked.body not in (b"", b"{}"):
        said.append("a body where none is specified")
    return said


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
async def test_a_call_is_as_specified(spec: Specification, call: Call) -> None:
    async with answering(answer(200, call.reply)) as server, calling(server.url) as client:
        await call.call(client)
        assert faults(spec, server.last) == []


async def test_the_calls_with_bytes_are_as_specified(spec: Specification) -> None:
    page = answer(200, {"start": "", "chunk": []})
    replies = (page, answer(200, {"content_uri": "mxc://hs/1"}), answer(), answer(200, b"x"), answer(200, b"x"))
    async with answering(*replies) as server, calling(server.url) as client:
        await client.messages(ROOM, from_token="s1", user_id=GHOST)
        await client.upload(b"x", "image/png", "a b.png")
        await client.upload_to("mxc://hs/1", b"x", "image/png", "a.png")
        async with client.download_media("mxc://hs/1"):
            pass
        async with client.thumbnail("mxc://hs/1", 96, 64, "crop"):
            pass
        assert [faults(spec, asked) for asked in server.asked] == [[]] * 5


def test_the_check_itself_finds_faults(spec: Specification) -> None:
    def ask(method: str, path: str, query: dict[str, str], body: bytes) -> list[str]:
        return faults(spec, Asked(method, path, query, {}, body))

    assert ask("PUT", "/_matrix/client/v3/nowhere", {}, b"") != []
    assert ask("POST", "/_matrix/client/v3/rooms/!r/kick", {}, b"{}") != []
    assert ask("POST", "/_matrix/client/v3/rooms/!r/kick", {}, b'{"user_id": 7}') != []
    assert ask("POST", "/_matrix/client/v3/rooms/!r/kick", {"access_token": "x"}, b'{"user_id": "@a:b"}') != []
    assert ask("POST", "/_matrix/client/v3/rooms/!r/kick", {}, b'{"user_id": "@a:b"}') == []
    assert ask("GET", "/_matrix/client/v3/rooms/!r/messages", {}, b"") != []
    assert ask("POST", "/_matrix/client/v3/createRoom", {}, b'{"preset": "for_everyone"}') != []
