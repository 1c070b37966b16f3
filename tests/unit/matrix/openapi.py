"""Reads the specification's client-server OpenAPI files and says where a request departs from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlparse

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from ruamel.yaml import YAML

SPEC = Path(__file__).parents[3].parent / "shared" / "spec" / "api" / "client-server"


def require_spec() -> Path:
    """The folder of the files, or a skip that says where they were looked for."""
    if not SPEC.is_dir():
        reason = f"the specification's files are not at {SPEC}"
        print(f"skipped: {reason}")
        pytest.skip(reason)
    return SPEC


def _load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text("utf-8"))


@dataclass(frozen=True)
class Operation:
    """One method of one path: its file, and the JSON pointer to it."""

    file: Path
    pointer: str
    pattern: re.Pattern[str]
    method: str
    content: dict[str, Any]
    document: dict[str, Any]

    @property
    def wildcards(self) -> int:
        """How many parts of the path are parameters."""
        return self.pattern.pattern.count("[^/]")

    def parameters(self, place: str) -> dict[str, bool]:
        """The names of the parameters in "query", "path" or "header", and whether each is required."""
        found = (self._followed(item) for item in self.content.get("parameters", []))
        return {item["name"]: bool(item.get("required")) for item in found if item["in"] == place}

    def body_pointer(self) -> str | None:
        """The pointer to the schema of a JSON body, None where the operation has none."""
        kinds = self._followed(self.content.get("requestBody", {})).get("content", {})
        return f"{self.pointer}/requestBody/content/application~1json/schema" if "application/json" in kinds else None

    def has_body(self) -> bool:
        """Whether the operation takes any body."""
        return "requestBody" in self.content

    def _followed(self, item: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in item:
            return item
        there: Any = self.document
        for part in item["$ref"].removeprefix("#/").split("/"):
            there = there[part]
        return dict(there)


class Specification:
    """All operations of the client-server API."""

    def __init__(self, folder: Path) -> None:
        self.operations = [op for file in sorted(folder.glob("*.yaml")) for op in _operations(file)]
        self._registry: Registry[Any] = Registry(retrieve=_retrieve)  # type: ignore[call-arg]

    def find(self, method: str, path: str) -> list[Operation]:
        """The operations that a request may be for, of the most exact path (two files describe invitations)."""
        fits = [op for op in self.operations if op.method == method and op.pattern.fullmatch(path)]
        fewest = min((op.wildcards for op in fits), default=0)
        return [op for op in fits if op.wildcards == fewest]

    def body_faults(self, operation: Operation, body: Any) -> list[str]:
        """What is wrong with a JSON body."""
        schema = {"$ref": f"{operation.file.as_uri()}#{quote(operation.body_pointer() or '')}"}
        return [fault.message for fault in Draft202012Validator(schema, registry=self._registry).iter_errors(body)]


def _operations(file: Path) -> list[Operation]:
    document = _load(file)
    root = document["servers"][0]["variables"]["basePath"]["default"]
    found = []
    for path, methods in document["paths"].items():
        pattern = _pattern(root + path.strip())  # a path in the files ends with a space
        for method, content in methods.items():
            pointer = f"/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}"
            found.append(Operation(file, pointer, pattern, method.upper(), content, document))
    return found


def _pattern(path: str) -> re.Pattern[str]:
    escaped = re.escape(path).replace(r"/\{stateKey\}", "(?:/[^/]*)?")  # the slash before an empty key is optional
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", escaped))


def _retrieve(uri: str) -> Resource[Any]:
    return Resource.from_contents(_load(Path(unquote(urlparse(uri).path))), default_specification=DRAFT202012)
