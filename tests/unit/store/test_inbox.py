"""The inbox: order of arrival, what is known, gaps that are closed, quarantine."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pytest
from sqlalchemy import Connection, update

from bridge.model.deliveries import DeliveryKey
from bridge.model.events import Origin
from bridge.model.ids import MATRIX, NetworkId
from bridge.store import inbox, outbox
from bridge.store.database import Database
from bridge.store.inbox import Arrival, InboxRow
from bridge.store.tables import inbox as rows_table
from tests.unit.store.rows import LINK, ROOM, event, fill, furnish

IRC = NetworkId("irc")


@pytest.fixture(autouse=True)
async def furnished(db: Database) -> None:
    await furnish(db)


def arrivals(*names: str, chat: str = "!chat") -> list[Arrival]:
    return [Arrival(chat, name, name.encode()) for name in names]


async def store(db: Database, *names: str, chat: str = "!chat", at: int | None = None) -> list[InboxRow]:
    """Store events; `at` sets when they came."""

    def unit(connection: Connection) -> list[InboxRow]:
        made = inbox.store(connection, MATRIX, arrivals(*names, chat=chat))
        if at is not None:
            connection.execute(update(rows_table).where(rows_table.c.id.in_([row.id for row in made])).values(at=at))
        return made

    return await db.write(unit)


async def waiting(db: Database, chat: str = "!chat") -> list[str]:
    return [row.origin for row in await db.read(lambda c: inbox.waiting(c, MATRIX, chat, limit=99))]


def origins(rows: Iterable[InboxRow]) -> list[str]:
    return [row.origin for row in rows]


async def test_events_wait_in_the_order_of_arrival_chat_by_chat(db: Database) -> None:
    await store(db, "$b", "$a")
    await store(db, "$x", chat="!other")
    await store(db, "$c")
    assert await waiting(db) == ["$b", "$a", "$c"]
    assert await waiting(db, "!other") == ["$x"]
    assert set(await db.read(lambda c: inbox.chats(c, MATRIX))) == {"!chat", "!other"}
    assert await db.read(lambda c: inbox.chats(c, IRC)) == []


async def test_what_waits_already_stays_where_it_is(db: Database) -> None:
    await store(db, "$a", "$b")
    assert origins(await store(db, "$b", "$c", "$a")) == ["$c"]
    assert await waiting(db) == ["$a", "$b", "$c"]


async def test_what_got_no_number_is_not_decided_twice(db: Database) -> None:
    """Also where others come with it: each keeps its own row."""
    await db.write(lambda c: inbox.note_seen(c, [(Origin(MATRIX, "!chat", "$seen"), "dropped", "no")]))
    rows = await store(db, "$a", "$seen", "$b")
    assert origins(rows) == ["$a", "$b"]
    assert await waiting(db) == ["$a", "$b"]
    assert [row.id for row in await db.read(lambda c: inbox.waiting(c, MATRIX, "!chat", limit=9))] == [
        row.id for row in rows
    ]
    assert origins(await store(db, "$seen", chat="!other")) == ["$seen"], "another chat's event of that name"


async def test_many_come_in_order_under_their_own_numbers(db: Database) -> None:
    names = [f"$e{number}" for number in range(301)]
    rows = await store(db, *names)
    assert origins(rows) == names
    kept = await db.read(lambda c: inbox.waiting(c, MATRIX, "!chat", limit=500))
    assert [(row.id, row.origin) for row in kept] == [(row.id, row.origin) for row in rows]


async def test_a_row_that_was_taken_never_lends_its_number(db: Database) -> None:
    (first,) = await store(db, "$a")
    await db.write(lambda c: inbox.remove(c, [first.id]))
    (second,) = await store(db, "$b")
    assert second.id > first.id


async def test_a_transaction_is_a_repeat_only_with_the_same_events(db: Database) -> None:
    async def repeat(txn: str, digest: str) -> bool:
        return await db.read(lambda c: inbox.is_repeat(c, MATRIX, txn, digest))

    await db.write(lambda c: inbox.store_transaction(c, MATRIX, "5", "digest a", arrivals("$a")))
    assert await repeat("5", "digest a")
    assert not await repeat("5", "digest b"), "a homeserver's numbers start again"
    assert not await repeat("6", "digest a")
    assert not await db.read(lambda c: inbox.is_repeat(c, IRC, "5", "digest a"))
    await db.write(lambda c: inbox.store_transaction(c, MATRIX, "5", "digest b", arrivals("$b")))
    assert await db.read(lambda c: inbox.last_transaction(c, MATRIX)) == "5"
    assert await waiting(db) == ["$a", "$b"]


async def test_old_transactions_are_forgotten_new_ones_are_not(db: Database) -> None:
    def many(connection: Connection) -> None:
        for number in range(1, inbox.KEPT_TRANSACTIONS + 302):
            inbox.store_transaction(connection, MATRIX, str(number), "d", [])

    await db.write(many)
    known = [
        await db.read(partial(inbox.is_repeat, network=MATRIX, txn=str(number), digest="d")) for number in (1, 250, 302)
    ]
    assert known == [False, False, True]
    assert await db.read(lambda c: inbox.last_transaction(c, MATRIX)) == str(inbox.KEPT_TRANSACTIONS + 301)


async def test_quarantine_and_release(db: Database) -> None:
    rows = await store(db, "$a", "$b")
    await db.write(lambda c: inbox.raise_attempts(c, [rows[0].id]))
    await db.write(lambda c: inbox.quarantine(c, [rows[0].id], "tried too often"))
    assert await waiting(db) == ["$b"]
    assert await db.read(inbox.counts) == {"waiting": 1, "quarantined": 1}
    ((network, found),), _ = await db.read(lambda c: inbox.find(c, "$a"))
    assert (network, found.quarantined, found.attempts) == (MATRIX, "tried too often", 1)
    # It comes again while it is aside: it stays aside.
    assert await store(db, "$a") == []
    assert await db.write(inbox.release) == 1
    assert await waiting(db) == ["$a", "$b"]
    (first, _) = await db.read(lambda c: inbox.waiting(c, MATRIX, "!chat", limit=9))
    assert first.attempts == 0


async def test_what_is_known_before_a_moment(db: Database) -> None:
    """In the log, dropped, still waiting, or back as an echo; but not a send that was only answered."""
    await fill(
        db, (event(1, origin=Origin(MATRIX, "!chat", "$log")), 1, None), (event(2), 2, None), (event(3), 3, None)
    )
    await store(db, "$waits")
    keys = [DeliveryKey(LINK.id, ROOM, seq) for seq in (2, 3)]

    def unit(connection: Connection) -> None:
        inbox.note_seen(connection, [(Origin(MATRIX, "!chat", "$dropped"), "dropped", "no")])
        outbox.add(connection, keys)
        outbox.bind(connection, keys[0], "$echoed", 0)
        outbox.settle(connection, keys[1], "sent", remote_id="$answered")

    await db.write(unit)
    everything = ["$log", "$dropped", "$waits", "$echoed", "$answered", "$new"]

    async def known(before: int, chat: str = "!chat") -> set[str]:
        return await db.read(lambda c: inbox.known(c, MATRIX, chat, everything, before=before))

    assert await known(1 << 50) == {"$log", "$dropped", "$waits", "$echoed"}
    assert await known(0) == set()
    assert await known(1 << 50, "!other") == set()


async def test_a_gap_is_closed_between_what_came_before_and_what_came_since(db: Database) -> None:
    await store(db, "$old1", "$old2", at=100)
    await store(db, "$live1", "$live2", at=300)
    await store(db, "$x", chat="!other", at=300)
    fetched = arrivals("$lost1", "$live1", "$lost2")
    await db.write(lambda c: inbox.close_gap(c, MATRIX, "!chat", fetched, horizon=200))
    assert await waiting(db) == ["$old1", "$old2", "$lost1", "$live1", "$lost2", "$live2"]
    assert await waiting(db, "!other") == ["$x"]


async def test_a_gap_with_nothing_in_it_changes_no_order(db: Database) -> None:
    await store(db, "$old", at=100)
    await store(db, "$live", at=300)
    await db.write(lambda c: inbox.close_gap(c, MATRIX, "!chat", [], horizon=200))
    assert await waiting(db) == ["$old", "$live"]


async def test_what_is_in_quarantine_is_not_fetched_out_of_it(db: Database) -> None:
    (row,) = await store(db, "$poison", at=300)
    await db.write(lambda c: inbox.quarantine(c, [row.id], "tried too often"))
    await db.write(lambda c: inbox.close_gap(c, MATRIX, "!chat", arrivals("$poison", "$lost"), horizon=200))
    assert await waiting(db) == ["$lost"]
