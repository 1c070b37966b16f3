"""docs/api.md against the application: its endpoints, kinds and refusals are those that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from bridge.model.deliveries import DeliveryState
from bridge.model.events import KINDS
from bridge.web.api.log import WRITABLE
from tests.unit.web.rig import Rig
from tests.unit.web.test_strings import refused

DOCS = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
MACHINES = ("/api/", "/healthz/", "/metrics")


def routes(rig: Rig) -> set[tuple[str, str]]:
    """Return what the application answers to programs."""
    found = set()
    for route in rig.app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        if path.startswith(MACHINES) and route.method != "HEAD":
            found.add((route.method, path))
    return found


async def test_every_endpoint_is_documented_and_no_other(rig: Rig) -> None:
    documented = set(re.findall(r"^### `(GET|POST|PUT|PATCH|DELETE) (/[^`?]*)", DOCS, re.MULTILINE))
    assert documented == routes(rig)


def rows(heading: str) -> set[str]:
    """Return the first column of the table under a heading."""
    section = DOCS.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))


def test_the_lists_are_closed() -> None:
    assert rows("Kinds of events") == set(KINDS)
    assert rows("Kinds that can be written") == set(WRITABLE)
    assert rows("Delivery states") == set(get_args(DeliveryState))


def test_every_refusal_is_documented() -> None:
    assert rows("Errors") == refused() | {"http_error"}
