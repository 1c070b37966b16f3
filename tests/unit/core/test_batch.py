"""What one batch writes: bars, seats, reasons and descriptions, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from sqlalchemy import Connection

from bridge.core.batch import ENCRYPTED
from bridge.core.items import Dropped, Echo, LinkChange, Placed, Skip, Submission
from bridge.model.deliveries import DeliveryKey
from bridge.model.errors import Refused
from bridge.model.events import Described, Edited, Joined, Left, Origin, Profiled, Removed, Said
from bridge.model.ids import WEB, EventId, PersonId
from bridge.model.rooms import Link, Room
from bridge.store import inbox, outbox, rooms, seats
from tests.fakes.tidy import TidyNetwork
from tests.rigs.installation import Installation
from tests.unit.core.rules import event

T = TypeVar("T")


class Place:
    """A room with one link, whose network sends nothing: all that is tested is what was written."""

    def __init__(self, world: Installation, room: Room, link: Link, anna: PersonId) -> None:
        self.world, self.room, self.link, self.anna = world, room, link, anna

    async def submit(self, *items: object) -> list[object]:
        return list(await self.world.hub.submit(self.room.id, list(items)))  # type: ignore[arg-type]

    def said(self, text: str, id: str, who: PersonId | None = None) -> Submission:
        return self.about(Said(text), id, who)

    def about(self, content: object, id: str, who: PersonId | None = None) -> Submission:
        made = event(Said(""), who or self.anna, id=id)
        return Submission(
            msgspec.structs.replace(
                made, room=self.room.id, origin=Origin(WEB, self.room.id, id), content=content, id=EventId(id)
            )
        )

    async def link_now(self) -> Link:
        (link,) = await self.world.links(self.room)
        return link

    async def states(self, seq: int) -> list[tuple[str, str]]:
        return [(d.state, d.reason) for d in await self.world.deliveries(self.room, seq)]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    network = TidyNetwork()
    async with Installation(tmp_path, network) as world:
        anna = await world.person("Anna")
        room = await world.room(anna)
        (link,) = await world.links(room)
        network.closed.add(link.chat)
        yield Place(world, room, link, anna)


async def test_lines_to_an_encrypted_chat_are_barred(place: Place) -> None:
    first, *_ = await place.submit(
        place.said("before", "a"),
        LinkChange(msgspec.structs.replace(place.link, state="encrypted")),
        place.said("after", "b"),
    )
    assert isinstance(first, Placed)
    assert await place.states(first.seq) == [("skipped", ENCRYPTED)]
    assert await place.states(first.seq + 1) == [("skipped", ENCRYPTED)]
    (later,) = await place.submit(place.said("later", "c"))
    assert isinstance(later, Placed)
    assert await place.states(later.seq) == [("skipped", ENCRYPTED)]


async def test_an_echo_tells_where_a_delivery_is(place: Place) -> None:
    (placed,) = await place.submit(place.said("hi", "a"))
    assert isinstance(placed, Placed)
    key = DeliveryKey(place.link.id, place.room.id, placed.seq)
    origin = Origin(place.link.network, place.link.chat, "$1")
    assert await place.submit(Echo(origin, key, 0)) == [Dropped("echo")]
    (delivery,) = await place.world.deliveries(place.room, placed.seq)
    assert (delivery.state, delivery.remote_id) == ("sent", "$1")
    # The echo of a second copy does not move it, and is remembered with its reason.
    second = Origin(place.link.network, place.link.chat, "$2")
    await place.submit(Echo(second, key, 0))
    (delivery,) = await place.world.deliveries(place.room, placed.seq)
    assert delivery.remote_id == "$1"
    outcomes = await place.world.db.read(lambda c: inbox.outcomes(c, [origin, second]))
    assert list(outcomes) == [second]


async def test_what_is_dropped_from_the_inbox_is_remembered_with_its_reason(place: Place) -> None:
    network, chat = place.link.network, place.link.chat

    def fill(connection: Connection) -> list[int]:
        rows = inbox.store(connection, network, [inbox.Arrival(chat, f"${n}", b"{}") for n in range(4)])
        return [row.id for row in rows]

    ids = await place.world.db.write(fill)
    marco = await place.world.people.at(network, "@marco", "Marco")

    def from_there(content: object, number: int, target: str | None = None) -> Submission:
        made = place.about(content, f"x{number}", marco)
        origin = Origin(network, chat, f"${number}")
        about = None if target is None else Origin(network, chat, target)
        return Submission(msgspec.structs.replace(made.event, origin=origin), about, ids[number])

    results = await place.submit(
        from_there(Said("hi"), 0),
        from_there(Edited(EventId(""), "new"), 1, "$unknown"),
        from_there(Left(), 2),
        Skip(Origin(network, chat, "$3"), "not for the room", ids[3]),
    )
    assert [type(result) for result in results] == [Placed, Dropped, Dropped, Dropped]
    left, dropped = await place.world.db.read(
        lambda c: (inbox.counts(c), inbox.outcomes(c, [Origin(network, chat, f"${n}") for n in range(4)]))
    )
    assert left["waiting"] == 0
    assert {origin.id: reason for origin, (_, reason) in dropped.items()} == {
        "$1": "target unknown",
        "$2": "was not in the room",
        "$3": "not for the room",
    }


async def test_a_refusal_touches_nothing_else(place: Place) -> None:
    stranger = await place.world.person("Stranger")
    results = await place.submit(place.said("a", "a"), place.said("no", "b", stranger), place.said("c", "c"))
    assert [type(result) for result in results] == [Placed, Refused, Placed]
    first, _, last = results
    assert isinstance(first, Placed)
    assert isinstance(last, Placed)
    assert last.seq == first.seq + 1


async def test_the_same_origin_twice_in_one_batch_and_in_the_next(place: Place) -> None:
    first, second = await place.submit(place.said("hi", "a"), place.said("other words", "a"))
    assert isinstance(first, Placed)
    assert second == msgspec.structs.replace(first, fresh=False)
    again, new = await place.submit(place.said("third", "a"), place.said("new", "b"))
    assert again == msgspec.structs.replace(first, fresh=False)
    assert isinstance(new, Placed)
    assert new.seq == first.seq + 1
    assert (await place.world.log(place.room.id))[-2:] == [Said("hi"), Said("new")]


async def test_said_edited_and_removed_in_one_batch(place: Place) -> None:
    said, *_ = await place.submit(
        place.said("secret too", "a"),
        place.about(Edited(EventId("a"), "secret"), "b"),
        place.about(Removed(EventId("a")), "c"),
    )
    assert isinstance(said, Placed)
    (line,) = await place.world.hub.page(place.room.id, before=said.seq + 1, limit=1)
    assert line.entry.present is None
    assert line.entry.removed_at is not None
    assert line.entry.version == 1
    raw = await place.world.hub.page(place.room.id, after=said.seq - 1, raw=True)
    assert "secret" not in repr(raw)
    assert [entry.entry.erased for entry in raw] == ["said", "edited", ""]


# seats


async def wanted(place: Place, person: PersonId) -> tuple[str, str] | None:
    seat = await place.world.db.read(lambda c: seats.get(c, place.link.id, person))
    return None if seat is None else (seat.wanted, seat.shown)


async def test_who_comes_and_goes_is_wanted_and_not_wanted(place: Place) -> None:
    bela = await place.world.person("Bela")
    await place.submit(place.about(Joined("Bela"), "a", bela))
    assert await wanted(place, bela) == ("joined", "Bela")
    await place.submit(place.about(Profiled("Belana"), "b", bela), place.about(Left(), "c", bela))
    assert await wanted(place, bela) == ("left", "Belana")


async def test_nobody_is_wanted_where_they_are_at_home(place: Place) -> None:
    visitor = await place.world.visitor(place.link, "@marco")
    await visitor.do(Joined("Marco"))
    assert await wanted(place, visitor.person) is None


async def test_where_ghosts_come_to_speak_a_new_name_brings_none_in(tmp_path: Path) -> None:
    async with Installation(tmp_path, TidyNetwork(), seat_all=False) as world:
        anna = await world.person("Anna")
        room = await world.room(anna)
        (link,) = await world.links(room)
        await world.native.set_profile(anna, name="Annabel")
        assert await world.db.read(lambda c: seats.get(c, link.id, anna)) is None


async def test_a_profile_has_a_name_of_this_chat_alone_shown_anew(place: Place) -> None:
    twin = await place.world.person("Anna", login="anna2")
    await place.world.native.join(place.room.id, twin)

    def settle(connection: Connection) -> None:
        for person, shown in ((twin, "Anna (anna2)"), (place.anna, "Anna")):
            seats.record(connection, place.link.id, person, "joined", shown_set=shown)

    await place.world.db.write(settle)
    for person in (twin, place.anna):
        await place.world.native.set_profile(person, avatar="blob:new")
    unsettled = await place.world.db.read(lambda c: seats.unsettled(c, place.link.network))
    # Networks put the new picture's profile, with the plain name, over the name of the one chat.
    assert [seat.person for seat in unsettled] == [twin]


# descriptions


async def test_the_chat_that_described_is_known_to_show_it(place: Place) -> None:
    visitor = await place.world.visitor(place.link, "@marco")
    await visitor.do(Described(name="Market"))
    link, room = await place.link_now(), await place.world.db.read(lambda c: rooms.get(c, place.room.id))
    assert room is not None
    assert room.name == "Market"
    assert link.described == room.description


async def test_a_chat_that_lacks_something_of_ours_is_still_written_to(place: Place) -> None:
    await place.world.native.describe(place.room.id, place.anna, topic="news")
    visitor = await place.world.visitor(place.link, "@marco")
    await visitor.do(Described(name="Market"))
    link, room = await place.link_now(), await place.world.db.read(lambda c: rooms.get(c, place.room.id))
    assert room is not None
    assert (room.name, room.topic) == ("Market", "news")
    assert link.described != room.description


async def test_outbox_counts_by_network_and_state(place: Place) -> None:
    await place.submit(place.said("a", "a"), place.said("b", "b"))
    counts = await place.world.db.read(outbox.counts)
    assert counts[place.link.network, "waiting"] == 2
