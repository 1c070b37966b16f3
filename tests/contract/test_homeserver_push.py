"""What reaches an application service, in which order and under which ID, over failures and restarts."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.conftest import Stage
from tests.rigs.appservice import Received
from tests.rigs.caller import room

pytestmark = pytest.mark.asyncio(loop_scope="module")

PING = "/_matrix/client/v1/appservice/rialto/ping"


def bodies(stage: Stage, room_id: str) -> list[str]:
    """The texts of a room as the application service has accepted them."""
    return [event["content"]["body"] for event in stage.service.events(room_id, "m.room.message")]


def tries(stage: Stage, event_id: str) -> list[Received]:
    """Every transaction that carried an event, refused ones too."""
    found = stage.service.received
    return [one for one in found if any(event["event_id"] == event_id for event in one.events)]


async def a_while(stage: Stage) -> None:
    """Some requests later: what the homeserver does after an answer and shows to nobody is done."""
    for _ in range(15):
        await stage.bot.call("GET", "account/whoami")


async def settled(stage: Stage, room_id: str) -> None:
    """Wait until all that was said so far has been pushed and the queue is healthy."""
    said = (await stage.bot.send(room_id, "settled?")).ok()["event_id"]
    await stage.bot.call("POST", PING, {})
    await stage.service.event(said)
    await a_while(stage)


async def test_our_own_events_come_back(stage: Stage) -> None:
    """What a ghost does is pushed like anything else, in the form for application services."""
    ghost, user_id = await stage.ghost(device=True)
    room_id = await stage.room(ghost)
    said = (await ghost.send(room_id, "echo", txn_id="E1")).ok()["event_id"]
    event = await stage.service.event(said)
    assert event["type"] == "m.room.message"
    assert event["content"] == {"msgtype": "m.text", "body": "echo"}
    assert (event["room_id"], event["sender"], event["user_id"]) == (room_id, user_id, user_id)
    assert isinstance(event["origin_server_ts"], int)
    assert set(event["unsigned"]) == {"age"}
    body = tries(stage, said)[0].body
    assert {"events", "ephemeral"} <= set(body)
    joined = next(one for one in stage.service.events(room_id, "m.room.member") if one["state_key"] == user_id)
    assert joined["content"]["membership"] == "join"


async def test_only_rooms_that_concern_us(stage: Stage) -> None:
    """Nothing from rooms without us; an invitation of an unknown ghost asks about it and brings stripped state."""
    room_id = await stage.alice.create_room(preset="private_chat", name="Apart")
    (await stage.alice.send(room_id, "unheard")).ok()
    stranger = stage.service.ghost(stage.fresh("unknown"))
    (await stage.alice.member(room_id, "invite", user_id=stranger)).ok()
    await stage.service.until(lambda: bool(stage.service.events(room_id)))
    (invite,) = stage.service.events(room_id)
    assert (invite["state_key"], invite["content"]["membership"]) == (stranger, "invite")
    stripped = {event["type"]: event["content"] for event in invite["invite_room_state"]}
    assert stripped["m.room.name"] == {"name": "Apart"}
    assert stranger in stage.service.queries


async def test_order_and_batches(stage: Stage) -> None:
    """While one transaction is answered the next events gather; at most a hundred go together, in order."""
    ghost, _ = await stage.ghost()
    room_id = await stage.room(ghost)
    await settled(stage, room_id)
    before = len(stage.service.received)
    stage.service.gate.clear()
    for number in range(125):
        (await ghost.send(room_id, f"{number}")).ok()
    stage.service.gate.set()
    expected = [str(number) for number in range(125)]
    await stage.service.until(lambda: bodies(stage, room_id)[1:] == expected)
    sizes = [len(one.events) for one in stage.service.received[before:] if one.events]
    assert max(sizes) == 100
    ids = [int(one.txn_id) for one in stage.service.received[before:]]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    ("status", "reply"),
    [(500, b"{}"), (403, b"{}"), (204, b""), (200, b""), (200, b"no json"), (302, b"{}")],
)
async def test_a_refused_transaction_comes_again(stage: Stage, status: int, reply: bytes) -> None:
    """Anything but 2xx with a JSON body is repeated under the same ID; what came meanwhile follows in order."""
    room_id = await stage.room()
    await settled(stage, room_id)
    stage.service.answers.append((status, reply))
    first = (await stage.bot.send(room_id, "first")).ok()["event_id"]
    await stage.service.until(lambda: len(tries(stage, first)) >= 1)
    second = (await stage.bot.send(room_id, "second")).ok()["event_id"]
    await stage.bot.call("POST", PING, {})
    await stage.service.event(second)
    once, again = tries(stage, first)
    assert once.txn_id == again.txn_id
    assert [event["event_id"] for event in again.events] == [event["event_id"] for event in once.events]
    assert bodies(stage, room_id) == ["settled?", "first", "second"]


@pytest.mark.parametrize(("status", "reply"), [(200, b"[]"), (201, b"{}")])
async def test_other_ways_to_say_yes(stage: Stage, status: int, reply: bytes) -> None:
    """Any 2xx with any JSON body is an answer."""
    room_id = await stage.room()
    await settled(stage, room_id)
    stage.service.answers.append((status, reply))
    first = (await stage.bot.send(room_id, "first")).ok()["event_id"]
    second = (await stage.bot.send(room_id, "second")).ok()["event_id"]
    await stage.service.event(second)
    assert len(tries(stage, first)) == 1


async def test_while_we_are_down(stage: Stage) -> None:
    """Refused connections: events wait in small transactions of their own, without anything ephemeral."""
    room_id = await stage.room()
    await settled(stage, room_id)
    await stage.service.stop()
    said = [(await stage.bot.send(room_id, f"down {number}")).ok()["event_id"] for number in range(4)]
    typing = f"{room(room_id)}/typing/{quote(stage.service.bot)}"
    (await stage.bot.call("PUT", typing, {"typing": True, "timeout": 30_000})).ok()
    await stage.service.start()
    await stage.bot.call("POST", PING, {})
    await stage.service.event(said[-1])
    received = [tries(stage, event_id) for event_id in said]
    assert [len(one) for one in received] == [1, 1, 1, 1]
    assert len({one[0].txn_id for one in received}) > 1
    assert all(not one[0].body["ephemeral"] for one in received)
    assert bodies(stage, room_id)[1:] == [f"down {number}" for number in range(4)]


async def test_a_repeated_transaction_shows_events_as_they_are_now(stage: Stage) -> None:
    """What was redacted between two tries arrives empty the second time."""
    room_id = await stage.room()
    await settled(stage, room_id)
    stage.service.answers.append((500, b"{}"))
    said = (await stage.bot.send(room_id, "regretted")).ok()["event_id"]
    await stage.service.until(lambda: len(tries(stage, said)) >= 1)
    gone = (await stage.bot.redact(room_id, said)).ok()["event_id"]
    await stage.bot.call("POST", PING, {})
    await stage.service.event(gone)
    contents: list[Any] = [one.events[0]["content"] for one in tries(stage, said)]
    assert contents == [{"msgtype": "m.text", "body": "regretted"}, {}]


async def test_ping(stage: Stage) -> None:
    """The homeserver calls us back and says how long it took, or why it could not."""
    await a_while(stage)
    answer = (await stage.bot.call("POST", PING, {"transaction_id": "are you there"})).ok()
    assert answer["duration_ms"] >= 0
    assert stage.service.pings[-1] == "are you there"
    other = await stage.bot.call("POST", PING.replace("rialto", "other"), {})
    assert (other.status, other.errcode) == (403, "M_FORBIDDEN")
    user = await stage.alice.call("POST", PING, {})
    assert (user.status, user.errcode) == (403, "M_FORBIDDEN")
    await stage.service.stop()
    dead = await stage.bot.call("POST", PING, {})
    assert (dead.status, dead.errcode) == (502, "M_CONNECTION_FAILED")
    await stage.service.start()


async def test_a_ping_during_a_retry(stage: Stage) -> None:
    """While a forced retry hangs in us a second ping reaches us and still is answered with 502."""
    room_id = await stage.room()
    await settled(stage, room_id)
    stage.service.answers.append((500, b"{}"))
    said = (await stage.bot.send(room_id, "first")).ok()["event_id"]
    await stage.service.until(lambda: len(tries(stage, said)) >= 1)
    await a_while(stage)
    stage.service.gate.clear()
    count = stage.service.arrived
    (await stage.bot.call("POST", PING, {})).ok()
    await stage.service.until(lambda: stage.service.arrived > count)
    second = await stage.bot.call("POST", PING, {"transaction_id": "second"})
    assert (second.status, second.errcode) == (502, "M_CONNECTION_FAILED")
    assert stage.service.pings[-1] == "second"
    stage.service.gate.set()
    await stage.service.event(said)


async def test_typing_and_receipts(stage: Stage) -> None:
    """Ephemeral events of others and of our own ghosts are pushed beside the room's events."""
    ghost, user_id = await stage.ghost()
    room_id = await stage.room(ghost, stage.alice)
    said = (await ghost.send(room_id, "read me")).ok()["event_id"]
    (await ghost.call("PUT", f"{room(room_id)}/typing/{quote(user_id)}", {"typing": True, "timeout": 30_000})).ok()
    (await stage.alice.call("POST", f"{room(room_id)}/receipt/m.read/{quote(said)}", {})).ok()
    (await ghost.call("PUT", f"presence/{quote(user_id)}/status", {"presence": "online"})).ok()

    def seen(type: str) -> list[dict[str, Any]]:
        all_of_them = [event for one in stage.service.received for event in one.body.get("ephemeral", [])]
        return [event["content"] for event in all_of_them if event["type"] == type and event.get("room_id") == room_id]

    await stage.service.until(lambda: bool(seen("m.typing") and seen("m.receipt")))
    assert seen("m.typing")[0] == {"user_ids": [user_id]}
    assert isinstance(seen("m.receipt")[0][said]["m.read"][stage.alice_id]["ts"], int)
    foreign = await ghost.call("PUT", f"{room(room_id)}/typing/{quote(stage.alice_id)}", {"typing": True})
    assert (foreign.status, foreign.errcode) == (400, "M_FORBIDDEN")


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_what_a_restart_forgets(stage: Stage, end: str) -> None:
    """Sends with a device or a user's token stay known over a restart, sends without a device do not."""
    ghost, _ = await stage.ghost()
    device, _ = await stage.ghost(device=True)
    room_id = await stage.room(ghost, device, stage.alice)

    async def all_of_them() -> list[str]:
        target = (await device.send(room_id, "with a device", txn_id="D")).ok()["event_id"]
        return [
            target,
            (await device.redact(room_id, target, txn_id="DR")).ok()["event_id"],
            (await stage.alice.send(room_id, "a user", txn_id="U")).ok()["event_id"],
            (await ghost.send(room_id, "no device", txn_id="N")).ok()["event_id"],
        ]

    before = await all_of_them()
    await settled(stage, room_id)
    await getattr(stage.hs, end)()
    await stage.hs.start()
    after = await all_of_them()
    assert after[:3] == before[:3]
    assert after[3] != before[3]
    await stage.service.event(after[3])
    assert bodies(stage, room_id).count("no device") == 2
    assert bodies(stage, room_id).count("a user") == 1


async def test_transaction_ids_start_again(stage: Stage) -> None:
    """After a restart the count goes on from the transactions that are still unsent: from 1 when none is."""
    room_id = await stage.room()
    for number in range(5):
        await stage.service.event((await stage.bot.send(room_id, f"before {number}")).ok()["event_id"])
    # A transaction that was answered in the moment of the end counts as unsent and keeps its number; no answer
    # tells when it is through, so that an end which came too early is followed by another.
    for _ in range(4):
        await settled(stage, room_id)
        highest = int(stage.service.received[-1].txn_id)
        await stage.hs.stop()
        await stage.hs.start()
        count = len(stage.service.received)
        await stage.service.event((await stage.bot.send(room_id, "after")).ok()["event_id"])
        first = int(stage.service.received[count].txn_id)
        if first < highest:
            return
        assert first <= highest + 2
    pytest.fail("transaction IDs went on counting over four restarts")


async def test_a_restart_while_we_are_down(stage: Stage) -> None:
    """What was stored for us comes after the next new event, in order, and not before, not even on a ping."""
    room_id = await stage.room()
    await settled(stage, room_id)
    stage.service.answers.extend([(500, b"{}")] * 1000)
    waiting = [(await stage.bot.send(room_id, "waiting 0")).ok()["event_id"]]
    await stage.service.until(lambda: len(tries(stage, waiting[0])) >= 1)
    await a_while(stage)
    waiting += [(await stage.bot.send(room_id, f"waiting {number}")).ok()["event_id"] for number in (1, 2)]
    await a_while(stage)
    await stage.hs.stop()
    stage.service.answers.clear()
    await stage.hs.start()
    count = len(stage.service.received)
    (await stage.bot.call("POST", PING, {})).ok()
    await a_while(stage)
    assert stage.service.received[count:] == []
    last = (await stage.bot.send(room_id, "released")).ok()["event_id"]
    await stage.service.event(last)
    history = (await stage.bot.messages(room_id)).ok()["chunk"]
    assert {event["event_id"] for event in history} >= {*waiting, last}
    arrived = bodies(stage, room_id)[1:]
    assert arrived == [f"waiting {number}" for number in range(3)] + ["released"]
