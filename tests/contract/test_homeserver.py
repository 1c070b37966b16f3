"""Rooms: the fake homeserver and Synapse give the same answers and make the same events."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.conftest import Stage
from tests.rigs.caller import room

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATION = [
    "m.room.create",
    "m.room.member",
    "m.room.power_levels",
    "m.room.canonical_alias",
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.bridge",
    "m.room.name",
    "m.room.topic",
    "m.room.member",
]


async def test_create_room(stage: Stage) -> None:
    """The order of the first events, their content, and a room ID without a server part."""
    alias = f"{stage.service.prefix}_{stage.fresh('made')}"
    room_id = await stage.bot.create_room(
        preset="public_chat",
        visibility="public",
        room_alias_name=alias,
        name="Made",
        topic="Of events",
        creation_content={"org.example.marker": "m"},
        initial_state=[{"type": "m.bridge", "state_key": "k", "content": {"a": 1}}],
        power_level_content_override={"events": {"m.room.tombstone": 100}},
        invite=[stage.alice_id],
    )
    assert ":" not in room_id
    events = await stage.history(room_id)
    assert [event["type"] for event in events] == CREATION
    assert events[0]["content"] == {"org.example.marker": "m", "room_version": "12"}
    assert events[0]["event_id"][1:] == room_id[1:]
    levels = events[2]["content"]
    assert (levels["users"], levels["events"]) == ({}, {"m.room.tombstone": 100})
    assert (levels["invite"], levels["ban"], levels["redact"], levels["state_default"]) == (50, 50, 50, 50)
    assert events[3]["content"] == {"alias": f"#{alias}:{stage.hs.server_name}"}
    assert events[4]["content"] == {"join_rule": "public"}
    assert events[8]["content"] == {"topic": "Of events", "m.topic": {"m.text": [{"body": "Of events"}]}}
    assert events[9]["content"] == {"membership": "invite", "displayname": "alice"}
    listed = await stage.alice.call("GET", f"directory/list/room/{quote(room_id)}")
    assert listed.ok() == {"visibility": "public"}


async def test_older_rooms(stage: Stage) -> None:
    """A version-10 room has its server in its ID and its creator in the power levels."""
    room_id = await stage.room(room_version="10")
    assert room_id.endswith(f":{stage.hs.server_name}")
    state = await stage.bot.state(room_id)
    assert state["m.room.create", ""]["content"] == {"room_version": "10", "creator": stage.service.bot}
    assert state["m.room.power_levels", ""]["content"]["users"] == {stage.service.bot: 100}
    (await stage.bot.call("POST", "createRoom", {"room_version": "99"})).refused(400, "M_UNSUPPORTED_ROOM_VERSION")


async def test_the_alias_is_a_lock(stage: Stage) -> None:
    """Of four rooms made at once under one alias one is made; afterwards the alias is in use."""
    alias = f"{stage.service.prefix}_{stage.fresh('lock')}"
    answers = await asyncio.gather(
        *(stage.bot.call("POST", "createRoom", {"room_alias_name": alias}) for _ in range(4))
    )
    made = [answer for answer in answers if answer.status == 200]
    assert len(made) == 1
    for answer in answers:
        assert answer.status == 200 or (answer.status, answer.errcode) in {(409, "M_UNKNOWN"), (400, "M_ROOM_IN_USE")}
    (await stage.bot.call("POST", "createRoom", {"room_alias_name": alias})).refused(400, "M_ROOM_IN_USE")
    found = await stage.alice.call("GET", f"directory/room/{quote(f'#{alias}:{stage.hs.server_name}')}")
    assert found.ok()["room_id"] == made[0].body["room_id"]


async def test_aliases_have_owners(stage: Stage) -> None:
    """A namespace is its application service's alone, and the service keeps to it."""
    alias = f"{stage.service.prefix}_{stage.fresh('mine')}"
    (await stage.alice.call("POST", "createRoom", {"room_alias_name": alias})).refused(400, "M_EXCLUSIVE")
    (await stage.bot.call("POST", "createRoom", {"room_alias_name": "foreign"})).refused(400, "M_EXCLUSIVE")
    (await stage.bot.call("POST", "createRoom", {"room_alias_name": alias + " x"})).refused(400, "M_UNKNOWN")


async def test_the_directory(stage: Stage) -> None:
    """Aliases are added, found, refused twice, removed; rooms are listed by those who may."""
    room_id = await stage.room(stage.alice)
    alias = f"#{stage.service.prefix}_{stage.fresh('dir')}:{stage.hs.server_name}"
    address = f"directory/room/{quote(alias)}"
    (await stage.bot.call("PUT", address, {"room_id": room_id})).ok()
    (await stage.bot.call("PUT", address, {"room_id": room_id})).refused(409, "M_UNKNOWN")
    assert (await stage.alice.call("GET", address)).ok() == {"room_id": room_id, "servers": [stage.hs.server_name]}
    (await stage.bot.call("DELETE", address)).ok()
    (await stage.alice.call("GET", address)).refused(404, "M_NOT_FOUND")
    listing = f"directory/list/room/{quote(room_id)}"
    (await stage.alice.call("PUT", listing, {"visibility": "public"})).refused(403, "M_FORBIDDEN")
    (await stage.bot.call("PUT", listing, {"visibility": "public"})).ok()
    assert (await stage.alice.call("GET", listing)).ok() == {"visibility": "public"}
    (await stage.bot.with_token(None).call("GET", "publicRooms")).refused(401, "M_MISSING_TOKEN")


async def test_joining_an_alias_asks_the_appservice(stage: Stage) -> None:
    """A join waits while the application service makes the room; an unknown alias is not found."""
    local = f"{stage.service.prefix}_{stage.fresh('asked')}"
    alias = f"#{local}:{stage.hs.server_name}"
    made: list[str] = []

    async def make(asked: str) -> bool:
        if asked == alias:
            made.append(await stage.bot.create_room(room_alias_name=local, preset="public_chat"))
        return asked == alias

    stage.service.on_alias = make
    joined = (await stage.alice.join(alias)).ok()
    assert made == [joined["room_id"]]
    nowhere = f"#{stage.service.prefix}_nowhere:{stage.hs.server_name}"
    (await stage.alice.join(nowhere)).refused(404, "M_NOT_FOUND")
    (await stage.alice.join("#outside:" + stage.hs.server_name)).refused(404, "M_NOT_FOUND")
    assert alias in stage.service.queries
    assert nowhere in stage.service.queries
    assert "#outside:" + stage.hs.server_name not in stage.service.queries


async def test_what_cannot_be_joined(stage: Stage) -> None:
    """Private rooms, unknown rooms, things that are no room."""
    private = await stage.alice.create_room(preset="private_chat")
    (await stage.bob.join(private)).refused(403, "M_FORBIDDEN")
    (await stage.bob.join("!" + "A" * 43)).refused(404, "M_UNKNOWN")
    (await stage.bob.join("no room")).refused(400, "M_UNKNOWN")


async def test_membership_events(stage: Stage) -> None:
    """Join, kick, ban, unban, join, leave: the events and what they replace."""
    ghost, user_id = await stage.ghost()
    name = user_id[1:].partition(":")[0]
    room_id = await stage.room(ghost)
    for _ in range(2):
        assert (await ghost.join(room_id)).ok() == {"room_id": room_id}
    (await stage.bot.member(room_id, "kick", user_id=user_id, reason="out")).ok()
    (await stage.bot.member(room_id, "ban", user_id=user_id, reason="bad")).ok()
    (await ghost.join(room_id)).refused(403, "M_BAD_STATE")
    (await stage.bot.member(room_id, "invite", user_id=user_id)).refused(403, "M_BAD_STATE")
    (await stage.bot.member(room_id, "kick", user_id=user_id)).refused(403, "M_BAD_STATE")
    (await stage.bot.member(room_id, "unban", user_id=user_id)).ok()
    (await stage.bot.member(room_id, "unban", user_id=user_id)).refused(403, "M_BAD_STATE")
    (await ghost.join(room_id)).ok()
    (await ghost.member(room_id, "leave", reason="bye")).ok()
    (await ghost.member(room_id, "leave")).refused(403, "M_FORBIDDEN")
    events = [event for event in await stage.history(room_id) if event.get("state_key") == user_id]
    assert [(event["sender"] == user_id, event["content"]) for event in events] == [
        (True, {"membership": "join", "displayname": name}),
        (False, {"membership": "leave", "reason": "out"}),
        (False, {"membership": "ban", "reason": "bad"}),
        (False, {"membership": "leave"}),
        (True, {"membership": "join", "displayname": name}),
        (True, {"membership": "leave", "reason": "bye"}),
    ]
    for before, after in itertools.pairwise(events):
        assert after["unsigned"]["replaces_state"] == before["event_id"]
        assert after["unsigned"]["prev_content"] == before["content"]


async def test_a_face_for_one_room(stage: Stage) -> None:
    """A member event of one's own, set as state, gives a name in that room only; nobody sets another's."""
    ghost, user_id = await stage.ghost()
    _, other = await stage.ghost()
    room_id = await stage.room(ghost)
    nick = {"membership": "join", "displayname": "Nick"}
    (await ghost.put_state(room_id, "m.room.member", nick, user_id, query={"ts": 5000})).ok()
    event = (await stage.bot.state(room_id))["m.room.member", user_id]
    assert (event["content"], event["origin_server_ts"]) == (nick, 5000)
    (await ghost.put_state(room_id, "m.room.member", nick, other)).refused(403, "M_FORBIDDEN")
    members = (await stage.bot.call("GET", f"{room(room_id)}/joined_members")).ok()["joined"]
    assert members[user_id]["display_name"] == "Nick"
    assert room_id in (await ghost.call("GET", "joined_rooms")).ok()["joined_rooms"]


async def test_power(stage: Stage) -> None:
    """Levels are enforced, and the creator of a version-12 room stands above them all."""
    (ghost, user_id), (_, other_id) = await stage.ghost(), await stage.ghost()
    room_id = await stage.room(ghost, stage.alice, stage.bot.acting_as(other_id))
    (await ghost.put_state(room_id, "m.room.name", {"name": "Mine"})).refused(403, "M_FORBIDDEN")
    for action in ("kick", "ban", "invite"):
        (await ghost.member(room_id, action, user_id=other_id)).refused(403, "M_FORBIDDEN")
    said = (await stage.alice.send(room_id, "mine")).ok()["event_id"]
    (await ghost.redact(room_id, said)).refused(403, "M_FORBIDDEN")
    answer = await stage.bot.put_state(room_id, "m.room.power_levels", {"users": {stage.service.bot: 100}})
    answer.refused(400, "M_UNKNOWN")
    levels: dict[str, Any] = {"users": {user_id: 50, stage.alice_id: 50}, "events": {"m.room.power_levels": 50}}
    (await stage.bot.put_state(room_id, "m.room.power_levels", levels)).ok()
    (await ghost.put_state(room_id, "m.room.name", {"name": "Ours"})).ok()
    raised = {**levels, "users": {user_id: 60, stage.alice_id: 50}}
    (await ghost.put_state(room_id, "m.room.power_levels", raised)).refused(403, "M_FORBIDDEN")
    lowered = {**levels, "users": {user_id: 50}}
    (await ghost.put_state(room_id, "m.room.power_levels", lowered)).refused(403, "M_FORBIDDEN")
    (await ghost.member(room_id, "kick", user_id=stage.alice_id)).refused(403, "M_FORBIDDEN")
    (await ghost.member(room_id, "kick", user_id=stage.service.bot)).refused(403, "M_FORBIDDEN")
    (await ghost.member(room_id, "kick", user_id=other_id)).ok()
    (await ghost.redact(room_id, said)).ok()
