"""The exact answers of the application service API: routes, tokens, queries, ping, faults, and what is logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from bridge.networks.matrix.door import Limits
from bridge.networks.matrix.server import routes
from tests.unit.matrix.serving import ALIAS, BEARER, TOKEN, USER, Recording, Served, serve

V1 = "/_matrix/app/v1"
UNSTABLE = "/_matrix/app/unstable"
KNOWN_USER, KNOWN_ALIAS = quote(USER, safe=""), quote(ALIAS, safe="")
EMPTY = b'{"events":[]}'


@pytest.fixture
def appservice() -> Recording:
    return Recording()


@pytest.fixture
async def served(appservice: Recording) -> AsyncIterator[Served]:
    async with serve(appservice) as running:
        yield running


def code(body: object) -> str:
    """The errcode of an error body, which holds a text for people too and nothing else."""
    assert isinstance(body, dict)
    assert set(body) == {"errcode", "error"}
    assert body["error"]
    return str(body["errcode"])


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "expected"),
    [
        ("PUT", f"{V1}/transactions/1", EMPTY, 200, {}),
        ("PUT", "/transactions/1", EMPTY, 200, {}),
        ("GET", f"{V1}/users/{KNOWN_USER}", None, 200, {}),
        ("GET", f"/users/{KNOWN_USER}", None, 200, {}),
        ("GET", f"{V1}/rooms/{KNOWN_ALIAS}", None, 200, {}),
        ("GET", f"/rooms/{KNOWN_ALIAS}", None, 200, {}),
        ("POST", f"{V1}/ping", b'{"transaction_id":"x"}', 200, {}),
        ("GET", f"{V1}/thirdparty/user", None, 200, []),
        ("GET", f"{V1}/thirdparty/user?userid=%40a%3Ab", None, 200, []),
        ("GET", f"{V1}/thirdparty/user/irc?nickname=a", None, 200, []),
        ("GET", f"{V1}/thirdparty/location", None, 200, []),
        ("GET", f"{V1}/thirdparty/location/irc?channel=%23a", None, 200, []),
        ("GET", f"{UNSTABLE}/thirdparty/user", None, 200, []),
        ("GET", f"{UNSTABLE}/thirdparty/location/irc", None, 200, []),
    ],
)
async def test_answers_what_is_served(
    served: Served, method: str, path: str, data: bytes | None, status: int, expected: object
) -> None:
    assert await served.call(method, path, data=data) == (status, expected)


@pytest.mark.parametrize(
    ("method", "path", "status", "errcode"),
    [
        ("GET", f"{V1}/users/{quote('@rialto_unknown:example.org')}", 404, "M_NOT_FOUND"),
        ("GET", f"/users/{quote('@rialto_unknown:example.org')}", 404, "M_NOT_FOUND"),
        ("GET", f"{V1}/rooms/{quote('#unknown:example.org')}", 404, "M_NOT_FOUND"),
        ("GET", f"{V1}/thirdparty/protocol/irc", 404, "M_NOT_FOUND"),
        ("GET", f"{UNSTABLE}/thirdparty/protocol/irc", 404, "M_NOT_FOUND"),
        ("GET", "/", 404, "M_UNRECOGNIZED"),
        ("GET", f"{V1}/nothing", 404, "M_UNRECOGNIZED"),
        ("PUT", f"{V1}/transactions/", 404, "M_UNRECOGNIZED"),
        ("PUT", f"{V1}/transactions/1/2", 404, "M_UNRECOGNIZED"),
        ("POST", f"{UNSTABLE}/ping", 404, "M_UNRECOGNIZED"),
        ("POST", f"{V1}/transactions/1", 405, "M_UNRECOGNIZED"),
        ("GET", f"{V1}/transactions/1", 405, "M_UNRECOGNIZED"),
        ("GET", f"{V1}/ping", 405, "M_UNRECOGNIZED"),
        ("PUT", f"{V1}/users/{KNOWN_USER}", 405, "M_UNRECOGNIZED"),
        ("DELETE", f"/rooms/{KNOWN_ALIAS}", 405, "M_UNRECOGNIZED"),
        ("POST", f"{V1}/thirdparty/user", 405, "M_UNRECOGNIZED"),
        ("PUT", f"{V1}/transactions/a%00b", 400, "M_INVALID_PARAM"),
    ],
)
async def test_refuses_with_a_matrix_error(served: Served, method: str, path: str, status: int, errcode: str) -> None:
    got, body = await served.call(method, path)
    assert (got, code(body)) == (status, errcode)


async def test_a_wrong_method_is_told_the_right_one_even_for_head(served: Served) -> None:
    async with served.session.head(f"{V1}/users/{KNOWN_USER}", headers=BEARER) as got:
        assert (got.status, got.headers["Allow"], got.content_type) == (405, "GET", "application/json")


WRONG = "hs-token-of-the-testz"
REQUESTS = [
    ("PUT", f"{V1}/transactions/1"),
    ("PUT", "/transactions/1"),
    ("GET", f"{V1}/users/{KNOWN_USER}"),
    ("GET", f"/rooms/{KNOWN_ALIAS}"),
    ("POST", f"{V1}/ping"),
    ("GET", f"{V1}/thirdparty/protocol/irc"),
    ("GET", f"{UNSTABLE}/thirdparty/user"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize(
    ("header", "query", "status", "errcode"),
    [
        (None, "", 401, "M_UNAUTHORIZED"),
        (f"Bearer {WRONG}", "", 403, "M_FORBIDDEN"),
        (f"Bearer {TOKEN}x", "", 403, "M_FORBIDDEN"),
        (f"Bearer {TOKEN[:-1]}", "", 403, "M_FORBIDDEN"),
        ("Bearer", "", 403, "M_FORBIDDEN"),
        (f"Basic {TOKEN}", "", 403, "M_FORBIDDEN"),
        (TOKEN, "", 403, "M_FORBIDDEN"),
        ("Bearer gr\u00fc\u00df \U0001f600", "", 403, "M_FORBIDDEN"),
        (None, f"access_token={WRONG}", 403, "M_FORBIDDEN"),
        (None, "access_token=", 403, "M_FORBIDDEN"),
        (None, "access_token=%F0%9F%98%80%FF", 403, "M_FORBIDDEN"),
        (None, f"access_token={TOKEN}&access_token={WRONG}", 403, "M_FORBIDDEN"),
        (f"Bearer {TOKEN}", f"access_token={WRONG}", 403, "M_FORBIDDEN"),
        (f"Bearer {WRONG}", f"access_token={TOKEN}", 403, "M_FORBIDDEN"),
    ],
)
async def test_no_request_passes_without_the_token(
    served: Served,
    appservice: Recording,
    method: str,
    path: str,
    header: str | None,
    query: str,
    status: int,
    errcode: str,
) -> None:
    headers = {} if header is None else {"Authorization": header}
    got, body = await served.call(method, f"{path}?{query}", data=EMPTY if method == "PUT" else None, headers=headers)
    assert (got, code(body)) == (status, errcode)
    assert (appservice.transactions, appservice.asked, appservice.pings) == ([], [], [])


@pytest.mark.parametrize(
    ("header", "query"),
    [
        (f"Bearer {TOKEN}", ""),
        (f"bearer  {TOKEN} ", ""),
        (None, f"access_token={TOKEN}"),
        (f"Bearer {TOKEN}", f"access_token={TOKEN}"),
    ],
)
async def test_the_token_is_taken_from_header_and_query(served: Served, header: str | None, query: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    assert await served.call("PUT", f"/transactions/1?{query}", data=EMPTY, headers=headers) == (200, {})


def test_an_empty_token_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="hs_token"):
        routes(Recording(), hs_token="")


@pytest.mark.parametrize("txn_id", ["35", "a/b", "../ping", "{x}", "100% sure?&#", "\n", "\u6c49\U0001f600"])
async def test_a_transaction_id_arrives_as_it_was_sent(served: Served, appservice: Recording, txn_id: str) -> None:
    # Raw bytes, because client libraries normalise paths on their own.
    path = f"{V1}/transactions/{quote(txn_id, safe='')}".encode()
    head = b"PUT %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n" % (path, TOKEN.encode())
    answer = await served.raw(head + b"Content-Length: %d\r\n\r\n%s" % (len(EMPTY), EMPTY))
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert [txn.txn_id for txn in appservice.transactions] == [txn_id]


@pytest.mark.parametrize("user_id", ["nobody", "@", "@nocolon", "@x:", "#x:y", "@a\0:b", "@" + "a" * 255 + ":b"])
async def test_what_cannot_be_a_user_is_not_asked_for(served: Served, appservice: Recording, user_id: str) -> None:
    status, body = await served.call("GET", f"{V1}/users/{quote(user_id, safe='')}")
    assert (status, code(body), appservice.asked) == (404, "M_NOT_FOUND", [])


@pytest.mark.parametrize("name", ["@a/b:x.org", "@{a}:x.org", "@\u6c49:x.org", "@a:[::1]:8448", "@a%2Fb:x"])
async def test_a_user_id_arrives_as_it_was_sent(served: Served, appservice: Recording, name: str) -> None:
    path = f"{V1}/users/{quote(name, safe='')}".encode()
    answer = await served.raw(
        b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n" % (path, TOKEN.encode())
    )
    assert answer.startswith(b"HTTP/1.1 404 "), answer
    assert appservice.asked == [name]


@pytest.mark.parametrize("path", [f"{V1}/users/{KNOWN_USER}", f"{V1}/rooms/{KNOWN_ALIAS}"])
async def test_a_query_that_takes_too_long_is_answered_504(appservice: Recording, path: str) -> None:
    appservice.gate.clear()
    async with serve(appservice, Limits(query_seconds=0.05)) as served:
        status, body = await served.call("GET", path)
        assert (status, code(body)) == (504, "M_UNKNOWN")
        appservice.gate.set()
        assert await served.call("GET", path) == (200, {})


@pytest.mark.parametrize(
    ("method", "path"), [*REQUESTS[:5], ("GET", f"{V1}/rooms/{KNOWN_ALIAS}"), ("GET", f"/users/{KNOWN_USER}")]
)
@pytest.mark.parametrize(
    "fault", [RuntimeError("the database says SECRET"), TimeoutError("SECRET"), KeyError("SECRET")]
)
async def test_a_fault_of_ours_is_500_without_its_text(
    served: Served,
    appservice: Recording,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    fault: Exception,
) -> None:
    appservice.fault = fault
    data = EMPTY if method == "PUT" else None
    status, body = await served.call(method, path, data=data)
    assert (status, code(body)) == (500, "M_UNKNOWN")
    assert "SECRET" not in str(body)
    [record] = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[1] is fault
    # What failed can be found in the log: the path names the transaction, the user or the alias.
    assert path.rsplit("/", 1)[1].replace("%3A", ":").replace("%40", "@").replace("%23", "#") in record.getMessage()
    appservice.fault = None
    assert await served.call(method, path, data=data) == (200, {})


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"", None), (b" \n", None), (b"{}", None), (b'{"transaction_id":"mine","x":1}', "mine")],
)
async def test_a_ping_hands_on_its_transaction_id(
    served: Served, appservice: Recording, body: bytes, expected: str | None
) -> None:
    assert await served.call("POST", f"{V1}/ping", data=body) == (200, {})
    assert appservice.pings == [expected]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"{", "M_NOT_JSON"),
        (b"[" * 100_000, "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b'{"transaction_id":1}', "M_BAD_JSON"),
        (b'{"transaction_id":null}', "M_BAD_JSON"),
        (b'{"transaction_id":1', "M_NOT_JSON"),
    ],
)
async def test_a_malformed_ping_is_refused(served: Served, appservice: Recording, body: bytes, errcode: str) -> None:
    status, answer = await served.call("POST", f"{V1}/ping", data=body)
    assert (status, code(answer), appservice.pings) == (400, errcode, [])


async def test_a_token_is_never_logged(
    served: Served, appservice: Recording, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    query = f"access_token={TOKEN}"
    assert await served.call("PUT", f"/transactions/9?{query}", data=EMPTY, headers={}) == (200, {})
    assert (await served.call("PUT", f"/transactions/9?{query}", data=b"{", headers={}))[0] == 400
    assert (await served.call("PUT", f"/nowhere?{query}", data=EMPTY, headers={}))[0] == 404
    assert (await served.call("PUT", f"/transactions/9?{query}&access_token=x", data=EMPTY, headers={}))[0] == 403
    appservice.fault = RuntimeError("broken")
    assert (await served.call("PUT", f"/transactions/9?{query}", data=EMPTY))[0] == 500
    # Requests that are no HTTP: the library quotes the line or header at fault.
    for broken in (f"GET /a b?{query} HTTP/1.1\r\nHost: x\r\n\r\n", f"GET / HTTP/1.1\r\nA: Bearer {TOKEN}\0\r\n\r\n"):
        assert (await served.raw(broken.encode())).startswith(b"HTTP/1.0 400 ")
    lines = [logging.Formatter().format(record) for record in caplog.records]
    assert any("PUT '/transactions/9' -> 200" in line for line in lines), "the access log was not written"
    assert sum("Error handling request" in line for line in lines) == 2
    assert not [line for line in lines if TOKEN in line]
    captured = capsys.readouterr()
    assert TOKEN not in captured.out + captured.err


async def test_a_homeserver_that_hangs_up_does_not_undo_the_commit() -> None:
    entered, release, committed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Slow(Recording):
        async def transaction(self, txn: object) -> None:
            entered.set()
            await release.wait()
            committed.set()

    async with serve(Slow()) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = b"PUT /transactions/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n" % TOKEN.encode()
        writer.write(head + b"Content-Length: %d\r\n\r\n%s" % (len(EMPTY), EMPTY))
        await entered.wait()
        writer.transport.abort()
        # The server has seen the end of the connection once it answers another one.
        assert await served.call("POST", f"{V1}/ping") == (200, {})
        release.set()
        await asyncio.wait_for(committed.wait(), 10)
