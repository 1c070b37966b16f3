"""Marks: known again when they come back, worth nothing when they are copied or changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.ids import RoomId
from bridge.networks.matrix.marker import DELIVERY, PORTAL, Marker
from tests.unit.matrix.deliveries import LINK, ROOM, outgoing

MARKER = Marker("installation", "secret")
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def marked(**changes: Any) -> dict[str, Any]:
    """A true mark as it comes back from the wire, with some fields changed."""
    content: dict[str, Any] = json.loads(json.dumps(MARKER.delivery(outgoing(version=2, part=1))))
    content[DELIVERY].update(changes)
    return content


def test_a_mark_tells_which_delivery_and_version_it_was() -> None:
    read = MARKER.read_delivery(marked())
    assert read is not None
    key, version = read
    assert (key.link, key.room, key.seq, key.part, version) == (LINK, ROOM, 7, 1, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 8},
        {"part": 0},
        {"version": 3},
        {"link": "l2"},
        {"room": "r2"},
        {"origin": "irc"},
        {"hops": 0},
        {"mac": "0" * 32},
        {"mac": ""},
        {"mac": None},
        {"mac": "é"},
        {"seq": "7"},
        {"seq": 7.0},
        {"seq": True},
        {"seq": 10**400},
        {"seq": -1},
        {"link": None},
    ],
    ids=str,
)
def test_a_mark_that_was_changed_is_none(change: dict[str, Any]) -> None:
    assert MARKER.read_delivery(marked(**change)) is None


def test_another_installations_mark_is_none() -> None:
    for other in (Marker("other", "secret"), Marker("installation", "other secret")):
        assert other.read_delivery(marked()) is None


@given(JSON)
def test_whatever_stands_there_is_read_without_harm(value: Any) -> None:
    assert MARKER.read_delivery({DELIVERY: value}) is None
    assert MARKER.hops({DELIVERY: value}) == 0 or isinstance(value, dict)
    assert not MARKER.is_portal({PORTAL: value}, RoomId("r1"))


@given(st.sampled_from(["link", "room", "seq", "part", "version", "origin", "hops", "mac"]), JSON)
def test_any_field_of_any_type_is_read_without_harm(name: str, value: Any) -> None:
    content = marked(**{name: value})
    assert MARKER.read_delivery(content) is None or content == marked()


@pytest.mark.parametrize(
    ("mark", "hops"), [({"hops": 3}, 3), ({"hops": "3"}, 0), ({"hops": -1}, 0), ({"hops": True}, 0), ({}, 0), (7, 0)]
)
def test_hops_are_read_from_anybodys_mark(mark: Any, hops: int) -> None:
    assert MARKER.hops({DELIVERY: mark}) == hops


def test_transaction_ids_are_the_same_for_the_same_send_only() -> None:
    first = MARKER.txn_id(outgoing(), "@a:hs")
    assert MARKER.txn_id(outgoing("other words"), "@a:hs") == first
    others = [
        MARKER.txn_id(outgoing(), "@b:hs"),
        MARKER.txn_id(outgoing(version=1), "@a:hs"),
        MARKER.txn_id(outgoing(part=1), "@a:hs"),
        MARKER.txn_id(outgoing(seq=8), "@a:hs"),
        MARKER.txn_id(outgoing(link="l2"), "@a:hs"),
        Marker("other", "secret").txn_id(outgoing(), "@a:hs"),
        MARKER.txn_id(outgoing(seq=77, part=1), "@a:hs"),
        MARKER.txn_id(outgoing(seq=7, part=71), "@a:hs"),
    ]
    assert len({first, *others}) == 1 + len(others)
    assert first.isalnum()


def test_a_portals_mark_is_that_of_one_room() -> None:
    mark = MARKER.portal(RoomId("r1"))
    assert MARKER.is_portal(mark, RoomId("r1"))
    assert not MARKER.is_portal(mark, RoomId("r2"))
    assert not MARKER.is_portal({PORTAL: {**mark[PORTAL], "room": "r2"}}, RoomId("r2"))
    assert not Marker("installation", "other").is_portal(mark, RoomId("r1"))
    assert not MARKER.is_portal({}, RoomId("r1"))
