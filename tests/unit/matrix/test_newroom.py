"""Everything that we write to the homeserver is as the specification's event schemas want it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from ruamel.yaml import YAML

from bridge.core.pace import TokenBucket
from bridge.model.deliveries import Wording
from bridge.model.ids import PersonId, RoomId
from bridge.model.rooms import Room
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.marker import Marker
from bridge.networks.matrix.naming import Naming
from bridge.networks.matrix.newroom import BRIDGE_TYPES, bridge_info, creation
from bridge.networks.matrix.writer import Writer
from tests.unit.matrix.deliveries import outgoing
from tests.unit.matrix.openapi import Specification, require_spec

NAMING, MARKER = Naming("rialto", "hs"), Marker("installation", "secret")
ROOM = Room(RoomId("r1"), "piazza", "Piazza", "all of it", "", "public", PersonId("p1"), 0)


class Schemas:
    """The event schemas of the specification."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._registry: Registry[Any] = Registry(retrieve=_retrieve)  # type: ignore[call-arg]

    def faults(self, name: str, type: str, content: dict[str, Any], *, state_key: str | None = None) -> list[str]:
        """What is wrong with an event of this content."""
        event = {
            "type": type,
            "content": content,
            "event_id": "$1",
            "sender": "@rialto:hs",
            "room_id": "!r:hs",
            "origin_server_ts": 1,
        }
        if state_key is not None:
            event["state_key"] = state_key
        validator = Draft202012Validator({"$ref": (self._folder / f"{name}.yaml").as_uri()}, registry=self._registry)
        return [fault.message for fault in validator.iter_errors(event)]


def _retrieve(uri: str) -> Resource[Any]:
    contents = YAML(typ="safe", pure=True).load(
        Path(uri.removeprefix("file://").replace("%24", "$")).read_text("utf-8")
    )
    return Resource.from_contents(contents, default_specification=DRAFT202012)


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas(require_spec().parents[1] / "event-schemas" / "schema")


@pytest.fixture(scope="module")
def specification() -> Specification:
    return Specification(require_spec())


@pytest.fixture
def writer() -> Writer:
    client = HomeserverClient("http://127.0.0.1:1", "token", pace=TokenBucket(0, 1))
    return Writer(client, NAMING, MARKER, "http://rialto.example/")


@pytest.mark.parametrize("style", ["text", "notice", "emote"])
@pytest.mark.parametrize("html", ["", "<b>hi</b>"])
@pytest.mark.parametrize("target", [None, "$0"])
def test_lines_are_as_specified(schemas: Schemas, writer: Writer, style: Any, html: str, target: str | None) -> None:
    wording = Wording("hi", html, style)
    content = writer.content(outgoing(wording=wording, target=target), wording)
    name = f"m.room.message$m.{style}"
    assert schemas.faults(name, "m.room.message", content) == []
    assert schemas.faults("m.room.message", "m.room.message", content) == []
    if target is not None:
        assert schemas.faults(name, "m.room.message", content["m.new_content"]) == []
        assert content["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$0"}
        assert content["body"] == "* hi"
        assert content["m.new_content"]["body"] == "hi"
    assert MARKER.read_delivery(content) is not None


def body(room: Room, *, above: bool) -> dict[str, Any]:
    return creation(
        room,
        naming=NAMING,
        mark=MARKER.portal(room.id),
        web_url="http://rialto.example/",
        moderators=("@op:hs",),
        creator_is_above=above,
    )


@pytest.mark.parametrize("above", [True, False])
def test_the_state_of_a_new_room_is_as_specified(schemas: Schemas, above: bool) -> None:
    made = body(ROOM, above=above)
    levels = made["power_level_content_override"]
    assert schemas.faults("m.room.power_levels", "m.room.power_levels", levels, state_key="") == []
    create = {**made["creation_content"], "creator": NAMING.bot, "room_version": "10"}
    assert schemas.faults("m.room.create", "m.room.create", create, state_key="") == []
    for event in made["initial_state"]:
        if event["type"] not in BRIDGE_TYPES:
            assert schemas.faults(event["type"], event["type"], event["content"], state_key="") == []
    assert ("@rialto:hs" in levels["users"]) is not above


@pytest.mark.parametrize("above", [True, False])
def test_the_request_for_a_new_room_is_as_specified(specification: Specification, above: bool) -> None:
    (operation,) = specification.find("POST", "/_matrix/client/v3/createRoom")
    assert specification.body_faults(operation, body(ROOM, above=above)) == []


def test_what_would_shut_the_bridge_out_needs_the_highest_power() -> None:
    for above, highest in ((True, 150), (False, 100)):
        events = body(ROOM, above=above)["power_level_content_override"]["events"]
        assert [events[f"m.room.{name}"] for name in ("encryption", "server_acl")] == [100, 100]
        assert events["m.room.tombstone"] == highest


def test_a_private_room_is_private() -> None:
    made = body(Room(ROOM.id, "p", "P", "", "", "invite", ROOM.creator, 0), above=True)
    assert (made["preset"], made["visibility"]) == ("private_chat", "private")
    assert "topic" not in made


def test_the_bridge_names_itself() -> None:
    info = bridge_info(ROOM, naming=NAMING, web_url="http://rialto.example/")
    assert info["bridgebot"] == NAMING.bot
    assert info["channel"] == {
        "id": "r1",
        "displayname": "Piazza",
        "external_url": "http://rialto.example/rooms/r1",
    }


def test_state_that_is_written_later_is_as_specified(schemas: Schemas) -> None:
    for type, content in (
        ("m.room.name", {"name": "x"}),
        ("m.room.topic", {"topic": "x"}),
        ("m.room.avatar", {"url": "mxc://hs/1"}),
        ("m.room.member", {"membership": "join", "displayname": "Anna (anna2)"}),
    ):
        assert schemas.faults(type, type, content, state_key="@a:hs" if type == "m.room.member" else "") == []


def test_the_check_itself_finds_faults(schemas: Schemas) -> None:
    assert schemas.faults("m.room.message$m.text", "m.room.message", {"msgtype": "m.text"}) != []
    assert (
        schemas.faults("m.room.power_levels", "m.room.power_levels", {"users": {"@a:hs": "high"}}, state_key="") != []
    )
