"""Accounts: names that nobody else has, passwords, sessions, closing."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from bridge.model.clock import now_ms
from bridge.model.errors import Refused
from bridge.model.ids import WEB
from bridge.store import sessions as rows
from bridge.store.people import get as get_person
from bridge.store.tables import sessions
from bridge.text.names import skeleton
from bridge.web.accounts import DAY_MS, SESSION_DAYS, Accounts, token_hash
from tests.unit.web.rig import CHEAP, PASSWORD, Rig


async def test_a_new_account_has_a_person_called_like_it(rig: Rig) -> None:
    account = await rig.accounts.add("Ada.L", PASSWORD)
    person = await rig.db.read(lambda c: get_person(c, account.person))
    assert account.name == "ada.l"
    assert person is not None
    assert (person.home, person.name, person.active) == (WEB, "ada.l", True)
    assert account.password.startswith("$argon2")
    assert PASSWORD not in account.password


@pytest.mark.parametrize("name", ["", " ", "a b", "ada@home", "x" * 33, "ädä", "ada\n.", "小明"])
async def test_a_login_name_has_few_characters(rig: Rig, name: str) -> None:
    with pytest.raises(Refused) as refused:
        await rig.accounts.add(name, PASSWORD)
    assert (refused.value.reason_code, refused.value.field) == ("bad_name", "name")


@pytest.mark.parametrize("name", ["ada", "ADA", "a.d.a", "_ada_", "rialto", "ri-alto", "r1alto"])
async def test_a_login_name_looks_like_no_other(rig: Rig, name: str) -> None:
    await rig.accounts.add("ada", PASSWORD)
    with pytest.raises(Refused) as refused:
        await rig.accounts.add(name, PASSWORD)
    assert (refused.value.reason_code, refused.value.field, refused.value.status) == ("name_taken", "name", 409)


async def test_names_are_taken_for_a_new_process_too(rig: Rig) -> None:
    ada = await rig.accounts.add("ada", PASSWORD)
    await rig.accounts.rename(ada, "Countess of Lovelace")
    other = Accounts(rig.db, rig.people, rig.native, CHEAP)
    for name in ("ada", "countessoflovelace"):
        with pytest.raises(Refused, match="looks like"):
            await other.add(name, PASSWORD)


async def test_a_display_name_is_nobody_elses_login_or_display_name(rig: Rig) -> None:
    ada = await rig.accounts.add("ada", PASSWORD)
    bob = await rig.accounts.add("bob", PASSWORD, display_name="Robert")
    for name in ("bob", "BOB", "R\u043ebert", "Rob\u200bert", "Rialto"):
        with pytest.raises(Refused) as refused:
            await rig.accounts.rename(ada, name)
        assert (refused.value.reason_code, refused.value.field) == ("name_taken", "display_name")
    assert (await rig.accounts.rename(ada, " Ada \u202e Lovelace ")).name == "Ada Lovelace"
    assert (await rig.accounts.rename(ada, "ada")).name == "ada"
    assert (await rig.accounts.rename(bob, "Robert")).name == "Robert"


async def test_of_two_that_ask_for_one_name_at_once_one_gets_it(rig: Rig) -> None:
    results = await asyncio.gather(
        *(rig.accounts.add(name, PASSWORD) for name in ("ada", "a.da", "ad_a")), return_exceptions=True
    )
    assert sorted(isinstance(result, Refused) for result in results) == [False, True, True]


async def test_passwords_are_neither_short_nor_endless(rig: Rig) -> None:
    for password, code in (("seven77", "weak_password"), ("x" * 1025, "long_password")):
        with pytest.raises(Refused) as refused:
            await rig.accounts.add("ada", password)
        assert (refused.value.reason_code, refused.value.field) == (code, "password")
    assert await rig.accounts.list() == []


async def test_login_gives_a_session_and_only_its_hash_is_stored(rig: Rig) -> None:
    account = await rig.accounts.add("ada", PASSWORD)
    token, signed_in = await rig.accounts.login(" ADA ", PASSWORD)
    session = await rig.accounts.session(token)
    assert signed_in.id == account.id
    assert session is not None
    assert session.account.id == account.id
    assert len(token) >= 43
    stored = await rig.db.read(lambda c: rows.get(c, token_hash(token)))
    assert stored is not None
    assert (stored.account, stored.id) == (account.id, session.id)
    assert await rig.db.read(lambda c: rows.get(c, token)) is None
    await rig.accounts.logout(session)
    assert await rig.accounts.session(token) is None


async def test_a_wrong_name_and_a_wrong_password_are_told_alike(rig: Rig) -> None:
    await rig.accounts.add("ada", PASSWORD)
    told = set()
    for name, password in (("ada", "wrong password"), ("nobody", PASSWORD), ("ada", "x" * 5000), ("", "")):
        with pytest.raises(Refused) as refused:
            await rig.accounts.login(name, password)
        told.add((refused.value.reason_code, refused.value.message, refused.value.status))
    assert len(told) == 1


async def test_a_hash_of_yesterdays_cost_is_made_anew_and_sessions_go_on(rig: Rig) -> None:
    await rig.accounts.add("ada", PASSWORD)
    token, _ = await rig.accounts.login("ada", PASSWORD)
    dearer = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    later = Accounts(rig.db, rig.people, rig.native, dearer)
    await later.login("ada", PASSWORD)
    (account,) = await later.list()
    assert "m=16,t=2" in account.password
    assert await later.session(token) is not None
    await later.login("ada", PASSWORD)


async def test_a_new_password_ends_all_sessions(rig: Rig) -> None:
    await rig.accounts.add("ada", PASSWORD)
    ended: list[tuple[str, str | None]] = []
    rig.accounts.on_session_end(lambda account, hashed: ended.append((account.name, hashed)))
    token, _ = await rig.accounts.login("ada", PASSWORD)
    await rig.accounts.passwd("ada", "another password")
    assert await rig.accounts.session(token) is None
    assert ended == [("ada", None)]
    with pytest.raises(Refused):
        await rig.accounts.login("ada", PASSWORD)
    await rig.accounts.login("ada", "another password")


async def test_a_closed_account_is_out_of_every_room_and_cannot_come_back(rig: Rig) -> None:
    ada = await rig.accounts.add("ada", PASSWORD)
    room = await rig.native.found_room("Lobby", ada.person)
    token, _ = await rig.accounts.login("ada", PASSWORD)
    await rig.accounts.deactivate("ada")
    assert await rig.accounts.session(token) is None
    place = await rig.hub.member(room.id, ada.person)
    assert place is not None
    assert not place.joined
    with pytest.raises(Refused, match="wrong"):
        await rig.accounts.login("ada", PASSWORD)
    with pytest.raises(Refused, match="looks like"):
        await rig.accounts.add("ada", PASSWORD)


async def test_a_session_that_nobody_used_for_long_is_over(rig: Rig) -> None:
    await rig.accounts.add("ada", PASSWORD)
    token, _ = await rig.accounts.login("ada", PASSWORD)
    hashed = token_hash(token)

    async def used(days: float) -> None:
        at = now_ms() - int(days * DAY_MS)
        aged = update(sessions).where(sessions.c.token_hash == hashed).values(used_at=at)
        await rig.db.write(lambda c: c.execute(aged))

    await used(SESSION_DAYS - 1)
    assert await rig.accounts.session(token) is not None
    noted = await rig.db.read(lambda c: rows.get(c, hashed))
    assert noted is not None
    assert now_ms() - noted.used_at < DAY_MS
    await used(SESSION_DAYS + 1)
    assert await rig.accounts.session(token) is None
    await rig.accounts.sessions.drop_old()
    assert await rig.db.read(lambda c: rows.get(c, hashed)) is None


async def test_an_admins_name_is_reserved_in_rooms_at_once(rig: Rig) -> None:
    bob = await rig.accounts.add("bob", PASSWORD, display_name="Grace")
    await rig.accounts.add("root", PASSWORD, admin=True)
    await rig.people.load([bob.person])
    assert skeleton("root") in rig.people.rights(bob.person).reserved


async def test_what_names_no_account_is_refused(rig: Rig) -> None:
    for act in (rig.accounts.passwd("nobody", PASSWORD), rig.accounts.deactivate("nobody")):
        with pytest.raises(Refused) as refused:
            await act
        assert (refused.value.reason_code, refused.value.status) == ("no_such_account", 404)
