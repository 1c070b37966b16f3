"""docs/api.md against the application: its endpoints, kinds and refusals are those that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from bridge.model.deliveries import DeliveryState
from bridge.model.events import KINDS
from bridge.store.markers import Badge
from bridge.web import socket
from bridge.web.api.log import WRITABLE
from bridge.web.socket import protocol
from bridge.web.socket.protocol import Close
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


ROW = re.compile(r"^\| `(\w+)` \| (.*?) \|", re.MULTILINE)


def test_the_socket_is_documented_as_it_is() -> None:
    section = DOCS.split("\n## The socket\n")[1].split("\n## ")[0]
    ops, events, closes = (
        {name: set(re.findall(r"`(\w+)`", fields)) for name, fields in ROW.findall(table)}
        for table in re.split(r"^\| (?:ev|close code) \|", section, flags=re.MULTILINE)
    )
    assert ops == {name: set(kind.__struct_fields__) - {"id"} for name, kind in protocol.KINDS.items()}
    assert events == told()
    assert closes.keys() == {str(int(code)) for code in Close} | {"1009"}


_EVENT = re.compile(r'protocol\.event\(\s*"(\w+)",([^()]*(?:\([^()]*\)[^()]*)*)\)')


def told() -> dict[str, set[str]]:
    """Return the frames that the code of the socket sends by itself, with the fields that it gives them."""
    found: dict[str, set[str]] = {}
    for path in Path(socket.__file__).parent.glob("*.py"):
        for name, fields in _EVENT.findall(path.read_text()):
            found.setdefault(name, set()).update(re.findall(r"(\w+)=", fields))
    found["badge"] = set(Badge.__struct_fields__)
    return found


def test_every_refusal_is_documented() -> None:
    assert rows("Errors") == refused() | {"http_error"}
