"""The frame of the API: bodies and queries are read by type, every fault names its field, the document is true."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
import pytest
from aiohttp import ClientSession, web
from msgspec import Meta
from yarl import URL

from bridge.model.errors import Refused
from bridge.web.api import reading
from bridge.web.listener import runner
from tests.unit.web.conftest import Client
from tests.unit.web.rig import Rig, Visitor


class Inner(msgspec.Struct):
    text: Annotated[str, Meta(min_length=1, max_length=3)]
    many: list[int] = []


class Outer(msgspec.Struct):
    name: str
    inner: Inner
    colour: Literal["red", "blue"] = "red"
    size: Annotated[int, Meta(ge=1, le=9)] | None = None


class Asked:
    """As much of a request as a body needs."""

    content_type = "application/json"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    async def read(self) -> bytes:
        return self._raw


async def refusal(raw: bytes) -> tuple[str, str | None, str]:
    with pytest.raises(Refused) as caught:
        await reading.body(Asked(raw), Outer)  # type: ignore[arg-type]
    return caught.value.reason_code, caught.value.field, caught.value.message


@pytest.mark.parametrize(
    ("raw", "code", "field", "words"),
    [
        (b"{}", "missing_field", "name", "name is missing"),
        (b'{"name":"a","inner":{}}', "missing_field", "inner.text", "inner.text is missing"),
        (b'{"name":1,"inner":{"text":"a"}}', "bad_field", "name", "name must be text"),
        (b'{"name":"a","inner":{"text":""}}', "bad_field", "inner.text", "at least 1 characters"),
        (b'{"name":"a","inner":{"text":"abcd"}}', "bad_field", "inner.text", "at most 3 characters"),
        (b'{"name":"a","inner":{"text":"a","many":["x"]}}', "bad_field", "inner.many[0]", "a whole number"),
        (b'{"name":"a","inner":{"text":"a"},"colour":"green"}', "bad_field", "colour", "one of: red, blue"),
        (b'{"name":"a","inner":{"text":"a"},"size":10}', "bad_field", "size", "at most 9"),
        (b'{"name":"a","inner":{"text":"a"},"size":"big"}', "bad_field", "size", "size must be a whole number."),
        (b'{"name":"a","inner":{"text":"a\\u0000"}}', "bad_field", "inner.text", "U+0000"),
        (b'{"name":"a","inner":{"text":"a"},"name":"b"}', "bad_field", "name", "give it once"),
        (b'{"name":"a","inner":{"text":"a"},"more":{"x":1,"x":2}}', "bad_field", "x", "give it once"),
        (b'{"name":"a","inner":{"text":"a"},"more":' + b"[" * 9000 + b"]" * 9000 + b"}", "bad_json", None, "deeply"),
        (b"[1]", "bad_json", None, "JSON object"),
        (b"{", "bad_json", None, "not JSON"),
        (b'{"name": "\xff"}', "bad_json", None, "not JSON"),
        (b"[" * 100_000, "bad_json", None, "JSON"),
    ],
)
async def test_a_fault_names_its_field_and_its_remedy(raw: bytes, code: str, field: str | None, words: str) -> None:
    found = await refusal(raw)
    assert found[:2] == (code, field)
    assert words in found[2]


async def test_what_is_not_known_is_ignored() -> None:
    raw = b'{"name":"a","inner":{"text":"abc","more":1},"else":[]}'
    read = await reading.body(Asked(raw), Outer)  # type: ignore[arg-type]
    assert read == Outer("a", Inner("abc"))


async def test_the_document_lists_every_route_of_the_api(rig: Rig, client: Client) -> None:
    answer = await client.get("/api/v1/openapi.json")
    document: dict[str, Any] = await answer.json()
    assert document["openapi"].startswith("3.1")
    listed = {(method.upper(), path) for path, found in document["paths"].items() for method in found}
    routed = {
        (route.method, route.resource.canonical)
        for route in rig.app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }
    unlisted = ("/openapi.json", "/docs", "/socket")
    assert listed == routed - {("GET", f"/api/v1{path}") for path in unlisted}
    names = [found["operationId"] for methods in document["paths"].values() for found in methods.values()]
    assert len(names) == len(set(names)) > 15
    assert "Failure" in document["components"]["schemas"]


@pytest.mark.parametrize(
    "name", ["%00", "%ED%A0%80", "%FF", "a%0Ab", "%E2%80%AE", "x" * 300, "..%2F..%2Fetc", "%25", "%E4%B8%AD", "~"]
)
async def test_an_odd_name_in_an_address_is_not_found(ada: Visitor, name: str) -> None:
    for path in (f"/api/v1/rooms/{name}", f"/api/v1/rooms/{name}/members/{name}/avatar"):
        response = await ada.ask("GET", URL(path, encoded=True))
        assert response.status == 404
        assert (await response.json())["error"]["code"] in ("not_found", "no_such_room")


async def test_a_name_of_the_query_is_given_once(ada: Visitor, room: str) -> None:
    error = (await ada.get(f"/api/v1/rooms/{room}/events?limit=1&limit=2", 400))["error"]
    assert (error["code"], error["field"]) == ("bad_field", "limit")
    assert len(await ada.events(room, "?else=1&else=2")) > 0


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_bodies_are_sent_as_they_are(rig: Rig, encoding: str) -> None:
    served = runner(rig.app)
    await served.setup()
    site = web.TCPSite(served, "127.0.0.1", 0)
    await site.start()
    try:
        async with ClientSession(base_url=site.name, skip_auto_headers=["Accept-Encoding"]) as session:
            headers = {"Content-Type": "application/json", "Content-Encoding": encoding, "Authorization": "Bearer x"}
            response = await session.post("/api/v1/login", data=b"no such thing", headers=headers, compress=False)
            assert response.status == 415
            assert "Content-Encoding" in (await response.json())["error"]["message"]
    finally:
        await served.cleanup()
