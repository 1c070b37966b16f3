"""Deliveries in the table, and the places of people and ghosts beside them."""

from __future__ import annotations

from functools import partial

import pytest

from bridge.model.deliveries import Delivery, DeliveryKey
from bridge.model.ids import MATRIX, NetworkId
from bridge.model.people import Ghost, Member, Person
from bridge.model.rooms import Portal
from bridge.store import outbox, people, portals, rooms, seats
from bridge.store.database import Database
from bridge.store.seats import Seat
from tests.unit.store.rows import ANNA, BELA, LINK, OTHER_LINK, ROOM, furnish, lines

KEY = DeliveryKey(LINK.id, ROOM, 1)


@pytest.fixture(autouse=True)
async def furnished(db: Database) -> None:
    await furnish(db)
    await lines(db, 3)


async def add(db: Database, *keys: DeliveryKey) -> None:
    await db.write(lambda c: outbox.add(c, keys))


async def get(db: Database, key: DeliveryKey = KEY) -> Delivery:
    parts = await db.read(lambda c: outbox.parts(c, key.link, key.seq))
    return next(part for part in parts if part.key == key)


async def test_what_is_pending_comes_in_order_part_by_part(db: Database) -> None:
    keys = [DeliveryKey(LINK.id, ROOM, seq, part) for seq, part in ((2, 0), (1, 1), (1, 0), (3, 0))]
    await add(db, *keys)
    await db.write(lambda c: outbox.settle(c, keys[0], "sent", remote_id="$1"))
    pending = await db.read(lambda c: outbox.pending(c, LINK.id, limit=2))
    assert [(d.key.seq, d.key.part) for d in pending] == [(1, 0), (1, 1)]
    assert await db.read(lambda c: outbox.pending(c, OTHER_LINK.id, limit=2)) == []
    assert await db.read(outbox.rooms_with_pending) == [ROOM]


async def test_the_life_of_a_delivery(db: Database) -> None:
    await add(db, KEY)
    await db.write(lambda c: outbox.mark_sending(c, {KEY: 2}, 1_000))
    await db.write(lambda c: outbox.note_attempt(c, KEY, "away"))
    marked = await get(db)
    assert (marked.state, marked.version, marked.first_try, marked.attempts, marked.reason) == (
        "sending",
        2,
        1_000,
        1,
        "away",
    )
    await db.write(lambda c: outbox.settle(c, KEY, "sent", remote_id="$1"))
    assert (await get(db)).remote_id == "$1"
    # An ended delivery is not set back by what comes late.
    await db.write(lambda c: outbox.mark_sending(c, {KEY: 3}, 2_000))
    await db.write(lambda c: outbox.note_attempt(c, KEY, "late"))
    ended = await get(db)
    assert (ended.state, ended.version, ended.attempts) == ("sent", 2, 1)


async def test_dead_letters_are_revived_once_or_given_up(db: Database) -> None:
    other = DeliveryKey(LINK.id, ROOM, 2)
    await add(db, KEY, other)
    for key in (KEY, other):
        await db.write(partial(outbox.settle, key=key, state="dead", reason="no"))
    assert [d.key.seq for d in await db.read(outbox.dead)] == [1, 2]
    assert [await db.write(lambda c: outbox.revive(c, KEY)) for _ in range(2)] == [True, False]
    assert [await db.write(lambda c: outbox.give_up(c, other)) for _ in range(2)] == [True, False]
    assert (await get(db)).state == "waiting"
    assert (await get(db, other)).state == "skipped"
    assert await db.read(outbox.dead) == []


async def test_an_echo_binds_one_id_for_ever(db: Database) -> None:
    await add(db, KEY)
    assert await db.write(lambda c: outbox.bind(c, KEY, "$1", 1))
    assert await db.write(lambda c: outbox.bind(c, KEY, "$1", 1))
    assert not await db.write(lambda c: outbox.bind(c, KEY, "$2", 1))
    assert not await db.write(lambda c: outbox.bind(c, DeliveryKey(LINK.id, ROOM, 77), "$3", 0))
    bound = await get(db)
    assert (bound.state, bound.remote_id, bound.version) == ("sent", "$1", 1)
    assert [d.key for d in await db.read(lambda c: outbox.by_remote(c, LINK.id, ["$1"]))] == [KEY]
    assert [d.key for d in await db.read(lambda c: outbox.by_any_remote(c, "$1"))] == [KEY]


async def test_barring_a_link_ends_what_waits_there_and_nothing_else(db: Database) -> None:
    sent, elsewhere = DeliveryKey(LINK.id, ROOM, 2), DeliveryKey(OTHER_LINK.id, ROOM, 1)
    await add(db, KEY, sent, elsewhere)
    await db.write(lambda c: outbox.settle(c, sent, "sent"))
    await db.write(lambda c: outbox.bar(c, LINK.id, "encrypted"))
    assert [(await get(db, key)).state for key in (KEY, sent, elsewhere)] == ["skipped", "sent", "waiting"]


# seats


@pytest.mark.parametrize(
    ("wanted", "actual", "shown_set", "settled"),
    [
        ("joined", "left", None, False),
        ("joined", "joined", None, False),
        ("joined", "joined", "Anna", True),
        ("joined", "joined", "Ann", False),
        ("joined", "refused", None, True),
        ("left", "joined", "Anna", False),
        ("left", "left", None, True),
        ("left", "refused", None, True),
    ],
)
async def test_which_seats_are_unsettled(
    db: Database, wanted: str, actual: str, shown_set: str | None, settled: bool
) -> None:
    await db.write(lambda c: seats.want(c, [Seat(LINK.id, ANNA, wanted, shown="Anna")]))
    await db.write(lambda c: seats.record(c, LINK.id, ANNA, actual, shown_set=shown_set))
    found = await db.read(lambda c: seats.unsettled(c, MATRIX))
    assert (found == []) is settled
    assert await db.read(lambda c: seats.unsettled(c, NetworkId("irc"))) == []


async def test_wanting_leaves_what_is_and_wanting_anew_forgets_the_name(db: Database) -> None:
    seat = Seat(LINK.id, ANNA, "joined", shown="Anna")
    await db.write(lambda c: seats.want(c, [seat]))
    await db.write(lambda c: seats.record(c, LINK.id, ANNA, "joined", shown_set="Anna"))
    await db.write(lambda c: seats.want(c, [seat]))
    assert await db.read(lambda c: seats.unsettled(c, MATRIX)) == []
    await db.write(lambda c: seats.want_anew(c, [seat]))
    (again,) = await db.read(lambda c: seats.unsettled(c, MATRIX))
    assert (again.actual, again.shown_set) == ("joined", None)


# rooms, people, portals


async def test_a_description_moves_only_from_what_it_was(db: Database) -> None:
    await db.write(lambda c: rooms.set_described(c, LINK.id, "old"))
    await db.write(lambda c: rooms.move_described(c, LINK.id, "other", "new"))
    link = await db.read(lambda c: rooms.link(c, LINK.id))
    assert link is not None
    assert link.described == "old"
    await db.write(lambda c: rooms.move_described(c, LINK.id, "old", "new"))
    link = await db.read(lambda c: rooms.link(c, LINK.id))
    assert link is not None
    assert link.described == "new"


async def test_who_is_in_the_room_of_a_link(db: Database) -> None:
    places = [Member(ANNA, MATRIX, "Anna", "Anna"), Member(BELA, MATRIX, "Bela", "Bela", joined=False)]
    await db.write(lambda c: rooms.save_members(c, ROOM, places))
    here = [await db.read(partial(rooms.is_joined, link=LINK.id, person=person)) for person in (ANNA, BELA)]
    assert here == [True, False]
    assert not await db.read(lambda c: rooms.is_joined(c, OTHER_LINK.id, ANNA))


async def test_links_come_with_the_newest_activity_first(db: Database) -> None:
    assert [link.id for link in await db.read(lambda c: rooms.all_links(c, MATRIX))] == [LINK.id, OTHER_LINK.id]


async def test_a_ghost_is_made_once_and_remembers_its_steps(db: Database) -> None:
    made = await db.write(lambda c: people.ghost(c, ANNA, MATRIX, "@ghost:hs"))
    assert made == Ghost(ANNA, MATRIX, "@ghost:hs")
    await db.write(lambda c: people.save_ghost(c, Ghost(ANNA, MATRIX, "@ghost:hs", True, True, "Anna")))
    again = await db.write(lambda c: people.ghost(c, ANNA, MATRIX, "@ghost:hs"))
    assert (again.registered, again.device, again.name_set) == (True, True, "Anna")
    assert await db.read(lambda c: people.stale_ghosts(c, MATRIX)) == []
    await db.write(lambda c: people.save(c, Person(ANNA, MATRIX, "Annabel")))
    assert await db.read(lambda c: people.stale_ghosts(c, MATRIX)) == [ANNA]
    # A ghost is nobody's own face.
    assert await db.read(lambda c: people.by_face(c, MATRIX, "@ghost:hs")) is None


async def test_a_portal_is_noted_once(db: Database) -> None:
    wanted = Portal(LINK.id, ROOM, "#rialto_a:hs")
    assert await db.write(lambda c: portals.ensure(c, wanted)) == wanted
    await db.write(lambda c: portals.set_room_id(c, LINK.id, "!made"))
    again = await db.write(lambda c: portals.ensure(c, wanted))
    assert again.room_id == "!made"
