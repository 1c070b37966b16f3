"""Invites in the database: counted once however many come at the same time, over when they say so."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from bridge.model.ids import InviteId, RoomId
from bridge.store import invites
from bridge.store.database import Database
from bridge.store.invites import Invite
from tests.unit.store.rows import ANNA, BELA, OTHER, ROOM, furnish

PLAIN = Invite(InviteId("i1"), ROOM, False, ANNA, created_at=1_000)


async def put(db: Database, invite: Invite, token: str = "t1") -> None:
    await db.write(lambda c: invites.add(c, invite, token))


async def spend(db: Database, token: str = "t1", at: int = 2_000) -> Invite | None:
    return await db.write(lambda c: invites.spend(c, token, at))


async def test_an_invite_is_found_by_its_token_only(db: Database) -> None:
    await furnish(db)
    await put(db, PLAIN)
    assert await db.read(lambda c: invites.by_token(c, "t1")) == PLAIN
    assert await db.read(lambda c: invites.by_token(c, "i1")) is None
    assert await spend(db, "i1") is None


async def test_of_many_who_come_for_the_last_uses_as_many_get_in(db: Database) -> None:
    await furnish(db)
    await put(db, msgspec.structs.replace(PLAIN, max_uses=3))
    results = await asyncio.gather(*(spend(db) for _ in range(10)))
    assert sum(result is not None for result in results) == 3
    found = await db.read(lambda c: invites.by_token(c, "t1"))
    assert found is not None
    assert (found.uses, found.uses_left, found.is_open(2_000)) == (3, 0, False)


async def test_a_use_can_be_given_back(db: Database) -> None:
    await furnish(db)
    await put(db, msgspec.structs.replace(PLAIN, max_uses=1))
    assert await spend(db) is not None
    assert await spend(db) is None
    for _ in range(2):
        await db.write(lambda c: invites.give_back(c, PLAIN.id))
    assert await spend(db) is not None
    assert await spend(db) is None


@pytest.mark.parametrize(("at", "works"), [(4_999, True), (5_000, False), (9_000, False)])
async def test_an_invite_expires(db: Database, at: int, works: bool) -> None:
    await furnish(db)
    invite = msgspec.structs.replace(PLAIN, expires_at=5_000)
    await put(db, invite)
    assert invite.is_open(at) is works
    assert (await db.read(lambda c: invites.open_ones(c, ROOM, at)) == [invite]) is works
    assert (await spend(db, at=at) is not None) is works


async def test_an_invite_is_revoked_where_it_belongs(db: Database) -> None:
    await furnish(db)
    await put(db, PLAIN)

    async def revoke(room: RoomId | None) -> bool:
        return await db.write(lambda c: invites.revoke(c, PLAIN.id, room, 3_000))

    assert [await revoke(room) for room in (OTHER, None, ROOM, ROOM)] == [False, False, True, False]
    assert await spend(db) is None
    assert await db.read(lambda c: invites.count_open(c, ROOM, 2_000)) == 0


async def test_lists_are_of_one_room_or_of_the_server(db: Database) -> None:
    await furnish(db)
    for number, room in enumerate((ROOM, None, OTHER, None)):
        made = msgspec.structs.replace(PLAIN, id=InviteId(f"i{number}"), room=room, created_at=number)
        await put(db, made, f"t{number}")
    of_server = await db.read(lambda c: invites.open_ones(c, None, 2_000))
    assert [invite.id for invite in of_server] == ["i3", "i1"]
    assert [invite.id for invite in await db.read(lambda c: invites.open_ones(c, ROOM, 2_000))] == ["i0"]
    assert await db.read(lambda c: invites.count_open(c, None, 2_000)) == 2


async def test_what_a_person_made_can_be_ended_at_once(db: Database) -> None:
    await furnish(db)

    async def open_in(room: RoomId | None) -> list[Invite]:
        return await db.read(lambda c: invites.open_ones(c, room, 2_000))

    async def open_now() -> set[str]:
        return {invite.id for room in (ROOM, OTHER, None) for invite in await open_in(room)}

    for name, room, by in (("a", ROOM, ANNA), ("b", OTHER, ANNA), ("c", None, ANNA), ("d", ROOM, BELA)):
        invite = msgspec.structs.replace(PLAIN, id=InviteId(name), room=room, created_by=by)
        await put(db, invite, f"token-{name}")
    await db.write(lambda c: invites.revoke_of(c, ANNA, 2_000, OTHER))
    assert await open_now() == {"a", "c", "d"}
    await db.write(lambda c: invites.revoke_to_server_of(c, ANNA, 2_000))
    assert await open_now() == {"a", "d"}
    await db.write(lambda c: invites.revoke_of(c, ANNA, 2_000))
    assert await open_now() == {"d"}


async def test_what_is_over_for_long_is_forgotten(db: Database) -> None:
    await furnish(db)
    await put(db, msgspec.structs.replace(PLAIN, expires_at=5_000), "expired")
    await put(db, msgspec.structs.replace(PLAIN, id=InviteId("i2"), revoked_at=4_000), "revoked")
    await put(db, msgspec.structs.replace(PLAIN, id=InviteId("i3")), "open")
    await db.write(lambda c: invites.forget(c, 5_000))

    async def known(token: str) -> bool:
        return await db.read(lambda c: invites.by_token(c, token)) is not None

    assert [await known(token) for token in ("expired", "revoked", "open")] == [True, False, True]
