"""Read markers, and the counts of what came after them."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import Connection

from bridge.model.events import Edited, Joined, Removed, Said
from bridge.model.ids import MATRIX, WEB, AccountId, EventId, PersonId, RoomId
from bridge.model.people import Member, Person
from bridge.model.rooms import Room
from bridge.store import accounts, log, markers, mentions, people, rooms
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.store.markers import MOST, Badge
from tests.unit.store.indexed import Books
from tests.unit.store.rows import ANNA, BELA, OTHER, ROOM, event, furnish


@pytest.fixture
async def books(db: Database) -> Books:
    await furnish(db)
    await member(db, ANNA)
    return Books(db)


async def member(
    db: Database, person: PersonId, room: RoomId = ROOM, *, joined: bool = True, joined_seq: int = 0
) -> None:
    place = Member(person, WEB, "x", "x", joined=joined, joined_seq=joined_seq)
    await db.write(lambda c: rooms.save_members(c, room, [place]))


async def badge(db: Database, person: PersonId = ANNA, room: RoomId = ROOM) -> tuple[int, int, int, int]:
    (found,) = await db.read(lambda c: markers.badges(c, person, [room]))
    return found.last_seq, found.marker, found.unread, found.mentions


async def mark(db: Database, seq: int, *, back: bool = False) -> Badge | None:
    return await db.write(lambda c: markers.mark(c, ANNA, ROOM, seq, 5, back=back))


async def test_what_others_said_is_unread(books: Books, db: Database) -> None:
    assert await badge(db) == (0, 0, 0, 0)
    await books.happen(Joined("Bela"), Said("one"), Said("two"), who=BELA)
    await books.happen(Said("mine"))
    await books.happen(Edited(EventId("e2"), "one!"), who=BELA)
    assert await badge(db) == (5, 0, 2, 0)
    await books.happen(Removed(EventId("e3")), who=BELA)
    assert await badge(db) == (6, 0, 1, 0)


async def test_who_comes_in_has_read_what_was_before(books: Books, db: Database) -> None:
    await books.happen(*(Said(f"line {n}") for n in range(1, 5)))
    await member(db, BELA, joined_seq=3)
    assert await badge(db, BELA) == (4, 3, 1, 0)


async def test_a_marker_goes_forward_and_back_only_on_purpose(books: Books, db: Database) -> None:
    await books.happen(*(Said(f"line {n}") for n in range(1, 8)), who=BELA)
    assert await mark(db, 3) == Badge(ROOM, 7, 3, 4, 0)
    assert await mark(db, 2) == Badge(ROOM, 7, 3, 4, 0)
    assert await mark(db, 2, back=True) == Badge(ROOM, 7, 2, 5, 0)
    assert await mark(db, 6, back=True) == Badge(ROOM, 7, 6, 1, 0)
    assert await mark(db, 99) == Badge(ROOM, 7, 7, 0, 0)
    assert await mark(db, 0, back=True) == Badge(ROOM, 7, 0, 7, 0)
    assert await badge(db) == (7, 0, 7, 0)


async def test_who_is_not_there_has_no_marker(books: Books, db: Database) -> None:
    await member(db, ANNA, joined=False)
    assert await mark(db, 1) is None
    assert await db.read(lambda c: markers.badges(c, ANNA)) == []
    assert await db.read(lambda c: markers.badges(c, ANNA, [ROOM, OTHER])) == []


async def test_counts_are_exact_up_to_their_end(books: Books, db: Database) -> None:
    await books.happen(*(Said(f"line {n}") for n in range(MOST - 1)), who=BELA)
    await db.write(lambda c: mentions.add(c, ROOM, [(seq, ANNA) for seq in range(1, MOST)]))
    assert await badge(db) == (99, 0, 99, 99)
    await books.happen(Said("one"), Said("two"), who=BELA)
    await db.write(lambda c: mentions.add(c, ROOM, [(seq, ANNA) for seq in (100, 101)]))
    assert await badge(db) == (101, 0, MOST, MOST)
    assert await mark(db, 2) == Badge(ROOM, 101, 2, 99, 99)


async def test_mentions_are_counted_once_and_for_whom_they_are(books: Books, db: Database) -> None:
    await member(db, BELA)
    await db.write(lambda c: people.add(c, Person(PersonId("p-marco"), MATRIX, "Marco")))
    await member(db, PersonId("p-marco"))
    await books.happen(Said("one"), Said("two"), Said("three"), who=BELA)
    await db.write(lambda c: mentions.add(c, ROOM, [(1, ANNA), (1, ANNA), (2, BELA)]))
    await db.write(lambda c: mentions.add(c, ROOM, [(1, ANNA)]))
    assert await badge(db) == (3, 0, 3, 1)
    await db.write(lambda c: mentions.add_everybody(c, ROOM, 3, BELA))
    assert (await badge(db))[3] == 2
    # Its author is not meant, and somebody from Matrix is told there.
    assert (await badge(db, BELA))[3] == 1
    assert (await badge(db, PersonId("p-marco")))[3] == 0
    await db.write(lambda c: mentions.drop(c, ROOM, [1, 2]))
    assert (await badge(db))[3] == 1
    assert (await badge(db, BELA))[3] == 0


async def test_the_login_names_of_a_room(books: Books, db: Database) -> None:
    def unit(connection: Connection) -> None:
        for person in (ANNA, BELA):
            made = Account(AccountId(f"a-{person}"), person, f"login-{person}", "")
            accounts.add(connection, made, f"login-{person}")

    await db.write(unit)
    await member(db, BELA, joined=False)
    assert await db.read(lambda c: mentions.logins_in(c, ROOM)) == {ANNA: f"login-{ANNA}"}


async def test_the_badges_of_many_rooms_are_read_together(books: Books, db: Database) -> None:
    many = [RoomId(f"many-{n}-") for n in range(60)]

    def unit(connection: Connection) -> None:
        for n, room in enumerate(many):
            made = Room(room, room, room, "", "", "public", ANNA, 0)
            rooms.create(connection, made, [])
            rooms.save_members(connection, room, [Member(ANNA, WEB, "x", "x", joined_seq=1)])
            log.append(connection, [(event(seq, room=room, who=BELA), seq, None) for seq in range(1, 2 * n + 2)])
            rooms.save_rooms(connection, [msgspec.structs.replace(made, last_seq=2 * n + 1)])

    await db.write(unit)
    found = {each.room: each for each in await db.read(lambda c: markers.badges(c, ANNA))}
    assert found[ROOM] == Badge(ROOM, 0, 0, 0, 0)
    for n, room in enumerate(many):
        assert found[room] == Badge(room, 2 * n + 1, 1, min(MOST, 2 * n), 0)
    few = await db.read(lambda c: markers.badges(c, ANNA, many[:3]))
    assert {each.room for each in few} == set(many[:3])
