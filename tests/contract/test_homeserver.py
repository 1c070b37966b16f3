"""Rooms: the fake homeserver and Synapse give the same answers and make the same events."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.conftest import Stage
from tests.rigs.caller import Answer, room

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


def refused(answer: Answer, status: int, errcode: str) -> None:
    """The answer is this refusal."""
    assert (answer.status, answer.errcode) == (status, errcode), answer.body
    assert answer.body["error"]


async def history(stage: Stage, room_id: str) -> list[dict[str, Any]]:
    """All events that the bot sees, oldest first."""
    chunk: list[dict[str, Any]] = (await stage.bot.messages(room_id, limit=1000)).ok()["chunk"]
    return chunk[::-1]


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
    events = await history(stage, room_id)
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
    refused(await stage.bot.call("POST", "createRoom", {"room_version": "99"}), 400, "M_UNSUPPORTED_ROOM_VERSION")


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
    refused(await stage.bot.call("POST", "createRoom", {"room_alias_name": alias}), 400, "M_ROOM_IN_USE")
    found = await stage.alice.call("GET", f"directory/room/{quote(f'#{alias}:{stage.hs.server_name}')}")
    assert found.ok()["room_id"] == made[0].body["room_id"]


async def test_aliases_have_owners(stage: Stage) -> None:
    """A namespace is its application service's alone, and the service keeps to it."""
    alias = f"{stage.service.prefix}_{stage.fresh('mine')}"
    refused(await stage.alice.call("POST", "createRoom", {"room_alias_name": alias}), 400, "M_EXCLUSIVE")
    refused(await stage.bot.call("POST", "createRoom", {"room_alias_name": "foreign"}), 400, "M_EXCLUSIVE")
    refused(await stage.bot.call("POST", "createRoom", {"room_alias_name": alias + " x"}), 400, "M_UNKNOWN")


async def test_the_directory(stage: Stage) -> None:
    """Aliases are added, found, refused twice, removed; rooms are listed by those who may."""
    room_id = await stage.room(stage.alice)
    alias = f"#{stage.service.prefix}_{stage.fresh('dir')}:{stage.hs.server_name}"
    address = f"directory/room/{quote(alias)}"
    (await stage.bot.call("PUT", address, {"room_id": room_id})).ok()
    refused(await stage.bot.call("PUT", address, {"room_id": room_id}), 409, "M_UNKNOWN")
    assert (await stage.alice.call("GET", address)).ok() == {"room_id": room_id, "servers": [stage.hs.server_name]}
    (await stage.bot.call("DELETE", address)).ok()
    refused(await stage.alice.call("GET", address), 404, "M_NOT_FOUND")
    listing = f"directory/list/room/{quote(room_id)}"
    refused(await stage.alice.call("PUT", listing, {"visibility": "public"}), 403, "M_FORBIDDEN")
    (await stage.bot.call("PUT", listing, {"visibility": "public"})).ok()
    assert (await stage.alice.call("GET", listing)).ok() == {"visibility": "public"}
    refused(await stage.bot.with_token(None).call("GET", "publicRooms"), 401, "M_MISSING_TOKEN")


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
    refused(await stage.alice.join(nowhere), 404, "M_NOT_FOUND")
    refused(await stage.alice.join("#outside:" + stage.hs.server_name), 404, "M_NOT_FOUND")
    assert alias in stage.service.queries
    assert nowhere in stage.service.queries
    assert "#outside:" + stage.hs.server_name not in stage.service.queries


async def test_what_cannot_be_joined(stage: Stage) -> None:
    """Private rooms, unknown rooms, things that are no room."""
    private = await stage.alice.create_room(preset="private_chat")
    refused(await stage.bob.join(private), 403, "M_FORBIDDEN")
    refused(await stage.bob.join("!" + "A" * 43), 404, "M_UNKNOWN")
    refused(await stage.bob.join("no room"), 400, "M_UNKNOWN")


async def test_membership_events(stage: Stage) -> None:
    """Join, kick, ban, unban, join, leave: the events and what they replace."""
    ghost, user_id = await stage.ghost()
    name = user_id[1:].partition(":")[0]
    room_id = await stage.room(ghost)
    for _ in range(2):
        assert (await ghost.join(room_id)).ok() == {"room_id": room_id}
    (await stage.bot.member(room_id, "kick", user_id=user_id, reason="out")).ok()
    (await stage.bot.member(room_id, "ban", user_id=user_id, reason="bad")).ok()
    refused(await ghost.join(room_id), 403, "M_BAD_STATE")
    refused(await stage.bot.member(room_id, "invite", user_id=user_id), 403, "M_BAD_STATE")
    refused(await stage.bot.member(room_id, "kick", user_id=user_id), 403, "M_BAD_STATE")
    (await stage.bot.member(room_id, "unban", user_id=user_id)).ok()
    refused(await stage.bot.member(room_id, "unban", user_id=user_id), 403, "M_BAD_STATE")
    (await ghost.join(room_id)).ok()
    (await ghost.member(room_id, "leave", reason="bye")).ok()
    refused(await ghost.member(room_id, "leave"), 403, "M_FORBIDDEN")
    events = [event for event in await history(stage, room_id) if event.get("state_key") == user_id]
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
    refused(await ghost.put_state(room_id, "m.room.member", nick, other), 403, "M_FORBIDDEN")
    members = (await stage.bot.call("GET", f"{room(room_id)}/joined_members")).ok()["joined"]
    assert members[user_id]["display_name"] == "Nick"
    assert room_id in (await ghost.call("GET", "joined_rooms")).ok()["joined_rooms"]


async def test_power(stage: Stage) -> None:
    """Levels are enforced, and the creator of a version-12 room stands above them all."""
    (ghost, user_id), (_, other_id) = await stage.ghost(), await stage.ghost()
    room_id = await stage.room(ghost, stage.alice, stage.bot.acting_as(other_id))
    refused(await ghost.put_state(room_id, "m.room.name", {"name": "Mine"}), 403, "M_FORBIDDEN")
    for action in ("kick", "ban", "invite"):
        refused(await ghost.member(room_id, action, user_id=other_id), 403, "M_FORBIDDEN")
    said = (await stage.alice.send(room_id, "mine")).ok()["event_id"]
    refused(await ghost.redact(room_id, said), 403, "M_FORBIDDEN")
    refused(
        await stage.bot.put_state(room_id, "m.room.power_levels", {"users": {stage.service.bot: 100}}), 400, "M_UNKNOWN"
    )
    levels: dict[str, Any] = {"users": {user_id: 50, stage.alice_id: 50}, "events": {"m.room.power_levels": 50}}
    (await stage.bot.put_state(room_id, "m.room.power_levels", levels)).ok()
    (await ghost.put_state(room_id, "m.room.name", {"name": "Ours"})).ok()
    raised = {**levels, "users": {user_id: 60, stage.alice_id: 50}}
    refused(await ghost.put_state(room_id, "m.room.power_levels", raised), 403, "M_FORBIDDEN")
    lowered = {**levels, "users": {user_id: 50}}
    refused(await ghost.put_state(room_id, "m.room.power_levels", lowered), 403, "M_FORBIDDEN")
    refused(await ghost.member(room_id, "kick", user_id=stage.alice_id), 403, "M_FORBIDDEN")
    refused(await ghost.member(room_id, "kick", user_id=stage.service.bot), 403, "M_FORBIDDEN")
    (await ghost.member(room_id, "kick", user_id=other_id)).ok()
    (await ghost.redact(room_id, said)).ok()


async def test_sending_needs_membership(stage: Stage) -> None:
    """Who has not joined, was removed, or means a room that is not, may not send; the words say "not in room"."""
    ghost, user_id = await stage.ghost()
    room_id = await stage.room()
    for where in (room_id, "!" + "A" * 43):
        answer = await ghost.send(where, "x")
        refused(answer, 403, "M_FORBIDDEN")
        assert answer.body["error"] == f"User {user_id} not in room {where}"
    (await ghost.join(room_id)).ok()
    (await ghost.send(room_id, "x")).ok()
    (await stage.bot.member(room_id, "ban", user_id=user_id)).ok()
    assert "not in room" in (await ghost.send(room_id, "y")).body["error"]


async def test_what_cannot_be_sent(stage: Stage) -> None:
    """Too large, no JSON object, not canonical, messages without a body."""
    ghost, _ = await stage.ghost()
    room_id = await stage.room(ghost)
    refused(await ghost.send(room_id, "x" * 70_000), 413, "M_TOO_LARGE")
    refused(await ghost.send(room_id, "x" * 65_400), 413, "M_TOO_LARGE")
    (await ghost.send(room_id, "x" * 63_000)).ok()
    refused(await ghost.send(room_id, {}), 400, "M_UNKNOWN")
    refused(await ghost.send(room_id, {"msgtype": "m.text", "body": 1}), 400, "M_UNKNOWN")
    refused(await ghost.send(room_id, {"msgtype": "m.text", "body": "x", "f": 1.5}), 400, "M_BAD_JSON")
    refused(await ghost.send(room_id, {"msgtype": "m.text", "body": "x", "n": 2**60}), 400, "M_BAD_JSON")
    path = f"{room(room_id)}/send/m.room.message/bad"
    refused(await ghost.call("PUT", path, data=b'{"a":' + b"[" * 100_000), 400, "M_NOT_JSON")
    refused(await ghost.call("PUT", path, data=b""), 400, "M_NOT_JSON")
    odd = {"msgtype": "m.text", "body": "a\0b 中文 \U0001f6a2"}
    said = (await ghost.send(room_id, odd)).ok()["event_id"]
    assert (await stage.bot.call("GET", f"{room(room_id)}/event/{quote(said)}")).ok()["content"] == odd


async def test_transaction_ids(stage: Stage) -> None:
    """One ID in one room and type is one event, whoever of the application service's users sends it."""
    (one, _), (two, _) = await stage.ghost(), await stage.ghost(device=True)
    room_id, other = await stage.room(one, two), await stage.room(one)
    first = (await one.send(room_id, "first", txn_id="T")).ok()["event_id"]
    assert (await one.send(room_id, "again", txn_id="T")).ok()["event_id"] == first
    assert (await two.send(room_id, "somebody else", txn_id="T")).ok()["event_id"] == first
    assert (await one.send(other, "elsewhere", txn_id="T")).ok()["event_id"] != first
    assert (await one.send(room_id, {"x": 1}, txn_id="T", type="org.example")).ok()["event_id"] != first
    said = [event["content"].get("body") for event in await history(stage, room_id) if "body" in event["content"]]
    assert said == ["first"]
    # A refused send is not remembered.
    refused(await one.send(room_id, {}, txn_id="R"), 400, "M_UNKNOWN")
    (await one.send(room_id, "mended", txn_id="R")).ok()


async def test_timestamps(stage: Stage) -> None:
    """Application services may date their events; for everybody else `ts` means nothing."""
    ghost, _ = await stage.ghost()
    room_id = await stage.room(ghost, stage.alice)
    old = (await ghost.send(room_id, "old", query={"ts": 1_000_000})).ok()["event_id"]
    topic = (await stage.bot.put_state(room_id, "m.room.topic", {"topic": "x"}, query={"ts": 2_000_000})).ok()[
        "event_id"
    ]
    now = (await stage.alice.send(room_id, "now", query={"ts": 3_000_000})).ok()["event_id"]
    events = await history(stage, room_id)
    stamps = {event["event_id"]: event["origin_server_ts"] for event in events}
    assert (stamps[old], stamps[topic]) == (1_000_000, 2_000_000)
    assert stamps[now] > 1_600_000_000_000
    assert [event["event_id"] for event in events][-3:] == [old, topic, now]


async def test_state(stage: Stage) -> None:
    """The same content is the same event; one piece is read with and without its slash; another's key is refused."""
    room_id = await stage.room(stage.alice)
    first = (await stage.bot.put_state(room_id, "m.room.name", {"name": "N"})).ok()["event_id"]
    assert (await stage.bot.put_state(room_id, "m.room.name", {"name": "N"})).ok()["event_id"] == first
    assert (await stage.bot.put_state(room_id, "m.room.name", {"name": "M"})).ok()["event_id"] != first
    for tail in ("m.room.name", "m.room.name/"):
        assert (await stage.alice.call("GET", f"{room(room_id)}/state/{tail}")).ok() == {"name": "M"}
    refused(await stage.alice.call("GET", f"{room(room_id)}/state/org.none/"), 404, "M_NOT_FOUND")
    refused(await stage.bot.put_state(room_id, "org.example", {}, stage.alice_id), 403, "M_FORBIDDEN")
    refused(
        await stage.bot.put_state(room_id, "m.room.canonical_alias", {"alias": "#no:localhost"}), 400, "M_BAD_ALIAS"
    )
    event = (await stage.bot.state(room_id))["m.room.name", ""]
    assert event["unsigned"]["prev_content"] == {"name": "N"}


async def test_redaction(stage: Stage) -> None:
    """The content goes, the reason stays; the same transaction ID is one redaction, another one more."""
    ghost, user_id = await stage.ghost()
    room_id = await stage.room(ghost, stage.alice)
    said = (await ghost.send(room_id, "secret")).ok()["event_id"]
    done = (await ghost.redact(room_id, said, txn_id="R1", reason="oops")).ok()["event_id"]
    assert (await ghost.redact(room_id, said, txn_id="R1")).ok()["event_id"] == done
    assert (await ghost.redact(room_id, said, txn_id="R2")).ok()["event_id"] != done
    events = {event["event_id"]: event for event in await history(stage, room_id)}
    assert events[said]["content"] == {}
    assert events[said]["unsigned"]["redacted_because"]["event_id"] == done
    assert events[done]["content"] == {"redacts": said, "reason": "oops"}
    assert events[done]["redacts"] == said
    refused(await ghost.redact(room_id, "$unknown"), 404, "M_NOT_FOUND")
    refused(await ghost.redact(room_id, "$" + room_id[1:]), 403, "M_FORBIDDEN")
    member = (await stage.bot.state(room_id))["m.room.member", user_id]
    (await stage.bot.redact(room_id, member["event_id"])).ok()
    assert (await stage.bot.state(room_id))["m.room.member", user_id]["content"] == {"membership": "join"}


async def test_reactions_and_edits(stage: Stage) -> None:
    """A reaction counts once until it is redacted; an edit is shown beside what it edits."""
    ghost, _ = await stage.ghost()
    room_id = await stage.room(ghost)
    said = (await ghost.send(room_id, "teh")).ok()["event_id"]
    reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": said, "key": "👍"}}
    first = (await ghost.send(room_id, reaction, type="m.reaction")).ok()["event_id"]
    refused(await ghost.send(room_id, reaction, type="m.reaction"), 400, "M_DUPLICATE_ANNOTATION")
    (await ghost.redact(room_id, first)).ok()
    (await ghost.send(room_id, reaction, type="m.reaction")).ok()
    lost = {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$none", "key": "👍"}}
    refused(await ghost.send(room_id, lost, type="m.reaction"), 400, "M_UNKNOWN")
    edit = {
        "msgtype": "m.text",
        "body": "* the",
        "m.new_content": {"msgtype": "m.text", "body": "the"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": said},
    }
    edited = (await ghost.send(room_id, edit)).ok()["event_id"]
    shown = (await stage.bot.call("GET", f"{room(room_id)}/event/{quote(said)}")).ok()
    assert shown["content"]["body"] == "teh"
    assert shown["unsigned"]["m.relations"]["m.replace"]["event_id"] == edited


async def test_history_in_pages(stage: Stage) -> None:
    """Backwards from now and forwards from the start: every event once, in order, and an end that is told."""
    ghost, _ = await stage.ghost()
    room_id = await stage.room(ghost)
    for number in range(7):
        (await ghost.send(room_id, f"line {number}")).ok()
    pages: dict[bool, list[str]] = {}
    for backwards in (True, False):
        seen: list[str] = []
        start: str | None = None
        while True:
            page = (await stage.bot.messages(room_id, backwards=backwards, limit=3, start=start)).ok()
            assert len(page["chunk"]) <= 3
            assert page["start"]
            seen += [event["event_id"] for event in page["chunk"]]
            if "end" not in page or not page["chunk"]:
                break
            start = page["end"]
        pages[backwards] = seen
    assert pages[True] == pages[False][::-1]
    assert len(pages[True]) == len(set(pages[True])) == 5 + 1 + 7
    refused(await stage.bot.messages(room_id, start="rubbish"), 400, "M_UNKNOWN")


async def test_who_may_read(stage: Stage) -> None:
    """Strangers read nothing; those who left read what was there until then."""
    ghost, user_id = await stage.ghost()
    room_id = await stage.room(name="Before")
    for what in ("messages?dir=b", "state", "state/m.room.name/", "members"):
        refused(await ghost.call("GET", f"{room(room_id)}/{what}"), 403, "M_FORBIDDEN")
    # Who is in a room is told to an application service if any of its users is there.
    assert list((await ghost.call("GET", f"{room(room_id)}/joined_members")).ok()["joined"]) == [stage.service.bot]
    apart = await stage.alice.create_room()
    for stranger in (ghost, stage.bob):
        refused(await stranger.call("GET", f"{room(apart)}/joined_members"), 403, "M_FORBIDDEN")
    (await ghost.join(room_id)).ok()
    said = (await ghost.send(room_id, "hello")).ok()["event_id"]
    (await ghost.member(room_id, "leave")).ok()
    (await stage.bot.put_state(room_id, "m.room.name", {"name": "After"})).ok()
    later = (await stage.bot.send(room_id, "gone?")).ok()["event_id"]
    assert (await ghost.call("GET", f"{room(room_id)}/state/m.room.name/")).ok() == {"name": "Before"}
    chunk = (await ghost.messages(room_id)).ok()["chunk"]
    assert chunk[0]["state_key"] == user_id
    assert said in {event["event_id"] for event in chunk}
    refused(await ghost.call("GET", f"{room(room_id)}/event/{quote(later)}"), 404, "M_NOT_FOUND")
