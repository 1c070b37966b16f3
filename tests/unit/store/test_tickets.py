"""Tickets in the database: used once, in their time, for what they are for."""

from __future__ import annotations

import asyncio

from bridge.model.ids import AccountId
from bridge.store import accounts, tickets
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.store.tickets import Ticket
from tests.unit.store.rows import ANNA, furnish

ADA = Account(AccountId("a1"), ANNA, "ada", "$argon2", created_at=1)
RESET = Ticket("reset", ADA.id, expires_at=5_000, created_at=1_000)
CLAIM = Ticket("claim", None, expires_at=5_000, created_at=1_000)


async def furnished(db: Database) -> None:
    await furnish(db)
    await db.write(lambda c: accounts.add(c, ADA, "ada"))


async def test_a_ticket_is_used_once_however_many_try(db: Database) -> None:
    await furnished(db)
    await db.write(lambda c: tickets.add(c, RESET, "hash"))
    tries = [db.write(lambda c: tickets.spend(c, "hash", "reset", 2_000)) for _ in range(8)]
    results = await asyncio.gather(*tries)
    assert [result for result in results if result is not None] == [RESET]
    assert await db.read(lambda c: tickets.find(c, "hash", 2_000)) is None


async def test_a_ticket_is_for_its_purpose_and_its_time(db: Database) -> None:
    await furnished(db)
    await db.write(lambda c: tickets.add(c, RESET, "hash"))
    assert await db.write(lambda c: tickets.spend(c, "hash", "claim", 2_000)) is None
    assert await db.write(lambda c: tickets.spend(c, "hash", "reset", 5_000)) is None
    assert await db.write(lambda c: tickets.spend(c, "hash", "reset", 4_999)) == RESET


async def test_a_new_ticket_makes_the_one_before_void(db: Database) -> None:
    await furnished(db)

    async def add(ticket: Ticket, token: str) -> None:
        await db.write(lambda c: tickets.add(c, ticket, token))

    async def find(token: str) -> Ticket | None:
        return await db.read(lambda c: tickets.find(c, token, 2_000))

    for ticket, token in ((RESET, "r1"), (CLAIM, "c1"), (RESET, "r2")):
        await add(ticket, token)
    assert [await find(token) for token in ("r1", "c1", "r2")] == [None, CLAIM, RESET]
    await add(CLAIM, "c2")
    assert await find("c1") is None
    await db.write(tickets.drop_all)
    assert [await find(token) for token in ("r2", "c2")] == [None, None]


async def test_old_tickets_are_forgotten(db: Database) -> None:
    await furnished(db)
    await db.write(lambda c: tickets.add(c, RESET, "hash"))
    await db.write(lambda c: tickets.drop_expired(c, 4_999))
    assert await db.read(lambda c: tickets.find(c, "hash", 2_000)) == RESET
    await db.write(lambda c: tickets.drop_expired(c, 5_000))
    assert await db.read(lambda c: tickets.find(c, "hash", 2_000)) is None
