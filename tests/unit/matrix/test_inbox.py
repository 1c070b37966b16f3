"""Transactions on their way to their rooms: repeats, poison, order, and what is not for us."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bridge.core import why
from bridge.core.items import Failed, Item, Result
from bridge.model.events import Joined, Left, Said, Told
from bridge.model.ids import MATRIX, RoomId
from bridge.model.rooms import Link, Room
from bridge.networks.matrix.wire import InboxEvent, Transaction
from bridge.store import inbox, rooms
from tests.rigs.caller import Caller
from tests.rigs.installation import Installation
from tests.rigs.matrix_side import MatrixSide


class Place:
    """A portal with Marco in it."""

    def __init__(self, side: MatrixSide, world: Installation, room: Room, link: Link, marco: Caller) -> None:
        self.side, self.world, self.room, self.link, self.marco = side, world, room, link, marco

    async def send(self, *texts: str) -> list[str]:
        return [(await self.marco.send(self.link.chat, text)).ok()["event_id"] for text in texts]

    async def said(self) -> list[str]:
        return [content.text for content in await self.world.log(self.room.id) if isinstance(content, Said)]

    async def counts(self) -> dict[str, int]:
        return dict(await self.world.db.read(inbox.counts))

    async def push(self, *events: dict[str, Any], txn: str | None = None) -> bool:
        """Hand over events as a transaction, past the homeserver; whether it was new."""
        following = str((self.side.network.inbox._last_txn or 0) + 1)
        made = [InboxEvent(e["event_id"], e["room_id"], e["type"], e["sender"], json.dumps(e).encode()) for e in events]
        return await self.side.network.inbox.take(Transaction(txn or following, made, [], [], []))

    def event(self, name: str, text: str, **more: Any) -> dict[str, Any]:
        return {
            "event_id": name,
            "room_id": self.link.chat,
            "type": "m.room.message",
            "sender": "@marco:localhost",
            "content": {"msgtype": "m.text", "body": text},
            "origin_server_ts": 1,
            **more,
        }


@pytest.fixture
async def place(world: Installation, side: MatrixSide) -> Place:
    anna = await world.person("Anna")
    room = await world.native.found_room("Piazza", anna)
    link = await side.portal(room)
    marco, _ = await side.user("marco")
    (await marco.join(link.chat)).ok()
    await side.settle()
    return Place(side, world, room, link, marco)


async def test_what_is_said_there_is_said_here_once_and_in_order(place: Place) -> None:
    await place.send(*(f"line {number}" for number in range(40)))
    await place.side.settle()
    assert await place.said() == [f"line {number}" for number in range(40)]
    assert await place.counts() == {"waiting": 0, "quarantined": 0}


async def test_a_repeated_transaction_changes_nothing(place: Place) -> None:
    await place.send("once")
    await place.side.settle()
    assert (await place.side.hs.repeat_transaction())[0] == 200
    await place.side.settle()
    assert await place.said() == ["once"]
    assert place.side.network.figures()["repeated_transactions"] == 1


async def test_numbers_that_start_again_are_no_repeats(place: Place) -> None:
    """Whatever the numbers are: other events are another transaction, and the same events are never said twice."""
    assert await place.push(place.event("$a", "one"), txn="1")
    assert await place.push(place.event("$b", "two"), txn="1")
    assert not await place.push(place.event("$b", "two"), txn="1")
    assert await place.push(place.event("$b", "two"), place.event("$c", "three"), txn="2")
    await place.side.settle()
    assert await place.said() == ["one", "two", "three"]


async def test_one_event_twice_in_a_transaction_is_one_line(place: Place) -> None:
    await place.push(place.event("$a", "one"), place.event("$a", "one"), place.event("$b", "two"))
    await place.side.settle()
    assert await place.said() == ["one", "two"]


async def test_events_of_rooms_that_are_not_ours_are_dropped_with_the_reason(place: Place) -> None:
    other = await place.marco.create_room(preset="public_chat")
    (await place.marco.member(other, "invite", user_id=place.side.network.naming.bot)).ok()
    await place.push(place.event("$x", "lost", room_id="!elsewhere:hs"), place.event("$y", "kept"))
    await place.side.settle()
    assert await place.said() == ["kept"]
    (account,) = await why.why(place.world.hub, "$x")
    assert (account.where, account.detail) == ("dropped", "no room is linked to this chat")
    assert await place.counts() == {"waiting": 0, "quarantined": 0}


async def test_ephemeral_things_do_no_harm(place: Place) -> None:
    body = {
        "events": [place.event("$a", "one")],
        "ephemeral": [{"type": "m.typing", "room_id": place.link.chat, "content": {"user_ids": 7}}, {}, {"type": 3}],
        "de.sorunome.msc2409.ephemeral": "odd",
        "de.sorunome.msc2409.to_device": [[]],
    }
    status, answer = await place.side.hs.push_raw(4711, json.dumps(body).encode())
    assert (status, json.loads(answer)) == (200, {})
    await place.side.settle()
    assert await place.said() == ["one"]


async def test_edits_and_removals_by_others(place: Place) -> None:
    lucia, _ = await place.side.user("lucia")
    (await lucia.join(place.link.chat)).ok()
    (line,) = await place.send("mine")
    relation = {"rel_type": "m.replace", "event_id": line}
    forged = {"msgtype": "m.text", "body": "* x", "m.new_content": {"msgtype": "m.text", "body": "forged"}}
    forged["m.relates_to"] = relation
    edit = (await lucia.send(place.link.chat, forged)).ok()["event_id"]
    await place.side.settle()
    assert await place.said() == ["mine"]
    (account,) = await why.why(place.world.hub, edit)
    assert account.detail == "an edit by someone else"
    mine = {**forged, "m.new_content": {"msgtype": "m.text", "body": "better"}}
    (await place.marco.send(place.link.chat, mine)).ok()
    await place.side.settle()
    assert await place.said() == ["better"]
    (await place.marco.redact(place.link.chat, line)).ok()
    await place.side.settle()
    assert await place.said() == []


async def test_a_reply_to_our_line_finds_it_though_our_send_was_never_answered(place: Place) -> None:
    """The echo comes before everything that refers to it."""
    anna = (await place.world.hub.snapshot(place.room.id) or pytest.fail("no room")).room.creator
    hold = place.side.hs.hold("PUT", "/send/m.room.message/rialto", after=True)
    await place.world.native.say(place.room.id, anna, "oops")
    await hold.entered.wait()
    (event,) = place.side.events(place.link.chat)
    bot = place.side.bot()
    (await bot.redact(place.link.chat, event.event_id, txn_id="by hand")).ok()
    (await place.marco.send(place.link.chat, "last")).ok()
    await place.side.hs.pushed()
    hold.release()
    await place.side.settle()
    assert len(place.side.events(place.link.chat)) == 2, "sent once"
    assert await place.said() == ["oops", "last"]  # the bot's own redaction carries no mark of a removal here


async def test_a_copied_mark_is_no_echo(place: Place) -> None:
    anna = (await place.world.hub.snapshot(place.room.id) or pytest.fail("no room")).room.creator
    first = await place.world.native.say(place.room.id, anna, "hi")
    await place.side.settle()
    (event,) = place.side.events(place.link.chat)
    (await place.marco.send(place.link.chat, {**event.content, "body": "I am Anna"})).ok()
    await place.side.settle()
    assert await place.said() == ["hi", "I am Anna"]
    (delivery,) = await place.world.deliveries(place.room, first.seq)
    assert delivery.remote_id == event.event_id


# ghosts


async def test_a_ghost_that_was_kicked_comes_back_to_speak_and_one_that_is_banned_does_not(place: Place) -> None:
    anna = (await place.world.hub.snapshot(place.room.id) or pytest.fail("no room")).room.creator
    ghost, bot = place.side.ghost(anna), place.side.bot()
    for action, heard in (("kick", True), ("ban", False)):
        (await bot.member(place.link.chat, action, user_id=ghost, reason="spam")).ok()
        await place.side.settle()
        await place.world.native.say(place.room.id, anna, f"after the {action}")
        await place.side.settle()
        assert (f"after the {action}" in place.side.bodies(place.link.chat)) is heard
    (letter,) = await why.dead_letters(place.world.hub)
    assert letter.reason == "banned from the Matrix room"
    told = [content for content in await place.world.log(place.room.id) if isinstance(content, Told)]
    assert [line.key for line in told] == ["delivery_failed"]
    await place.send("marco goes on")
    await place.side.settle()
    assert (await place.said())[-1] == "marco goes on"


async def test_people_come_and_go(place: Place) -> None:
    (await place.marco.member(place.link.chat, "leave")).ok()
    (await place.marco.join(place.link.chat)).ok()
    lucia, _ = await place.side.user("lucia")
    (await lucia.join(place.link.chat)).ok()
    bot = place.side.bot()
    (await bot.member(place.link.chat, "kick", user_id="@lucia:localhost", reason="spam")).ok()
    await place.side.settle()
    log = await place.world.log(place.room.id)
    moves = [content for content in log if isinstance(content, Joined | Left)]
    assert [type(move).__name__ for move in moves[-4:]] == ["Left", "Joined", "Joined", "Left"]
    assert moves[-1] == Left("kicked", place.world.people.bot, "spam")


# encryption


async def test_from_encryption_on_nothing_is_sent_and_it_is_said_once(place: Place) -> None:
    anna = (await place.world.hub.snapshot(place.room.id) or pytest.fail("no room")).room.creator
    place.side.hs.fail_next("PUT", "/send/", 503, "M_UNKNOWN", count=10_000)
    for text in ("secret one", "secret two"):
        await place.world.native.say(place.room.id, anna, text)
    bot = place.side.bot()
    for _ in range(2):
        (await bot.put_state(place.link.chat, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})).ok()
    (link,) = await place.world.links(place.room)
    while link.state != "encrypted":
        await asyncio.sleep(0.005)
        (link,) = await place.world.links(place.room)
    place.side.hs.faults._failures.clear()
    await place.world.native.say(place.room.id, anna, "secret three")
    await place.side.settle()
    assert place.side.events(place.link.chat) == []
    told = [content for content in await place.world.log(place.room.id) if isinstance(content, Told)]
    assert told == [Told("encrypted", {"network": "matrix"})]
    # Also not after a restart, when what waited is looked at again.
    await place.world.restart()
    await place.world.native.say(place.room.id, anna, "secret four")
    await asyncio.sleep(0)
    await place.world.idle()
    assert place.side.events(place.link.chat) == []


# poison


class Poisoned:
    """Stands before the hub: submissions with a word in them fail (or end the process, as far as can be seen)."""

    def __init__(self, place: Place, monkeypatch: pytest.MonkeyPatch, *, word: str = "poison") -> None:
        self._submit = place.world.hub.submit
        self.tries = 0
        self.word = word
        monkeypatch.setattr(place.side.network.inbox, "_hub", self)

    async def submit(self, room: RoomId, items: list[Item]) -> list[Result]:
        if self.word and self.word in repr(items):
            self.tries += 1
            return [Failed(ZeroDivisionError("a bug")) for _ in items]
        return await self._submit(room, items)


async def test_a_poisonous_event_is_set_aside_after_its_tries_and_can_be_released(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Poisoned(place, monkeypatch)
    await place.push(*(place.event(f"${number}", "poison" if number == 3 else f"line {number}") for number in range(6)))
    await place.side.settle()
    while (await place.counts())["waiting"]:
        await asyncio.sleep(0.005)
    assert await place.said() == ["line 0", "line 1", "line 2", "line 4", "line 5"]
    assert await place.counts() == {"waiting": 0, "quarantined": 1}
    (account,) = await why.why(place.world.hub, "$3")
    assert (account.where, account.detail) == ("quarantine", "its processing ended 4 times without a result")
    tries = hub.tries
    await place.send("after")
    await place.side.settle()
    assert hub.tries == tries, "it is not tried again by itself"
    hub.word = ""
    assert await place.side.network.inbox.release() == 1
    await place.side.settle()
    assert (await place.said())[-1] == "poison"


async def test_neighbours_of_what_ends_the_process_are_not_set_aside(place: Place) -> None:
    """Four starts in a row end while the same event is in hand; those read beside it had no part in that."""
    feed = place.side.network.inbox
    feed.close_gate(place.link.chat)
    await place.push(*(place.event(f"${number}", f"line {number}") for number in range(5)))
    for _ in range(4):
        rows = await feed.waiting(place.link.chat, 0)
        assert rows
    rows = await feed.waiting(place.link.chat, 0)
    assert [row.origin for row in rows] == ["$1"]
    counts = await place.counts()
    assert counts["quarantined"] == 1
    feed.open_gate(place.link.chat)
    await place.side.settle()
    while (await place.counts())["waiting"]:
        await asyncio.sleep(0.005)
    assert [text for text in await place.said() if text.startswith("line")] == [f"line {n}" for n in (1, 2, 3, 4)]


async def test_a_failure_that_passes_changes_no_order(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Poisoned(place, monkeypatch, word="line 2")
    await place.push(*(place.event(f"${number}", f"line {number}") for number in range(6)))
    while hub.tries < 2:
        await asyncio.sleep(0.001)
    hub.word = ""
    while (await place.counts())["waiting"]:
        await asyncio.sleep(0.005)
    assert await place.said() == [f"line {number}" for number in range(6)]


async def test_a_database_that_fails_for_a_while_loses_no_order(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits in the table is read again, and nothing overtakes it."""
    waiting = inbox.waiting
    failures = [OperationalError("SELECT", {}, Exception("disk I/O error")) for _ in range(3)]

    def failing(*arguments: Any, **more: Any) -> Any:
        if failures:
            raise failures.pop()
        return waiting(*arguments, **more)

    feed = place.side.network.inbox
    feed.close_gate(place.link.chat)
    await place.push(place.event("$1", "one"), place.event("$2", "two"))
    monkeypatch.setattr(inbox, "waiting", failing)
    feed.open_gate(place.link.chat)
    await place.push(place.event("$3", "three"))
    while (await place.counts())["waiting"]:
        await asyncio.sleep(0.005)
    assert await place.said() == ["one", "two", "three"]


async def test_a_room_that_is_busy_makes_its_own_events_wait(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many more than fit in memory: they stay in the table and come in order."""
    from bridge.networks.matrix import inbox as module

    monkeypatch.setattr(module, "IN_MEMORY", 10)
    monkeypatch.setattr(module, "GROUP", 4)
    for start in range(0, 60, 5):
        await place.push(*(place.event(f"${n}", f"line {n}") for n in range(start, start + 5)))
    while (await place.counts())["waiting"]:
        await asyncio.sleep(0.005)
    assert await place.said() == [f"line {number}" for number in range(60)]
    assert await place.world.db.read(lambda c: rooms.by_chat(c, MATRIX, place.link.chat)) is not None
