"""Sending, redacting, state and history: the fake homeserver and Synapse agree, errors included."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.contract.conftest import Stage
from tests.rigs.caller import room

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_sending_needs_membership(stage: Stage) -> None:
    """Who has not joined, was removed, or means a room that is not, may not send; the words say "not in room"."""
    ghost, user_id = await stage.ghost()
    room_id = await stage.room()
    for where in (room_id, "!" + "A" * 43):
        answer = await ghost.send(where, "x")
        answer.refused(403, "M_FORBIDDEN")
        assert answer.body["error"] == f"User {user_id} not in room {where}"
    (await ghost.join(room_id)).ok()
    (await ghost.send(room_id, "x")).ok()
    (await stage.bot.member(room_id, "ban", user_id=user_id)).ok()
    assert "not in room" in (await ghost.send(room_id, "y")).body["error"]


async def test_what_cannot_be_sent(stage: Stage) -> None:
    """Too large, no JSON object, not canonical, messages without a body."""
    ghost, _ = await stage.ghost()
    room_id = await stage.room(ghost)
    (await ghost.send(room_id, "x" * 70_000)).refused(413, "M_TOO_LARGE")
    (await ghost.send(room_id, "x" * 65_400)).refused(413, "M_TOO_LARGE")
    (await ghost.send(room_id, "x" * 63_000)).ok()
    (await ghost.send(room_id, {})).refused(400, "M_UNKNOWN")
    (await ghost.send(room_id, {"msgtype": "m.text", "body": 1})).refused(400, "M_UNKNOWN")
    (await ghost.send(room_id, {"msgtype": "m.text", "body": "x", "f": 1.5})).refused(400, "M_BAD_JSON")
    (await ghost.send(room_id, {"msgtype": "m.text", "body": "x", "n": 2**60})).refused(400, "M_BAD_JSON")
    path = f"{room(room_id)}/send/m.room.message/bad"
    (await ghost.call("PUT", path, data=b'{"a":' + b"[" * 100_000)).refused(400, "M_NOT_JSON")
    (await ghost.call("PUT", path, data=b"")).refused(400, "M_NOT_JSON")
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
    said = [event["content"].get("body") for event in await stage.history(room_id) if "body" in event["content"]]
    assert said == ["first"]
    # A refused send is not remembered.
    (await one.send(room_id, {}, txn_id="R")).refused(400, "M_UNKNOWN")
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
    events = await stage.history(room_id)
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
    (await stage.alice.call("GET", f"{room(room_id)}/state/org.none/")).refused(404, "M_NOT_FOUND")
    (await stage.bot.put_state(room_id, "org.example", {}, stage.alice_id)).refused(403, "M_FORBIDDEN")
    answer = await stage.bot.put_state(room_id, "m.room.canonical_alias", {"alias": "#no:localhost"})
    answer.refused(400, "M_BAD_ALIAS")
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
    events = {event["event_id"]: event for event in await stage.history(room_id)}
    assert events[said]["content"] == {}
    assert events[said]["unsigned"]["redacted_because"]["event_id"] == done
    assert events[done]["content"] == {"redacts": said, "reason": "oops"}
    assert events[done]["redacts"] == said
    (await ghost.redact(room_id, "$unknown")).refused(404, "M_NOT_FOUND")
    (await ghost.redact(room_id, "$" + room_id[1:])).refused(403, "M_FORBIDDEN")
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
    (await ghost.send(room_id, reaction, type="m.reaction")).refused(400, "M_DUPLICATE_ANNOTATION")
    (await ghost.redact(room_id, first)).ok()
    (await ghost.send(room_id, reaction, type="m.reaction")).ok()
    lost = {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$none", "key": "👍"}}
    (await ghost.send(room_id, lost, type="m.reaction")).refused(400, "M_UNKNOWN")
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
    (await stage.bot.messages(room_id, start="rubbish")).refused(400, "M_UNKNOWN")


async def test_who_may_read(stage: Stage) -> None:
    """Strangers read nothing; those who left read what was there until then."""
    ghost, user_id = await stage.ghost()
    room_id = await stage.room(name="Before")
    for what in ("messages?dir=b", "state", "state/m.room.name/", "members"):
        (await ghost.call("GET", f"{room(room_id)}/{what}")).refused(403, "M_FORBIDDEN")
    # Who is in a room is told to an application service if any of its users is there.
    assert list((await ghost.call("GET", f"{room(room_id)}/joined_members")).ok()["joined"]) == [stage.service.bot]
    apart = await stage.alice.create_room()
    for stranger in (ghost, stage.bob):
        (await stranger.call("GET", f"{room(apart)}/joined_members")).refused(403, "M_FORBIDDEN")
    (await ghost.join(room_id)).ok()
    said = (await ghost.send(room_id, "hello")).ok()["event_id"]
    (await ghost.member(room_id, "leave")).ok()
    (await stage.bot.put_state(room_id, "m.room.name", {"name": "After"})).ok()
    later = (await stage.bot.send(room_id, "gone?")).ok()["event_id"]
    assert (await ghost.call("GET", f"{room(room_id)}/state/m.room.name/")).ok() == {"name": "Before"}
    chunk = (await ghost.messages(room_id)).ok()["chunk"]
    assert chunk[0]["state_key"] == user_id
    assert said in {event["event_id"] for event in chunk}
    (await ghost.call("GET", f"{room(room_id)}/event/{quote(later)}")).refused(404, "M_NOT_FOUND")
