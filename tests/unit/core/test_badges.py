"""Badges: asked for, set, and followed live; what a watch tells is always what the tables say in the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.core.badges import BadgeWatch
from bridge.model.errors import Refused
from bridge.model.ids import PersonId, RoomId
from bridge.model.rooms import Room
from bridge.store.markers import MOST, Badge
from tests.rigs.installation import Installation


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Installation]:
    async with Installation(tmp_path) as made:
        yield made


@pytest.fixture
async def anna(world: Installation) -> PersonId:
    return await world.person("Anna")


@pytest.fixture
async def bela(world: Installation) -> PersonId:
    return await world.person("Bela")


@pytest.fixture
async def room(world: Installation, anna: PersonId, bela: PersonId) -> Room:
    return await world.room(anna, bela)


async def following(watch: BadgeWatch, room: RoomId, seq: int) -> Badge:
    """Return the first badge of a room that a watch tells which goes up to `seq`."""
    async with asyncio.timeout(10):
        while True:
            for badge in await watch.next():
                if badge.room == room and badge.last_seq >= seq:
                    return badge


async def test_what_is_said_is_unread_until_it_is_marked(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    badges = world.hub.badges
    before = (await badges.badges(bela))[room.id]
    assert (before.unread, before.mentions, before.marker) == (0, 0, 2)
    placed = await world.native.say(room.id, anna, "hi @bela")
    await world.native.say(room.id, bela, "hello")
    assert (await badges.badges(bela))[room.id] == Badge(room.id, placed.seq + 1, 2, 1, 1)
    assert await badges.mark(bela, room.id, placed.seq) == Badge(room.id, placed.seq + 1, placed.seq, 0, 0)
    assert await badges.mark(bela, room.id, 2, unread=True) == Badge(room.id, placed.seq + 1, 2, 1, 1)
    assert await badges.badges(bela, []) == {}


async def test_who_is_not_there_sets_no_marker(world: Installation, room: Room) -> None:
    stranger = await world.person("Stranger")
    with pytest.raises(Refused) as caught:
        await world.hub.badges.mark(stranger, room.id, 1)
    assert caught.value.reason_code == "not_in_room"


async def test_a_watch_tells_of_lines_mentions_and_removals(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    with world.hub.badges.watch(bela) as watch:
        assert (await watch.start())[room.id].unread == 0
        first = await world.native.say(room.id, anna, "hi")
        assert await following(watch, room.id, first.seq) == Badge(room.id, first.seq, 2, 1, 0)
        second = await world.native.say(room.id, anna, "@bela")
        assert await following(watch, room.id, second.seq) == Badge(room.id, second.seq, 2, 2, 1)
        removed = await world.native.remove(room.id, anna, second.id, "", None)
        assert await following(watch, room.id, removed.seq) == Badge(room.id, removed.seq, 2, 1, 0)
        own = await world.native.say(room.id, bela, "me too")
        assert await following(watch, room.id, own.seq) == Badge(room.id, own.seq, 2, 1, 0)
        edited = await world.native.edit(room.id, anna, first.id, "hi @bela", None)
        assert await following(watch, room.id, edited.seq) == Badge(room.id, edited.seq, 2, 1, 1)


async def test_a_watch_tells_of_a_marker_that_was_set_elsewhere(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    placed = await world.native.say(room.id, anna, "hi")
    with world.hub.badges.watch(bela) as here, world.hub.badges.watch(anna) as another:
        await here.start()
        await another.start()
        marked = await world.hub.badges.mark(bela, room.id, placed.seq)
        assert await following(here, room.id, placed.seq) == marked
        with pytest.raises(TimeoutError):
            # It is nobody else's.
            await asyncio.wait_for(another.next(), 0.05)


async def test_a_watch_follows_its_person_into_rooms_and_out_of_them(
    world: Installation, room: Room, anna: PersonId
) -> None:
    nina = await world.person("Nina")
    with world.hub.badges.watch(nina) as watch:
        assert await watch.start() == {}
        await world.native.join(room.id, nina)
        joined = await following(watch, room.id, 1)
        assert (joined.unread, joined.marker) == (0, joined.last_seq)
        placed = await world.native.say(room.id, anna, "welcome")
        assert (await following(watch, room.id, placed.seq)).unread == 1
        await world.native.leave(room.id, nina)
        assert await watch.next() == []
        assert list(watch.rooms) == []
        await world.native.say(room.id, anna, "bye")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.next(), 0.05)


async def test_a_deleted_room_has_a_badge_less(world: Installation, room: Room, anna: PersonId, bela: PersonId) -> None:
    with world.hub.badges.watch(bela) as watch:
        assert list(await watch.start()) == [room.id]
        await world.native.delete(room.id, anna)
        async with asyncio.timeout(10):
            assert await watch.next() == []
        assert list(watch.rooms) == []


async def test_counts_of_a_watch_end_where_those_of_the_tables_do(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    with world.hub.badges.watch(bela) as watch:
        await watch.start()
        placed = await asyncio.gather(*(world.native.say(room.id, anna, "@bela") for _ in range(MOST + 5)))
        last = max(place.seq for place in placed)
        told = await following(watch, room.id, last)
        assert (told.unread, told.mentions) == (MOST, MOST)
        assert {room.id: told} == await world.hub.badges.badges(bela)


async def test_nobody_is_followed_any_more_when_the_watch_ends(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    badges = world.hub.badges
    with badges.watch(bela) as watch, badges.watch(bela) as other:
        await watch.start()
        await other.start()
    assert badges.watched == 0
    await world.native.say(room.id, anna, "hi")


async def test_a_watch_that_is_interrupted_forgets_nothing(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    with world.hub.badges.watch(bela) as watch:
        await watch.start()
        waiting = asyncio.create_task(watch.next())
        await asyncio.sleep(0)
        first = await world.native.say(room.id, anna, "hi")
        watch.again(room.id)
        await asyncio.sleep(0)
        waiting.cancel()
        outcome = (await asyncio.gather(waiting, return_exceptions=True))[0]
        told = outcome[0] if isinstance(outcome, list) else await following(watch, room.id, first.seq)
        assert told.unread == 1


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_the_watch_ends_with_what_the_tables_say(world: Installation, seed: int) -> None:
    chance = random.Random(seed)
    people = [await world.person(name) for name in ("Ada", "Bo", "Cy")]
    places = [await world.room(*people, name=f"Room {n}") for n in range(3)]
    lines: list[tuple[Room, PersonId, str]] = []
    told: dict[RoomId, Badge] = {}

    async def act() -> None:
        room, who = chance.choice(places), chance.choice(people)
        kind = chance.choice(["say", "say", "say", "call", "edit", "remove", "mark", "back", "leave", "join"])
        try:
            if kind in ("say", "call"):
                placed = await world.native.say(room.id, who, "@ada @room hi" if kind == "call" else "hi")
                lines.append((room, who, placed.id))
            elif kind in ("edit", "remove") and lines:
                at, author, line = chance.choice(lines)
                if kind == "edit":
                    words = chance.choice(["hi", "@ada hi"])
                    await world.native.edit(at.id, author, line, words, None)  # type: ignore[arg-type]
                else:
                    await world.native.remove(at.id, author, line, "", None)  # type: ignore[arg-type]
            elif kind in ("mark", "back"):
                await world.hub.badges.mark(people[0], room.id, chance.randrange(60), unread=kind == "back")
            elif kind == "leave":
                await world.native.leave(room.id, who)
            else:
                await world.native.join(room.id, who)
        except Refused:
            pass  # who has left may not write, and a line that is gone cannot be edited

    async def follow(watch: BadgeWatch) -> None:
        while True:
            for badge in await watch.next():
                told[badge.room] = badge
            await asyncio.sleep(chance.choice([0, 0, 0.002]))

    with world.hub.badges.watch(people[0]) as watch:
        told.update(await watch.start())
        following_it = asyncio.create_task(follow(watch))
        for _ in range(12):
            await asyncio.gather(*(act() for _ in range(6)))
        for room in places:
            await world.native.join(room.id, people[0])
        truth = await world.hub.badges.badges(people[0])
        async with asyncio.timeout(10):
            while told != truth:
                await asyncio.sleep(0.005)
        following_it.cancel()
        await asyncio.gather(following_it, return_exceptions=True)
    assert told == truth
