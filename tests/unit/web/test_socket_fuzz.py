"""The socket under whatever a client may send: right, wrong, huge, broken off, much at once.

Each request that can be answered is answered once, or the socket is closed with a code that says why; every refusal
says what to do and where; nothing is logged as a fault, nobody else notices, nothing is left behind.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientWebSocketResponse
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.web.languages import FOR_FAILURES, language
from bridge.web.socket.protocol import KINDS, Close
from tests.unit.web.rig import Rig, Visitor, rigged, visitor
from tests.unit.web.socket_client import SocketClient

SECONDS = 20
ENDS = {int(code) for code in Close} | {1000, 1002, 1007, 1009}
WITHOUT_FIELD = {"signed_out", "too_fast", "too_many_sockets"}
"""Refusals that are about no field of the request."""

numbers = st.one_of(st.integers(0, 9), st.integers(-(2**70), 2**70), st.sampled_from([2**53, 2**53 + 1, -1]))
texts = st.one_of(st.text(max_size=8), st.sampled_from(["ROOM", "r0", "\0", "\u202e", "x" * 200, "1", "a" * 20_000]))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.floats(allow_nan=False, allow_infinity=False), texts)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
FIELDS = sorted({name for kind in KINDS.values() for name in kind.__struct_fields__} - {"id"})
ops = st.sampled_from([*KINDS, "dance", "", "HELLO"])
ids = st.one_of(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), numbers, st.just(4.0))
near = st.fixed_dictionaries(
    {"id": ids, "op": ops}, optional={name: st.one_of(scalars, values) for name in FIELDS}
)
keys = st.text("ab", min_size=1, max_size=2)
right = st.one_of(
    st.builds(lambda after: {"op": "follow", "room": "ROOM", "after": after}, st.none() | st.integers(0, 40)),
    st.builds(lambda text, key: {"op": "say", "room": "ROOM", "text": text, "client_id": key}, texts, keys),
    st.sampled_from(
        [
            {"op": "unfollow", "room": "ROOM"},
            {"op": "typing", "room": "ROOM"},
            {"op": "mark", "room": "ROOM", "seq": 1},
            {"op": "page", "room": "ROOM", "limit": 200},
            {"op": "ping", "ack": {"ROOM": 3}},
            {"op": "hello"},
        ]
    ),
)
ODD = ["[" * 30_000, '{"id":1,"id":2,"op":"ping"}', '{"id":1e400,"op":"ping"}', '{"id":1', "\ufeff{}", "x" * 70_000]

sent = st.one_of(
    st.tuples(st.just("json"), values),
    st.tuples(st.just("near"), near),
    st.tuples(st.just("near"), st.tuples(ids, right).map(lambda pair: {"id": pair[0], **pair[1]})),
    st.tuples(st.just("text"), st.text(max_size=20)),
    st.tuples(st.just("text"), st.sampled_from(ODD)),
    st.tuples(st.just("binary"), st.binary(max_size=20)),
    st.tuples(st.just("control"), st.binary(max_size=20)),
    st.tuples(st.just("burst"), st.integers(1, 400)),
    st.tuples(st.just("wire"), st.binary(min_size=1, max_size=30)),
    st.tuples(st.just("half"), st.none()),
)


class Fuzzed:
    """One socket that is sent anything, and what came back."""

    def __init__(self, wire: ClientWebSocketResponse, room: str) -> None:
        self._wire = wire
        self._room = room
        self.asked: list[int] = []
        self.answers: list[dict[str, Any]] = []
        self.broken = False
        """Whether what goes over the wire is no WebSocket any more."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._wire:
            frame = json.loads(message.data)
            if "re" in frame:
                self.answers.append(frame)

    async def send(self, kind: str, what: Any) -> None:
        """Send one thing; a connection that is closing takes nothing any more."""
        if self.broken:
            return
        with suppress(ConnectionError):
            match kind:
                case "json" | "near":
                    text = json.dumps(what).replace("ROOM", self._room)
                    self._note(json.loads(text))
                    await self._wire.send_str(text)
                case "text":
                    with suppress(ValueError, RecursionError):
                        self._note(json.loads(what))
                    await self._wire.send_str(what)
                case "binary":
                    await self._wire.send_bytes(what)
                case "control":
                    await self._wire.ping(what)
                    await self._wire.pong(what)
                case "burst":
                    for number in range(what):
                        self.asked.append(10_000 + number)
                        await self._wire.send_str(json.dumps({"id": 10_000 + number, "op": "ping"}))
                case _:
                    await self._tear(what)

    async def _tear(self, what: bytes | None) -> None:
        self.broken = True
        transport = self._wire._conn.transport if self._wire._conn is not None else None
        if transport is None or transport.is_closing():
            return
        if what is None:
            transport.write_eof()
        else:
            transport.write(what)

    def _note(self, value: Any) -> None:
        if isinstance(value, dict) and isinstance(value.get("op"), str) and _is_id(value.get("id")):
            self.asked.append(int(value["id"]))

    async def ended(self) -> int | None:
        """Wait until everything is answered or the socket is closed; return the close code, None while it is open."""
        while len(self.answers) < len(self.asked) and not (self.broken or self._reading.done()):
            await asyncio.sleep(0.005)
        still_open = not self._reading.done() and not self.broken
        if still_open:
            await self._wire.ping()
        code = None if still_open else self._wire.close_code
        connection = self._wire._conn
        if self.broken and connection is not None and connection.transport is not None:
            # Nobody would answer a farewell here.
            connection.transport.abort()
        await self._wire.close()
        await self._reading
        return code


def _is_id(value: Any) -> bool:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and 0 <= value <= 2**53


def check(fuzzed: Fuzzed, code: int | None) -> None:
    """See whether the server kept its word."""
    answered = [answer["re"] for answer in fuzzed.answers]
    if code is None and not fuzzed.broken:
        assert answered == fuzzed.asked, "each is answered once, in order"
    else:
        assert answered == fuzzed.asked[: len(answered)]
        assert fuzzed.broken or code in ENDS, code
    for answer in fuzzed.answers:
        if (error := answer.get("error")) is not None:
            assert FOR_FAILURES + error["code"] in language("en").strings, error
            assert error["code"] != "internal"
            assert len(error["message"]) > 10, error
            assert error["message"].endswith("."), error
            assert error["code"] in WITHOUT_FIELD or error.get("field"), error


async def play(
    client: TestClient[Any, Any], ada: Visitor, room: str, script: list[tuple[str, Any]], greet: bool
) -> None:
    """Send a script, and see what comes back."""
    async with asyncio.timeout(SECONDS):
        wire = await client.ws_connect("/api/v1/socket", max_msg_size=0)
        fuzzed = Fuzzed(wire, room)
        if greet:
            await fuzzed.send("near", {"id": 0, "op": "hello", "token": ada.token})
        for kind, what in script:
            await fuzzed.send(kind, what)
        check(fuzzed, await fuzzed.ended())


async def others_notice_nothing(client: TestClient[Any, Any], ada: Visitor, room: str, rig: Rig) -> None:
    """A new socket is served as ever, and none is left of those before."""
    async with asyncio.timeout(SECONDS), client.ws_connect("/api/v1/socket", max_msg_size=0) as wire:
        socket = SocketClient(wire)
        await socket.ask("hello", token=ada.token)
        await socket.ask("follow", room=room)
        await socket.until("live", room=room)
        (sockets,) = [part.__self__ for part in rig.app.on_shutdown if "Sockets" in repr(part)]  # type: ignore[attr-defined]
        while len(sockets._open) > 1:
            await asyncio.sleep(0.01)


def test_whatever_is_sent(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    run: Any = loop.run_until_complete

    async def begin() -> tuple[Any, Rig, TestClient[Any, Any], Visitor, str]:
        context = rigged(tmp_path)
        rig = await context.__aenter__()
        client: TestClient[Any, Any] = TestClient(TestServer(rig.app))
        await client.start_server()
        ada = await visitor(rig, client, "ada")
        room = (await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201))["id"]
        for number in range(20):
            await ada.say(room, f"line {number}")
        return context, rig, client, ada, room

    async def end(context: Any, client: TestClient[Any, Any]) -> None:
        await client.close()
        await context.__aexit__(None, None, None)

    context, rig, client, ada, room = run(begin())

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(sent, max_size=8), st.booleans())
    @example([("burst", 400)], True)
    @example([("near", {"id": 1, "op": "follow", "room": "ROOM"}), ("half", None)], True)
    @example([("wire", b"\x81\x85\0\0\0\0hello")], True)
    @example([("wire", b"\xff\xff\xff")], False)
    @example([("near", {"id": 1, "op": "say", "room": "ROOM", "client_id": "\0", "text": "x"})], True)
    def fuzz(script: list[tuple[str, Any]], greet: bool) -> None:
        run(play(client, ada, room, script, greet))

    try:
        with capture_logs() as logs:
            fuzz()
            run(others_notice_nothing(client, ada, room, rig))
        assert [each for each in logs if each["log_level"] in ("error", "critical")] == []
    finally:
        run(end(context, client))
        loop.close()
