"""Checks every answer of the application service API against the OpenAPI files of the Matrix specification."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from ruamel.yaml import YAML
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure

from tests.unit.matrix.serving import ALIAS, BEARER, TOKEN, USER, Recording, serve

SPEC = Path(__file__).parents[2].parent / "shared" / "spec"
API = SPEC / "api" / "application-service"
V1 = "/_matrix/app/v1"
FILES = ("transactions", "ping", "query_user", "query_room", "protocols")
STATUSES = ("400", "401", "403", "404", "405", "413")

if not API.is_dir():
    pytest.skip(f"the specification's data is not beside the project: no {API}", allow_module_level=True)


def load(path: Path, fragment: str = "") -> Any:
    """A YAML file of the specification, or the part of it that the fragment names, with every reference put in."""
    content = YAML(typ="safe").load(path.read_text())
    for key in filter(None, fragment.split("/")):
        content = content[key]
    return inline(content, path.parent)


def inline(node: Any, folder: Path) -> Any:
    """Replace each `$ref`. Examples go: they hold references of their own, that are no schemas."""
    if isinstance(node, list):
        return [inline(item, folder) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        file, _, fragment = node["$ref"].partition("#")
        # References of the API files to event schemas lead out of `api`, as do those of the published layout.
        return load((folder / file).resolve(), fragment)
    return {key: inline(item, folder) for key, item in node.items() if key not in ("example", "examples", "$schema")}


def bundle() -> dict[str, Any]:
    """The five files as one document.

    They leave out what holds for every endpoint of Matrix, the standard error answers; those are added. They also
    do not say that a transaction must have a body, though its `events` are required.
    """
    paths: dict[str, Any] = {}
    for file in FILES:
        document = load(API / f"{file}.yaml")
        paths |= document["paths"]
    paths["/transactions/{txnId}"]["put"]["requestBody"]["required"] = True
    error = load(SPEC / "api" / "client-server" / "definitions" / "errors" / "error.yaml")
    for operations in paths.values():
        for operation in operations.values():
            for status in STATUSES:
                content = {"application/json": {"schema": error}}
                operation["responses"].setdefault(status, {"description": "a standard error", "content": content})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Matrix Application Service API", "version": "1"},
        "servers": [{"url": V1}],
        "paths": paths,
        "components": {"securitySchemes": load(API / "definitions" / "security.yaml")},
    }


DOCUMENT = bundle()


def schema(mode: str) -> Any:
    """The bundle as schemathesis has it; `mode` says whether it makes valid or broken requests."""
    return schemathesis.openapi.from_dict(DOCUMENT, config=SchemathesisConfig.from_dict({"generation": {"mode": mode}}))


VALID, BROKEN = schema("positive"), schema("negative")
Cases = Callable[[Callable[[Any, str], None]], Callable[..., None]]
valid_cases: Cases = VALID.parametrize()
broken_cases: Cases = BROKEN.parametrize()
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


class Server(threading.Thread):
    """The server on an event loop of its own, since schemathesis calls it with a blocking client."""

    def __init__(self) -> None:
        super().__init__(name="appservice under test")
        self.started = threading.Event()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()

    def run(self) -> None:
        """Serve until `stop`; runs in the thread."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as loop:
            loop.run(self._serve())

    def stop(self) -> None:
        """End the server and wait until it is gone."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self.join()

    async def _serve(self) -> None:
        async with serve(Recording()) as served:
            self.port = served.port
            self.started.set()
            await self._ended.wait()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a running server, up to and with the API's prefix."""
    server = Server()
    server.start()
    try:
        assert server.started.wait(10), "the server did not start"
        yield f"http://127.0.0.1:{server.port}{V1}"
    finally:
        server.stop()


def test_the_bundle_is_the_whole_api() -> None:
    operations = {f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert operations == {
        "PUT /transactions/{txnId}",
        "POST /ping",
        "GET /users/{userId}",
        "GET /rooms/{roomAlias}",
        "GET /thirdparty/protocol/{protocol}",
        "GET /thirdparty/user/{protocol}",
        "GET /thirdparty/location/{protocol}",
        "GET /thirdparty/location",
        "GET /thirdparty/user",
    }
    assert "$ref" not in str(DOCUMENT)


@valid_cases
@FUZZ
def test_valid_requests_are_answered_as_specified(case: Any, url: str) -> None:
    case.call_and_validate(base_url=url, headers=BEARER)


@broken_cases
@FUZZ
def test_broken_requests_are_answered_as_specified(case: Any, url: str) -> None:
    # One check does not fit: an event that breaks its schema is left out, it never fails its transaction.
    checks = schemathesis.checks
    case.call_and_validate(base_url=url, headers=BEARER, excluded_checks=[checks.negative_data_rejection])


TRANSACTION = ("PUT", "/transactions/{txnId}", {"txnId": "1"})
KNOWN_USER = ("GET", "/users/{userId}", {"userId": USER})
KNOWN_ALIAS = ("GET", "/rooms/{roomAlias}", {"roomAlias": ALIAS})
EVERY = [
    TRANSACTION,
    KNOWN_USER,
    KNOWN_ALIAS,
    ("POST", "/ping", {}),
    *(("GET", f"/thirdparty/{kind}/{{protocol}}", {"protocol": "irc"}) for kind in ("protocol", "user", "location")),
    *(("GET", f"/thirdparty/{kind}", {}) for kind in ("user", "location")),
]


def send(url: str, operation: tuple[str, str, dict[str, str]], **changes: Any) -> tuple[int, Any]:
    """Make this call, check the answer against the schema of its status, and give status and body."""
    method, path, parameters = operation
    headers = changes.pop("headers", BEARER)
    described = VALID[path][method]
    arguments = {"body": {"events": []}, "media_type": "application/json"} if method == "PUT" else {}
    case = described.Case(
        path_parameters={key: quote(value, safe="") for key, value in parameters.items()}, **{**arguments, **changes}
    )
    response = case.call(base_url=url, headers=headers)
    described.validate_response(response)
    assert response.headers["content-type"] == ["application/json"]
    assert str(response.status_code) in DOCUMENT["paths"][path][method.lower()]["responses"]
    return response.status_code, response.json()


@pytest.mark.parametrize("operation", EVERY, ids=lambda operation: operation[1])
@pytest.mark.parametrize(
    ("headers", "status", "errcode"),
    [({}, 401, "M_UNAUTHORIZED"), ({"Authorization": f"Bearer {TOKEN}x"}, 403, "M_FORBIDDEN")],
)
def test_refused_tokens(
    url: str, operation: tuple[str, str, dict[str, str]], headers: dict[str, str], status: int, errcode: str
) -> None:
    got, body = send(url, operation, headers=headers)
    assert (got, body["errcode"]) == (status, errcode)


@pytest.mark.parametrize(
    ("operation", "changes", "status"),
    [
        (TRANSACTION, {}, 200),
        (TRANSACTION, {"body": {"events": [1, {}, {"event_id": 5}], "ephemeral": 7}}, 200),
        (TRANSACTION, {"body": {"events": {}}}, 400),
        (TRANSACTION, {"body": []}, 400),
        (TRANSACTION, {"body": {"events": [], "x": "x" * (16 * 1024 * 1024)}}, 413),
        (KNOWN_USER, {}, 200),
        (("GET", "/users/{userId}", {"userId": "@x:y"}), {}, 404),
        (KNOWN_ALIAS, {}, 200),
        (("GET", "/rooms/{roomAlias}", {"roomAlias": "#x:y"}), {}, 404),
        (EVERY[3], {}, 200),
        (EVERY[3], {"body": {"transaction_id": "x"}, "media_type": "application/json"}, 200),
        (EVERY[3], {"body": {"transaction_id": 5}, "media_type": "application/json"}, 400),
        (EVERY[4], {}, 404),
        *((operation, {}, 200) for operation in EVERY[5:]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_answer_has_the_specified_form(
    url: str, operation: tuple[str, str, dict[str, str]], changes: dict[str, Any], status: int
) -> None:
    assert send(url, operation, **changes)[0] == status


def test_an_answer_of_another_form_would_be_noticed(url: str) -> None:
    changed = copy.deepcopy(DOCUMENT)
    answers = changed["paths"]["/users/{userId}"]["get"]["responses"]
    answers["200"]["content"]["application/json"]["schema"]["required"] = ["never_there"]
    described = schemathesis.openapi.from_dict(changed)["/users/{userId}"]["GET"]
    response = described.Case(path_parameters={"userId": quote(USER)}).call(base_url=url, headers=BEARER)
    with pytest.raises(Failure, match="never_there"):
        described.validate_response(response)
