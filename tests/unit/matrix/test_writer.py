"""Deliveries on the homeserver: as the ghost, marked, found again, taken back by whoever may."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bridge.model.deliveries import Outgoing, Wording
from bridge.model.errors import NotJoined, Rejected
from bridge.model.events import Removed
from bridge.model.ids import RIALTO, EventId
from bridge.model.rooms import Link
from bridge.networks.matrix import writer as writer_module
from bridge.networks.matrix.writer import MOST_BYTES, Writer
from tests.rigs.installation import Installation
from tests.rigs.matrix_side import WEB_URL, MatrixSide
from tests.unit.matrix.deliveries import outgoing


class Place:
    """A portal with Anna's ghost in it."""

    def __init__(self, side: MatrixSide, world: Installation, link: Link, ghost: str, writer: Writer) -> None:
        self.side, self.world, self.link, self.ghost, self.writer = side, world, link, ghost, writer
        self.sender: Any = None

    def out(self, text: str = "hi", **changes: Any) -> Outgoing:
        """A line of Anna's for this portal, far beyond the numbers that the room gives."""
        changes = {"seq": 1_000, "room": self.link.room, "sender": self.sender, **changes}
        made = outgoing(text, **changes)
        key = msgspec.structs.replace(made.key, link=self.link.id)
        return msgspec.structs.replace(made, key=key, link=self.link)


@pytest.fixture
async def place(world: Installation, side: MatrixSide) -> Place:
    anna = await world.person("Anna")
    room = await world.native.found_room("Piazza", anna)
    link = await side.portal(room)
    await world.native.say(room.id, anna, "first")
    await side.settle()
    made = Place(side, world, link, side.ghost(anna), side.network._writer)
    made.sender = await world.hub.member(room.id, anna)
    return made


async def test_a_line_is_the_ghosts_and_keeps_its_time(place: Place) -> None:
    sent = await place.writer.deliver(place.out())
    event = place.side.hs.world.by_id[str(sent.remote_id)]
    assert (event.sender, event.ts) == (place.ghost, 1_700_000_000_000)
    assert event.content["external_url"] == f"{WEB_URL}/rooms/{place.link.room}#1000"
    request = next(note for note in reversed(place.side.hs.requests) if "/send/" in note.path)
    assert request.query["device_id"] == "RIALTO"


async def test_the_same_request_again_is_the_same_event(place: Place) -> None:
    first = await place.writer.deliver(place.out())
    await place.side.hs.restart()
    assert await place.writer.deliver(place.out()) == first
    assert await place.writer.deliver(place.out(part=1)) != first


async def test_rialto_itself_speaks_through_the_bot(place: Place) -> None:
    bot = msgspec.structs.replace(place.sender, home=RIALTO)
    sent = await place.writer.deliver(place.out(sender=bot))
    assert place.side.hs.world.by_id[str(sent.remote_id)].sender == place.side.network.naming.bot


async def test_a_ghost_takes_back_its_own_and_the_bot_the_others(place: Place) -> None:
    marco, _ = await place.side.user("marco")
    (await marco.join(place.link.chat)).ok()
    theirs = (await marco.send(place.link.chat, "spam")).ok()["event_id"]
    ours = (await place.writer.deliver(place.out())).remote_id
    for target, by, seq in ((ours, place.ghost, 1_001), (theirs, place.side.network.naming.bot, 1_002)):
        removal = place.out(wording=None, target=target, content=Removed(EventId("e"), "tidying up"), seq=seq)
        sent = await place.writer.deliver(removal)
        event = place.side.hs.world.by_id[str(sent.remote_id)]
        assert event.sender == by
        assert event.content["reason"] == "tidying up"
        assert place.side.hs.world.by_id[str(target)].redacted_by is event
        assert await place.writer.deliver(removal) == sent, "a redaction keeps its transaction ID"


async def test_a_ghost_that_is_not_in_the_room_is_said_so(place: Place) -> None:
    other = await place.world.person("Bela")
    await place.side.network._ghosts.ready(other)
    bela = msgspec.structs.replace(place.sender, person=other)
    with pytest.raises(NotJoined):
        await place.writer.deliver(place.out(sender=bela))


async def test_a_delivery_is_found_by_its_mark_and_only_by_ours(place: Place) -> None:
    out = place.out()
    assert await place.writer.find(out) is None
    marco, _ = await place.side.user("marco")
    (await marco.join(place.link.chat)).ok()
    copied = place.writer.content(out, Wording("hi"))
    (await marco.send(place.link.chat, copied)).ok()
    assert await place.writer.find(out) is None, "anyone can copy a mark"
    sent = await place.writer.deliver(out)
    assert await place.writer.find(out) == sent
    assert await place.writer.find(msgspec.structs.replace(out, wording=None)) == sent
    assert await place.writer.find(place.out(part=1)) is None


async def test_a_history_that_is_too_long_to_look_through_is_no_answer(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "FIND_PAGES", 2)
    marco, _ = await place.side.user("marco")
    (await marco.join(place.link.chat)).ok()
    out = place.out()
    await place.writer.deliver(out)
    for number in range(230):
        (await marco.send(place.link.chat, str(number))).ok()
    with pytest.raises(Rejected, match="not known whether it arrived"):
        await place.writer.find(out)


@pytest.mark.parametrize("text", ["x" * 16_384, "\n" * 16_384, "é" * 8_192, '"' * 16_384])
async def test_the_longest_line_of_the_page_can_be_edited(place: Place, text: str) -> None:
    """Its words are in the event twice; an event has at most 65,536 bytes."""
    first = await place.writer.deliver(place.out())
    wording = Wording(text, "<p>" + "x" * 30_000)
    edit = place.out(wording=wording, target=first.remote_id, seq=1_001)
    sent = await place.writer.deliver(edit)
    content = place.side.hs.world.by_id[str(sent.remote_id)].content
    assert content["m.new_content"]["body"] == text
    assert len(msgspec.json.encode(content)) < MOST_BYTES + 5_000


async def test_an_edit_replaces_what_is_shown(place: Place) -> None:
    first = await place.writer.deliver(place.out("old"))
    await place.writer.deliver(place.out("new", target=first.remote_id, seq=1_001))
    assert place.side.bodies(place.link.chat) == ["first", "new"]
