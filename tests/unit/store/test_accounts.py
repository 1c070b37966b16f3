"""Accounts and sessions in the database."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bridge.model.ids import WEB, AccountId, PersonId, SessionId
from bridge.model.people import Person
from bridge.store import accounts, people, sessions
from bridge.store.account_list import find
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.store.sessions import StoredSession


def account(name: str, **more: object) -> Account:
    made = Account(AccountId(f"a-{name}"), PersonId(f"p-{name}"), name, "$argon2", created_at=1_000)
    return msgspec.structs.replace(made, **more)


async def put(db: Database, made: Account, shown: str = "") -> Account:
    def unit(connection: Connection) -> None:
        people.add(connection, Person(made.person, WEB, shown or made.name))
        accounts.add(connection, made, made.name)

    await db.write(unit)
    return made


async def signed_in(db: Database, made: Account, token: str, used_at: int) -> StoredSession:
    session = StoredSession(SessionId(f"s-{token}"), made.id, token, "agent", "::1", created_at=1, used_at=used_at)
    await db.write(lambda c: sessions.add(c, session))
    return session


async def test_an_account_is_read_as_it_was_written(db: Database) -> None:
    made = await put(db, account("ada", admin=True, kind="guest", newcomer_until=7))
    for read in (
        lambda c: accounts.get(c, made.id),
        lambda c: accounts.get(c, made.id, lock=True),
        lambda c: accounts.by_name(c, "ADA"),
        lambda c: accounts.by_person(c, made.person),
    ):
        assert await db.write(read) == made


async def test_a_name_is_there_once(db: Database) -> None:
    await put(db, account("ada"))
    with pytest.raises(IntegrityError):
        await put(db, account("ada", id=AccountId("a2"), person=PersonId("p2")))
    # Nothing is left of the second one's person either.
    assert await db.read(lambda c: people.get(c, PersonId("p2"))) is None


async def test_names_of_guests_who_are_gone_are_free(db: Database) -> None:
    await put(db, account("ada"), "Ada L.")
    await put(db, account("gone", active=False), "Gone")
    await put(db, account("a1", kind="guest"), "Guest")
    await put(db, account("a2", kind="guest", active=False), "Was here")
    assert sorted(await db.read(accounts.names)) == [
        ("p-a1", "Guest", "Guest"),
        ("p-ada", "ada", "Ada L."),
        ("p-gone", "gone", "Gone"),
    ]


async def test_a_hash_is_replaced_only_where_it_is_the_one_that_was_read(db: Database) -> None:
    made = await put(db, account("ada"))
    assert not await db.write(lambda c: accounts.replace_hash(c, made.id, "other", "new"))
    assert await db.write(lambda c: accounts.replace_hash(c, made.id, "$argon2", "new"))
    found = await db.read(lambda c: accounts.get(c, made.id))
    assert found is not None
    assert found.password == "new"


async def test_closing_forgets_password_and_sessions(db: Database) -> None:
    made, other = await put(db, account("ada")), await put(db, account("bob"))
    await signed_in(db, made, "t1", 5)
    kept = await signed_in(db, other, "t2", 5)
    await db.write(lambda c: accounts.close(c, made))
    closed = await db.read(lambda c: accounts.get(c, made.id))
    person = await db.read(lambda c: people.get(c, made.person))
    assert closed is not None
    assert person is not None
    assert (closed.active, closed.password, person.active) == (False, "", False)
    assert await db.read(lambda c: sessions.find(c, "t1")) is None
    assert await db.read(lambda c: sessions.find(c, "t2")) == (kept, other)


async def test_only_guests_who_do_not_come_are_idle(db: Database) -> None:
    idle = await put(db, account("idle", kind="guest"))
    used = await put(db, account("used", kind="guest"))
    await put(db, account("new", kind="guest", created_at=6_000))
    await put(db, account("closed", kind="guest", active=False))
    await put(db, account("full"))
    await signed_in(db, idle, "t1", 4_999)
    await signed_in(db, used, "t2", 3_000)
    await signed_in(db, used, "t3", 5_000)
    assert await db.read(lambda c: accounts.idle_guests(c, 5_000)) == [idle]


async def test_sessions_end_one_by_one_and_all_but_one(db: Database) -> None:
    ada, bob = await put(db, account("ada")), await put(db, account("bob"))
    for token, used_at in (("t1", 1), ("t2", 3), ("t3", 2)):
        await signed_in(db, ada, token, used_at)
    await signed_in(db, bob, "t4", 9)
    listed = await db.read(lambda c: sessions.of_account(c, ada.id))
    assert [session.token_hash for session in listed] == ["t2", "t3", "t1"]
    assert await db.write(lambda c: sessions.end_one(c, bob.id, SessionId("s-t1"))) is None
    assert await db.write(lambda c: sessions.end_one(c, ada.id, SessionId("s-t1"))) == "t1"
    assert await db.write(lambda c: sessions.end_others(c, ada.id, "t3")) == ["t2"]
    assert await db.write(lambda c: sessions.end_others(c, ada.id)) == ["t3"]
    assert await db.read(lambda c: sessions.get(c, "t4")) is not None
    await db.write(lambda c: sessions.drop(c, 10))
    assert await db.read(lambda c: sessions.get(c, "t4")) is None


async def test_a_note_of_use_leaves_what_is_not_known(db: Database) -> None:
    ada = await put(db, account("ada"))
    await signed_in(db, ada, "t1", 1)
    await db.write(lambda c: sessions.touch(c, "t1", 7, "", "10.0.0.1"))
    found = await db.read(lambda c: sessions.get(c, "t1"))
    assert found is not None
    assert (found.used_at, found.agent, found.address) == (7, "agent", "10.0.0.1")


async def test_the_list_of_accounts_is_searched_and_paged(db: Database) -> None:
    ada = await put(db, account("ada"), "Countess 100%")
    for name in ("bob", "cyd", "dan"):
        await put(db, account(name), "小明" if name == "cyd" else name)
    await signed_in(db, ada, "t1", 5)
    await signed_in(db, ada, "t2", 9)

    async def found(**more: object) -> list[str]:
        return [each.account.name for each in await db.read(lambda c: find(c, **more))]  # type: ignore[arg-type]

    assert await found() == ["ada", "bob", "cyd", "dan"]
    assert await found(limit=2) == ["ada", "bob"]
    assert await found(after=AccountId("a-bob"), limit=1) == ["cyd"]
    assert await found(after=AccountId("nobody")) == []
    assert await found(query="COUNT") == ["ada"]
    assert await found(query="0%") == ["ada"]
    assert await found(query="%") == ["ada"]
    assert await found(query="_") == []
    assert await found(query="小") == ["cyd"]
    (listed,) = await db.read(lambda c: find(c, only=ada.id))
    assert (listed.account, listed.shown, listed.sessions, listed.used_at) == (ada, "Countess 100%", 2, 9)
