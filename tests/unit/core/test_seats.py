"""The member scheduler: speakers first, joins and leaves that cancel, and one stuck chat that delays nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from bridge.core.seats import AT_ONCE_IN_A_CHAT
from bridge.model.clock import now_ms
from bridge.model.errors import AuthFailed, Rejected, Unreachable
from bridge.model.ids import PersonId
from bridge.model.people import Ghost
from bridge.model.rooms import Link, Room
from bridge.store import people as people_rows
from bridge.store import seats
from bridge.store.seats import Seat
from bridge.store.tables import accounts
from tests.fakes.tidy import PeopledNetwork
from tests.rigs.installation import Installation


@pytest.fixture
def network() -> PeopledNetwork:
    return PeopledNetwork()


@pytest.fixture
async def world(tmp_path: Path, network: PeopledNetwork) -> AsyncIterator[Installation]:
    async with Installation(tmp_path, network) as made:
        yield made


async def people(world: Installation, count: int, name: str = "Person") -> list[PersonId]:
    return [await world.person(f"{name} {number}") for number in range(count)]


async def becomes(world: Installation, link: Link, person: PersonId, actual: str) -> Seat:
    """Return a seat once the table says that it is so."""
    async with asyncio.timeout(10):
        while True:
            seat = await world.db.read(lambda c: seats.get(c, link.id, person))
            if seat is not None and seat.actual == actual:
                return seat


async def one_link(world: Installation, room: Room) -> Link:
    (link,) = await world.links(room)
    return link


def tried(network: PeopledNetwork) -> list[PersonId]:
    return [person for move, person in network.moves if move == "try"]


async def test_who_comes_in_gets_a_ghost_and_who_goes_loses_it(world: Installation, network: PeopledNetwork) -> None:
    (anna,) = await people(world, 1)
    room = await world.room(anna)
    link = await one_link(world, room)
    await network.until(lambda: network.seats == {(link.id, anna): "Person 0"})
    await world.native.leave(room.id, anna)
    await network.until(lambda: network.seats == {})


async def test_a_join_and_a_leave_cancel(world: Installation, network: PeopledNetwork) -> None:
    first, *others = await people(world, 5)
    room = await world.room()
    blocked = others[:AT_ONCE_IN_A_CHAT]
    for person in blocked:
        network.held[person] = asyncio.Event()
        await world.native.join(room.id, person)
    await network.until(lambda: set(tried(network)) == set(blocked))
    await world.native.join(room.id, first)
    await world.native.leave(room.id, first)
    await world.native.join(room.id, others[-1])
    for hold in network.held.values():
        hold.set()
    link = await one_link(world, room)
    await network.until(lambda: set(network.seats) == {(link.id, person) for person in (*blocked, others[-1])})
    assert first not in tried(network)


async def test_a_speaker_goes_first(world: Installation, network: PeopledNetwork) -> None:
    everyone = await people(world, 12)
    room = await world.room()
    for person in everyone[:AT_ONCE_IN_A_CHAT]:
        network.held[person] = asyncio.Event()
    for person in everyone:
        await world.native.join(room.id, person)
    await network.until(lambda: len(tried(network)) == AT_ONCE_IN_A_CHAT)
    speaker = everyone[-1]
    await world.native.say(room.id, speaker, "me first")
    await network.until(lambda: len(network.requests) == 0)
    # The lane asks for the seat by itself: wait until it is in the queue.
    scheduler = world.hub._seats[network.id]
    link = await one_link(world, room)
    while (link.id, speaker) not in scheduler._waiters:
        await world.db.read(lambda connection: None)
    for hold in network.held.values():
        hold.set()
    await network.until(lambda: len(network.seats) == 12)
    # Two workers go on at once, and either may be the first to ask.
    assert tried(network).index(speaker) < 2 * AT_ONCE_IN_A_CHAT
    await world.idle()
    assert network.texts(link.chat) == ["me first"]


async def test_a_refused_ghost_is_noted_and_not_tried_again_by_itself(
    world: Installation, network: PeopledNetwork
) -> None:
    anna, bela = await people(world, 2)
    network.seat_faults[anna] = [Rejected("banned", status=403)]
    room = await world.room(anna, bela)
    link = await one_link(world, room)
    await network.until(lambda: (link.id, bela) in network.seats)
    assert (await becomes(world, link, anna, "refused")).reason == "banned"
    await world.restart()
    (third,) = await people(world, 1, "Late")
    await world.native.join(room.id, third)
    await network.until(lambda: (link.id, third) in network.seats)
    assert tried(network).count(anna) == 1


@pytest.mark.parametrize("error", [Unreachable("reset"), AuthFailed("401"), ZeroDivisionError("a bug")])
async def test_a_failure_that_passes_is_tried_again(
    world: Installation, network: PeopledNetwork, error: Exception
) -> None:
    anna, bela = await people(world, 2)
    network.seat_faults[anna] = [error] * 5
    room = await world.room(anna, bela)
    link = await one_link(world, room)
    await network.until(lambda: len(network.seats) == 2)
    assert tried(network).count(anna) == 6
    await world.native.say(room.id, anna, "hi")
    await network.until(lambda: network.texts(link.chat) == ["hi"])


async def test_a_chat_in_which_joins_hang_delays_no_other_chat(world: Installation, network: PeopledNetwork) -> None:
    everyone = await people(world, 40)
    stuck = await world.room()
    for person in everyone:
        network.held[person] = asyncio.Event()
        await world.native.join(stuck.id, person)
    await network.until(lambda: len(tried(network)) == AT_ONCE_IN_A_CHAT)
    (free,) = await people(world, 1, "Free")
    other = await world.room(free, name="Market")
    link = await one_link(world, other)
    await world.native.say(other.id, free, "hi")
    await network.until(lambda: network.texts(link.chat) == ["hi"])
    assert len(set(tried(network))) == AT_ONCE_IN_A_CHAT + 1
    for hold in network.held.values():
        hold.set()
    await network.until(lambda: len(network.seats) == 41)


async def test_a_new_name_is_shown(world: Installation, network: PeopledNetwork) -> None:
    (anna,) = await people(world, 1)
    room = await world.room(anna)
    link = await one_link(world, room)
    await network.until(lambda: network.seats.get((link.id, anna)) == "Person 0")
    await world.native.set_profile(anna, name="Annabel")
    await network.until(lambda: network.seats.get((link.id, anna)) == "Annabel")


async def test_a_line_waits_for_the_name_that_it_is_said_under(world: Installation, network: PeopledNetwork) -> None:
    (anna,) = await people(world, 1)
    room = await world.room(anna)
    link = await one_link(world, room)
    await network.until(lambda: network.seats.get((link.id, anna)) == "Person 0")
    network.closed.add(link.chat)
    await world.native.say(room.id, anna, "hi")
    await world.native.set_profile(anna, name="Annabel")
    network.closed.clear()
    world.hub.wake(link.id)
    await network.until(lambda: len(network.chats.get(link.chat, [])) == 1)
    assert network.chats[link.chat][0].who == "Annabel"
    assert network.seats[link.id, anna] == "Annabel"


async def test_what_was_not_settled_at_a_stop_is_taken_up(world: Installation, network: PeopledNetwork) -> None:
    anna, bela = await people(world, 2)
    network.held = {person: asyncio.Event() for person in (anna, bela)}
    room = await world.room(anna, bela)
    link = await one_link(world, room)
    await network.until(lambda: len(tried(network)) == 2)
    await world.stop()
    network.held.clear()
    await world.start()
    await network.until(lambda: set(network.seats) == {(link.id, anna), (link.id, bela)})


async def test_a_kick_is_believed_and_ended_by_the_next_line(world: Installation, network: PeopledNetwork) -> None:
    (anna,) = await people(world, 1)
    room = await world.room(anna)
    link = await one_link(world, room)
    await becomes(world, link, anna, "joined")
    network.seats.clear()
    await world.hub.seat_observed(link, anna, "left", "kicked by @mod")
    seat = await world.db.read(lambda c: seats.get(c, link.id, anna))
    assert seat is not None
    assert (seat.wanted, seat.actual, seat.reason) == ("joined", "left", "kicked by @mod")
    await world.native.say(room.id, anna, "back")
    await network.until(lambda: network.texts(link.chat) == ["back"])
    assert network.seats == {(link.id, anna): "Person 0"}


async def test_ghosts_that_come_to_speak(tmp_path: Path, network: PeopledNetwork) -> None:
    async with Installation(tmp_path, network, seat_all=False) as world:
        anna, bela = await people(world, 2)
        room = await world.room(anna, bela)
        link = await one_link(world, room)
        await world.native.say(room.id, bela, "hi")
        await network.until(lambda: network.texts(link.chat) == ["hi"])
        assert tried(network) == [bela]
        await world.native.leave(room.id, bela)
        await network.until(lambda: network.seats == {})


async def newcomer(world: Installation, name: str, seconds: float) -> PersonId:
    """Make somebody who is new here for so long."""
    person = await world.person(name)
    until = now_ms() + int(seconds * 1000)
    mine = accounts.c.person == person
    await world.db.write(lambda c: c.execute(update(accounts).where(mine).values(newcomer_until=until)))
    return person


async def test_a_newcomers_ghost_is_made_when_the_newcomer_speaks(
    world: Installation, network: PeopledNetwork
) -> None:
    anna = await world.person("Anna")
    nino, nina = [await newcomer(world, name, 3600) for name in ("Nino", "Nina")]
    room = await world.room(nino, nina, anna)
    link = await one_link(world, room)
    await network.until(lambda: network.seats == {(link.id, anna): "Anna"})
    await world.native.say(room.id, nino, "hello")
    await network.until(lambda: (link.id, nino) in network.seats)
    await world.idle()
    assert nina not in tried(network)
    # It is wanted all the same, and a restart changes nothing.
    await world.restart()
    await world.native.say(room.id, anna, "is Nina there?")
    await world.idle()
    assert nina not in tried(network)
    seat = await world.db.read(lambda c: seats.get(c, link.id, nina))
    assert seat is not None
    assert (seat.wanted, seat.actual) == ("joined", "left")
    await world.native.leave(room.id, nina)
    await world.native.leave(room.id, nino)
    await network.until(lambda: network.seats == {(link.id, anna): "Anna"})
    assert nina not in tried(network)


async def test_who_is_not_new_any_more_gets_a_ghost(world: Installation, network: PeopledNetwork) -> None:
    nina = await newcomer(world, "Nina", 0.3)
    room = await world.room(nina)
    link = await one_link(world, room)
    await network.until(lambda: network.seats == {(link.id, nina): "Nina"})


async def test_a_newcomer_with_a_ghost_comes_in_elsewhere_too(world: Installation, network: PeopledNetwork) -> None:
    nina = await newcomer(world, "Nina", 3600)
    await world.db.write(lambda c: people_rows.ghost(c, nina, network.id, "@ghost"))
    made = Ghost(nina, network.id, "@ghost", registered=True)
    await world.db.write(lambda c: people_rows.save_ghost(c, made))
    room = await world.room(nina)
    link = await one_link(world, room)
    await network.until(lambda: network.seats == {(link.id, nina): "Nina"})
