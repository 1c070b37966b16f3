"""Makes the OpenAPI document of the operations (OpenAPI 3.1, JSON Schema 2020-12)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from bridge import __version__
from bridge.web.api.operations import Operation
from bridge.web.api.reading import PATH_CHARS

REF = "#/components/schemas/{name}"
_JSON = "application/json"
_STATUS_TEXT = {200: "Done.", 201: "Made.", 202: "Taken.", 204: "Done.", 302: "Go on there.", 303: "Go on there."}


class Fault(msgspec.Struct, omit_defaults=True):
    """What went wrong: a code for programs, a text for people, and the field of the request that is at fault."""

    code: str
    message: str
    field: str | None = None


class Failure(msgspec.Struct):
    """The body of every refusal."""

    error: Fault


def document(operations: Iterable[Operation], *, url: str) -> dict[str, Any]:
    """Return the OpenAPI document; `url` is the web address of this server."""
    listed = list(operations)
    named = [kind for each in listed for kind in (each.body, each.query, each.answer) if kind is not None]
    types: set[type[msgspec.Struct]] = {Failure, *named}
    ordered = sorted(types, key=lambda kind: (kind.__module__, kind.__qualname__))
    schemas, components = msgspec.json.schema_components(ordered, ref_template=REF)
    by_type = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        paths.setdefault(operation.address, {})[operation.method.lower()] = _operation(operation, by_type, components)
    for query in {each.query for each in listed if each.query is not None}:
        components.pop(query.__name__, None)
    _without_nul(paths)
    _without_nul(components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rialto",
            "version": __version__,
            "summary": "Everything that the page does, a program can do.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in listed)],
        "security": [{"token": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "rialto_session"},
            },
        },
    }


def _without_nul(value: Any) -> None:
    """Say of every text that has no other rule for its characters what `reading` asks of all: no U+0000."""
    if isinstance(value, dict):
        if value.get("type") == "string" and not value.keys() & {"enum", "pattern", "contentEncoding", "const"}:
            value["pattern"] = "^[^\\u0000]*$"
        for inner in value.values():
            _without_nul(inner)
    elif isinstance(value, list):
        for inner in value:
            _without_nul(inner)


def _operation(operation: Operation, schemas: dict[type, Any], components: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, components)],
        "responses": _responses(operation, schemas),
    }
    if operation.door == "open":
        made["security"] = [{}]
    if operation.body is not None:
        made["requestBody"] = {"required": True, "content": {_JSON: {"schema": schemas[operation.body]}}}
    elif operation.media:
        binary = {"schema": {"type": "string", "contentEncoding": "binary"}}
        made["requestBody"] = {"required": True, "content": dict.fromkeys(operation.media, binary)}
    return made


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    of = {"type": "string", "minLength": 1, "maxLength": PATH_CHARS}
    names = re.findall(r"{(\w+)}", operation.path)
    return [{"name": name, "in": "path", "required": True, "schema": dict(of)} for name in names]


def _query_parameters(operation: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = components[operation.query.__name__]
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": of}
        for name, of in schema["properties"].items()
    ]


def _responses(operation: Operation, schemas: dict[type, Any]) -> dict[str, Any]:
    failure = {"content": {_JSON: {"schema": schemas[Failure]}}}
    answered: dict[str, Any] = {}
    if operation.answer is not None:
        answered["content"] = {_JSON: {"schema": schemas[operation.answer]}}
    elif operation.answers:
        answered["content"] = {kind: {} for kind in operation.answers}
    responses = {
        str(status): {"description": _STATUS_TEXT.get(status, "Done."), **answered}
        for status in (operation.status, *operation.also)
    }
    codes = ", ".join(f"`{code}`" for code in operation.refusals)
    responses["4XX"] = {"description": f"Refused{': ' + codes if codes else ''}.", **failure}
    if "provider_failed" in operation.refusals:
        responses["502"] = {"description": "Another server failed: `provider_failed`.", **failure}
    responses["503"] = {"description": "Try again in a moment.", **failure}
    return responses
