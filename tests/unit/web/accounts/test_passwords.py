"""Passwords: changed by who knows them, and nothing told to who does not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp.pytest_plugin import AiohttpClient
from argon2 import PasswordHasher
from sqlalchemy import Connection

from bridge.model.errors import Refused
from bridge.model.ids import AccountId
from bridge.web.accounts import Accounts
from bridge.web.accounts.passwords import Passwords
from bridge.web.parts import WebLimits
from tests.unit.web.accounts.asking import told
from tests.unit.web.conftest import Client
from tests.unit.web.rig import CHEAP, PASSWORD, Rig, Visitor, rigged, visitor

NEW = "another password"


class Counting(PasswordHasher):
    """Notes what is computed, and at which cost: that is what takes the time."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.work: list[str] = []

    def hash(self, *args: Any, **more: Any) -> str:
        self.work.append("hash")
        return super().hash(*args, **more)

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.work.append(f"verify {str(hash).rsplit('$', 2)[0]}")
        return super().verify(hash, password)


@pytest.mark.parametrize("first", ["ada", "nobody", "closed"])
async def test_an_unknown_name_takes_the_same_work_as_a_wrong_password(rig: Rig, first: str) -> None:
    await rig.accounts.add("ada", PASSWORD)
    await rig.accounts.add("closed", PASSWORD)
    await rig.accounts.deactivate("closed")
    hasher = Counting()
    accounts = Accounts(rig.db, rig.people, rig.native, hasher)
    done: dict[str, list[str]] = {}
    for name in (first, "ada", "nobody", "closed", ""):
        hasher.work.clear()
        with pytest.raises(Refused):
            await accounts.login(name, "wrong password")
        # Whoever comes first after a start pays for what is made once, whatever the name.
        done[name if done else "first"] = list(hasher.work)
    assert done["first"][0] == "hash"
    assert done["ada"] == done["nobody"] == done["closed"] == done[""] == done["first"][1:]
    assert len(done["ada"]) == 1


@pytest.mark.parametrize("password", ["", "no account has this password", PASSWORD])
async def test_nothing_fits_an_empty_hash(rig: Rig, password: str) -> None:
    assert not await Passwords(CHEAP).verify("", password)
    assert not await Passwords(CHEAP).verify(None, password)

    def nothing(_connection: Connection, _account: AccountId) -> None:
        pass

    await rig.accounts.add_proved(["eve"], ["Eve"], nothing)
    with pytest.raises(Refused, match="wrong"):
        await rig.accounts.login("eve", password)


async def test_half_a_character_is_a_password_like_any_other(rig: Rig) -> None:
    await rig.accounts.add("ada", "half \ud800 character")
    with pytest.raises(Refused, match="wrong"):
        await rig.accounts.login("ada", "half \ud801 character")
    await rig.accounts.login("ada", "half \ud800 character")


async def test_a_new_password_ends_the_other_sessions(rig: Rig, client: Client, ada: Visitor) -> None:
    ended: list[str | None] = []
    token, _ = await rig.accounts.login("ada", PASSWORD)
    link, _ = await rig.accounts.tickets.for_reset(await rig.accounts.named("ada"))
    rig.accounts.on_session_end(lambda _account, hashed: ended.append(hashed))
    assert await ada.post("/api/v1/account/password", {"old": PASSWORD, "new": NEW}) == {}
    assert await rig.accounts.session(token) is None
    assert len(ended) == 1
    assert (await ada.ask("GET", "/api/v1/account")).status == 200
    with pytest.raises(Refused):
        await rig.accounts.tickets.look(link)
    with pytest.raises(Refused):
        await rig.accounts.login("ada", PASSWORD)
    await rig.accounts.login("ada", NEW)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"old": "wrong password", "new": NEW}, (403, "wrong_password", "old")),
        ({"new": NEW}, (400, "missing_field", "old")),
        ({"old": PASSWORD}, (400, "missing_field", "new")),
        ({"old": PASSWORD, "new": "short"}, (400, "weak_password", "new")),
        ({"old": PASSWORD, "new": "x" * 1100}, (400, "long_password", "new")),
        ({"old": PASSWORD, "new": 7}, (400, "bad_field", "new")),
    ],
)
async def test_what_is_wrong_with_a_change_is_told(
    rig: Rig, ada: Visitor, body: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    assert await told(ada, "POST", "account/password", body) == expected
    await rig.accounts.login("ada", PASSWORD)


async def test_who_came_from_elsewhere_needs_no_old_password(rig: Rig, client: Client) -> None:
    def nothing(_connection: Connection, _account: AccountId) -> None:
        pass

    account = await rig.accounts.add_proved(["eve"], ["Eve"], nothing)
    token = await rig.accounts.open(account)
    eve = Visitor(client, {"token": token, "account": {"person": account.person}})
    await eve.post("/api/v1/account/password", {"new": NEW})
    await rig.accounts.login("eve", NEW)
    assert await told(eve, "POST", "account/password", {"new": PASSWORD}) == (400, "missing_field", "old")


async def test_of_two_changes_at_once_one_is_done(rig: Rig, ada: Visitor) -> None:
    changes = [ada.ask("POST", "/api/v1/account/password", {"old": PASSWORD, "new": f"{NEW} {n}"}) for n in range(3)]
    answers = await asyncio.gather(*changes)
    assert sorted(answer.status for answer in answers) == [200, 403, 403]
    done = next(n for n, answer in enumerate(answers) if answer.status == 200)
    await rig.accounts.login("ada", f"{NEW} {done}")


async def test_a_stolen_session_does_not_find_the_password_out(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    async with rigged(tmp_path, limits=WebLimits(logins_per_minute=3)) as rig:
        ada = await visitor(rig, await aiohttp_client(rig.app), "ada")
        for expected in ("wrong_password", "wrong_password", "too_fast"):
            body = {"old": "wrong password", "new": NEW}
            assert (await told(ada, "POST", "account/password", body))[1] == expected
        assert (await told(ada, "DELETE", "account", {"password": "wrong password"}))[1] == "too_fast"
