"""Transactions as homeservers, and worse, may send them: what is refused, what is left out, what always arrives."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.networks.matrix.door import Limits
from bridge.networks.matrix.server import REJECTED
from tests.unit.matrix.serving import BEARER, TOKEN, Recording, Served, serve

GOOD: dict[str, Any] = {
    "event_id": "$good",
    "room_id": "!room",
    "type": "m.room.message",
    "sender": "@alice:example.org",
    "content": {"msgtype": "m.text", "body": "hello \u6c49 \U0001f600"},
}
GOOD_RAW = json.dumps(GOOD, ensure_ascii=False).encode()


@pytest.fixture
def appservice() -> Recording:
    return Recording()


@pytest.fixture
async def served(appservice: Recording) -> AsyncIterator[Served]:
    async with serve(appservice) as running:
        yield running


def event(**changes: object) -> dict[str, Any]:
    return {**GOOD, **changes}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != field}


async def test_an_event_keeps_its_own_bytes(served: Served, appservice: Recording) -> None:
    odd = b'{ "type":"m.x" , "sender":"@a:b",\n"event_id":"$1","z":1e999, "room_id":"!r" ,"n":' + b"9" * 400 + b"}"
    assert await served.put(b'{"unknown":{"a":[1]},"events": [ ' + odd + b" , " + GOOD_RAW + b" ] }", "77") == (200, {})
    [txn] = appservice.transactions
    assert txn.txn_id == "77"
    assert [entry.raw for entry in txn.events] == [odd, GOOD_RAW]
    first, second = txn.events
    assert (first.event_id, first.room_id, first.type, first.sender) == ("$1", "!r", "m.x", "@a:b")
    assert (second.event_id, second.sender) == ("$good", "@alice:example.org")
    assert (txn.ephemeral, txn.to_device, txn.rejected) == ([], [], [])


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"", "M_NOT_JSON"),
        (b"nonsense", "M_NOT_JSON"),
        (b'{"events":[]', "M_NOT_JSON"),
        (b'{"events":[],}', "M_NOT_JSON"),
        (b'{"events":[]} {}', "M_NOT_JSON"),
        (b"{'events':[]}", "M_NOT_JSON"),
        (b'{"events":[NaN]}', "M_NOT_JSON"),
        (b'{"events":5, "x":', "M_NOT_JSON"),
        (b'\xef\xbb\xbf{"events":[]}', "M_NOT_JSON"),
        (b"\xff\xfe\x00", "M_NOT_JSON"),
        (b"\0", "M_NOT_JSON"),
        (b"[" * 100_000, "M_NOT_JSON"),
        (b'{"events":' * 100_000, "M_NOT_JSON"),
        (b'{"events":[' + b"[" * 100_000, "M_NOT_JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "M_BAD_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b"null", "M_BAD_JSON"),
        (b'"text"', "M_BAD_JSON"),
        (b"1e999", "M_BAD_JSON"),
        (b"{}", "M_BAD_JSON"),
        (b'{"ephemeral":[]}', "M_BAD_JSON"),
        (b'{"events":null}', "M_BAD_JSON"),
        (b'{"events":{}}', "M_BAD_JSON"),
        (b'{"events":"[]"}', "M_BAD_JSON"),
        (b'{"events":[],"events":1}', "M_BAD_JSON"),
    ],
)
async def test_a_body_that_is_no_transaction_is_refused(
    served: Served, appservice: Recording, body: bytes, errcode: str
) -> None:
    status, answer = await served.put(body)
    assert isinstance(answer, dict)
    assert (status, answer["errcode"]) == (400, errcode)
    assert appservice.transactions == []
    assert await served.put(b'{"events":[' + GOOD_RAW + b"]}") == (200, {})


DEEP = b'{"event_id":"$deep","room_id":"!r","type":"t","sender":"@a:b","content":' + b"[" * 9_000 + b"]" * 9_000 + b"}"


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (b"null", "not_an_object"),
        (b"5", "not_an_object"),
        (b"[]", "not_an_object"),
        (b'"{}"', "not_an_object"),
        (b"{}", "event_id_missing"),
        *((json.dumps(without(field)).encode(), f"{field}_missing") for field in ("event_id", "room_id", "sender")),
        (json.dumps(without("type")).encode(), "type_missing"),
        (json.dumps(event(event_id=5)).encode(), "event_id_not_text"),
        (json.dumps(event(room_id=None)).encode(), "room_id_not_text"),
        (json.dumps(event(type={"a": "b"})).encode(), "type_not_text"),
        (json.dumps(event(sender=["@a:b"])).encode(), "sender_not_text"),
        (b'{"event_id":1e999}', "event_id_not_text"),
        (json.dumps(event(event_id="")).encode(), "event_id_unusable"),
        (json.dumps(event(sender="@a\0:b")).encode(), "sender_unusable"),
        (json.dumps(event(type="t" * 256)).encode(), "type_unusable"),
        (DEEP, "too_deep"),
    ],
)
async def test_a_bad_event_is_left_out_and_the_others_arrive(
    served: Served, appservice: Recording, caplog: pytest.LogCaptureFixture, element: bytes, reason: str
) -> None:
    late = json.dumps(event(event_id="$late")).encode()
    assert await served.put(b'{"events":[' + b",".join([GOOD_RAW, element, late]) + b"]}", "t9") == (200, {})
    [txn] = appservice.transactions
    assert [entry.raw for entry in txn.events] == [GOOD_RAW, late]
    assert [(entry.reason, entry.raw) for entry in txn.rejected] == [(reason, element)]
    assert served.app[REJECTED] == {reason: 1}
    [record] = [entry for entry in caplog.records if entry.levelno == logging.WARNING]
    assert "'t9'" in record.getMessage()
    assert reason in record.getMessage()
    assert "hello" not in record.getMessage(), "what people wrote must stay out of the log"


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        # Duplicate keys: the last one counts, as it does for whoever decodes `raw` later.
        (b'{"event_id":1,"event_id":"$1","room_id":"!r","type":"t","sender":"@a:b"}', None),
        (b'{"event_id":"$0","event_id":"$1","room_id":"!r","type":"t","sender":"@a:b"}', None),
        (rb'{"event_id":"$1","room_id":"!r","type":"t","sender":"@a:b","x":"a\u0000b"}', None),
        (rb'{"event_id":"$1","room_id":"!r","type":"t","sender":"@a:b","x":"\ud83d\ude00"}', None),
        (rb'{"event_id":"$1","room_id":"!r","type":"t","sender":"@a:b","x":"\\ud83d"}', None),
        (
            rb'{"event_id":"$1","room_id":"!r","type":"t","sender":"@a:b","x":"\ud83d!\uDE00\\\ud800"}',
            rb'{"event_id":"$1","room_id":"!r","type":"t","sender":"@a:b","x":"\ufffd!\ufffd\\\ufffd"}',
        ),
        (
            b'{"event_id":"$1","room_id":"!r","type":"t","sender":"@a:b","x":"a\xffb"}',
            '{"event_id":"$1","room_id":"!r","type":"t","sender":"@a:b","x":"a\ufffdb"}'.encode(),
        ),
    ],
)
async def test_odd_texts_are_absorbed_and_what_arrives_can_be_decoded(
    served: Served, appservice: Recording, sent: bytes, arrives: bytes | None
) -> None:
    status, _ = await served.put(b'{"events":[' + sent + b"," + GOOD_RAW + b"]}")
    [txn] = appservice.transactions
    assert status == 200
    if sent.startswith(b'{"event_id":1,'):
        # A wrong type anywhere spoils the element, even where a later key would have mended it.
        assert [entry.reason for entry in txn.rejected] == ["unreadable"]
        assert [entry.raw for entry in txn.events] == [GOOD_RAW]
        return
    assert [entry.raw for entry in txn.events] == [arrives or sent, GOOD_RAW]
    assert txn.events[0].event_id == "$1"
    json.loads(txn.events[0].raw).get("x", "").encode()  # would raise on half a surrogate pair


TYPING, READ, KEY = b'{"type":"m.typing","room_id":"!r"}', b'{"type":"m.receipt"}', b'{"type":"m.room_key"}'


@pytest.mark.parametrize(
    ("extra", "ephemeral", "to_device", "reasons"),
    [
        (b'"ephemeral":[%s, %s]' % (TYPING, READ), [TYPING, READ], [], []),
        (b'"de.sorunome.msc2409.ephemeral":[%s]' % TYPING, [TYPING], [], []),
        (b'"de.sorunome.msc2409.ephemeral":[%s],"ephemeral":[%s]' % (TYPING, READ), [READ], [], []),
        (b'"de.sorunome.msc2409.ephemeral":[%s],"ephemeral":[]' % TYPING, [], [], []),
        (b'"to_device":[%s]' % KEY, [], [KEY], []),
        (b'"de.sorunome.msc2409.to_device":[%s]' % KEY, [], [KEY], []),
        (b'"to_device":[%s],"de.sorunome.msc2409.to_device":[{}]' % KEY, [], [KEY], []),
        (b'"ephemeral":{"a":1},"to_device":7', [], [], ["ephemeral_not_a_list", "to_device_not_a_list"]),
        (
            b'"ephemeral":[1,%s],"to_device":[[]]' % READ,
            [READ],
            [],
            ["ephemeral_not_an_object", "to_device_not_an_object"],
        ),
        (b'"ephemeral":[%s,%s]' % (DEEP, READ), [READ], [], ["too_deep"]),
        (b'"org.example.extra":%s' % DEEP, [], [], []),
        (b'"org.example.extra":[%s]' % DEEP, [], [], []),
    ],
)
async def test_what_travels_beside_the_events(
    served: Served,
    appservice: Recording,
    extra: bytes,
    ephemeral: list[bytes],
    to_device: list[bytes],
    reasons: list[str],
) -> None:
    assert await served.put(b'{%s,"events":[%s]}' % (extra, GOOD_RAW)) == (200, {})
    [txn] = appservice.transactions
    assert [entry.raw for entry in txn.events] == [GOOD_RAW]
    assert (txn.ephemeral, txn.to_device) == (ephemeral, to_device)
    assert [entry.reason for entry in txn.rejected] == reasons


def hundred_large_events() -> bytes:
    """The largest transaction that a homeserver makes: 100 events, each of the full 64 KiB."""
    events = []
    for number in range(100):
        raw = json.dumps(event(event_id=f"${number}", content={"body": ""})).encode()
        events.append(raw.replace(b'"body": ""', b'"body": "%s"' % (b"x" * (65_536 - len(raw)))))
    assert {len(raw) for raw in events} == {65_536}
    return b'{"events":[' + b",".join(events) + b"]}"


async def chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("how", ["whole", "chunked", "gzip"])
async def test_a_hundred_events_of_64_kib_are_accepted(served: Served, appservice: Recording, how: str) -> None:
    body = hundred_large_events()
    data = {"whole": io.BytesIO(body), "chunked": chunks(body, 100_000), "gzip": gzip.compress(body, 1)}[how]
    headers = {**BEARER, "Content-Encoding": "gzip"} if how == "gzip" else BEARER
    assert await served.call("PUT", "/transactions/1", data=data, headers=headers) == (200, {})
    [txn] = appservice.transactions
    assert [entry.event_id for entry in txn.events] == [f"${number}" for number in range(100)]
    assert {len(entry.raw) for entry in txn.events} == {65_536}


@pytest.mark.parametrize("how", ["whole", "chunked", "gzip"])
async def test_a_body_above_the_limit_is_413_and_the_queue_flows_on(appservice: Recording, how: str) -> None:
    async with serve(appservice, Limits(body_bytes=20_000)) as served:
        exact = b'{"events":[]' + b" " * 19_987 + b"}"
        assert len(exact) == 20_000
        for body, expected in ((exact, 200), (exact[:-1] + b" }", 413)):
            data = {"whole": body, "chunked": chunks(body, 1_000), "gzip": gzip.compress(body)}[how]
            headers = {**BEARER, "Content-Encoding": "gzip"} if how == "gzip" else BEARER
            status, answer = await served.call("PUT", "/transactions/1", data=data, headers=headers)
            assert status == expected
            assert isinstance(answer, dict)
            assert answer.get("errcode") == (None if status == 200 else "M_TOO_LARGE")
        assert await served.put(b'{"events":[]}') == (200, {})
        assert len(appservice.transactions) == 2


async def test_an_announced_length_above_the_limit_is_refused_before_it_is_sent(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    head = b"PUT /transactions/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n" % TOKEN.encode()
    writer.write(head + b"Content-Length: 99999999\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_never_ends_is_given_up(appservice: Recording) -> None:
    async with serve(appservice, Limits(body_seconds=0.05)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = b"PUT /transactions/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n" % TOKEN.encode()
        writer.write(head + b'Content-Length: 100\r\n\r\n{"events":')
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        assert (await reader.readuntil(b"}")).endswith(
            b'{"errcode":"M_UNKNOWN","error":"The body took too long to arrive."}'
        )
        writer.close()
        await writer.wait_closed()
        assert await served.put(b'{"events":[]}') == (200, {})
        assert len(appservice.transactions) == 1


@pytest.mark.parametrize("body", [b"not gzip at all", gzip.compress(b'{"events":[]}', mtime=0)[:15]], ids=["no", "cut"])
async def test_broken_compression_is_400(served: Served, appservice: Recording, body: bytes) -> None:
    headers = {**BEARER, "Content-Encoding": "gzip"}
    status, answer = await served.call("PUT", "/transactions/1", data=body, headers=headers)
    assert isinstance(answer, dict)
    assert (status, answer["errcode"], appservice.transactions) == (400, "M_NOT_JSON", [])


class Until(logging.Handler):
    """Sets `seen` at the first record whose message holds `text`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.seen = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.text in record.getMessage():
            self.seen.set()


async def test_a_homeserver_that_hangs_up_within_its_body_is_no_fault_of_ours(
    served: Served, appservice: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    access = Until("PUT '/transactions/1' -> 400")
    logger = logging.getLogger("bridge.networks.matrix.door")
    logger.addHandler(access)
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = b"PUT /transactions/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n" % TOKEN.encode()
        writer.write(head + b'Content-Length: 100\r\n\r\n{"events":')
        await writer.drain()
        # An answer on another connection shows that the server has come to the first one, too.
        assert await served.put(b'{"events":[]}', "2") == (200, {})
        writer.transport.abort()
        await asyncio.wait_for(access.seen.wait(), 10)
    finally:
        logger.removeHandler(access)
    assert [txn.txn_id for txn in appservice.transactions] == ["2"]
    assert [entry for entry in caplog.records if entry.name == logger.name and entry.levelno >= logging.ERROR] == []


TEXT = st.text(st.characters(codec=None), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
HEADS = st.fixed_dictionaries({}, optional=dict.fromkeys(("event_id", "room_id", "type", "sender", "content"), JSON))
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def wire(value: object) -> bytes:
    """JSON with all that Python's encoder lets through, half surrogate pairs included; no NaN, which is not JSON."""
    return json.dumps(value).replace("NaN", "0").replace("-Infinity", "1e999").replace("Infinity", "1e999").encode()


@FUZZ
@given(before=st.lists(JSON | HEADS, max_size=5), after=st.lists(JSON | HEADS, max_size=5), others=JSON)
async def test_a_good_event_arrives_whatever_surrounds_it(
    served: Served, appservice: Recording, before: list[object], after: list[object], others: object
) -> None:
    appservice.transactions.clear()
    events = b",".join([*map(wire, before), GOOD_RAW, *map(wire, after)])
    assert await served.put(
        b'{"ephemeral":%s,"to_device":%s,"events":[%s]}' % (wire(others), wire(others), events)
    ) == (
        200,
        {},
    )
    [txn] = appservice.transactions
    assert GOOD_RAW in [entry.raw for entry in txn.events]
    left_out = [entry for entry in txn.rejected if not entry.reason.startswith(("ephemeral", "to_device"))]
    assert len(txn.events) + len(left_out) == len(before) + len(after) + 1
    for entry in txn.events:
        assert json.loads(entry.raw)["event_id"] == entry.event_id


@FUZZ
@given(body=st.binary(max_size=200) | JSON.map(wire) | st.text(alphabet='{}[]",:\\u d8events019').map(str.encode))
async def test_no_body_is_a_fault_of_ours(served: Served, body: bytes) -> None:
    status, answer = await served.put(body)
    assert status in (200, 400)
    assert isinstance(answer, dict)
    assert answer == {} if status == 200 else answer["errcode"] in ("M_NOT_JSON", "M_BAD_JSON")


@FUZZ
@given(cut=st.integers(0, 400), junk=st.binary(max_size=6))
async def test_a_damaged_transaction_is_absorbed_or_refused(
    served: Served, appservice: Recording, cut: int, junk: bytes
) -> None:
    whole = b'{"ephemeral":[%s],"events":[%s,%s]}' % (TYPING, GOOD_RAW, GOOD_RAW)
    at = min(cut, len(whole))
    status, _ = await served.put(whole[:at] + junk + whole[at + len(junk) :])
    assert status in (200, 400)
    assert await served.put(whole) == (200, {})
    assert [entry.raw for entry in appservice.transactions[-1].events] == [GOOD_RAW, GOOD_RAW]
