"""One's own account: what the page keeps for it, and leaving for good, through a stop in the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp.pytest_plugin import AiohttpClient
from sqlalchemy import text

from bridge import __version__
from bridge.model.errors import Refused
from bridge.model.ids import PersonId, RoomId
from bridge.store import accounts as rows
from bridge.store import invites, rooms
from bridge.store.accounts import Account
from bridge.web.accounts import token_hash
from tests.rigs.database import new_url
from tests.unit.web.accounts.asking import ask, guest, invite_to, told
from tests.unit.web.conftest import Client
from tests.unit.web.rig import PASSWORD, Rig, Visitor, rigged


async def put(who: Visitor, body: Any) -> tuple[int, dict[str, Any]]:
    response = await who.ask("PUT", "/api/v1/account/settings", body)
    return response.status, await response.json()


async def test_the_server_says_how_one_comes_in(client: Client) -> None:
    status, answer = await ask(client, "GET", "server")
    assert status == 200
    assert answer["name"] == "Rialto"
    assert (answer["server_name"], answer["version"]) == ("example.org", __version__)
    assert (answer["signup"], answer["guests"], answer["languages"]) == ("invite", True, ["en", "zh"])
    assert (answer["limits"]["text_bytes"], answer["limits"]["password_chars"]) == (16_384, 8)


async def test_settings_are_kept_for_each_account_and_told(rig: Rig, ada: Visitor, bob: Visitor) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    def listen(account: Account, settings: dict[str, Any]) -> None:
        heard.append((account.name, settings))

    rig.accounts.preferences.on_change(listen)
    assert await ada.get("/api/v1/account/settings") == {"settings": {}}
    settings = {"theme": "dark", "deep": {"er": [1, 2.5, None, True, "中文"]}}
    assert await put(ada, {"settings": settings}) == (200, {"settings": settings})
    assert await ada.get("/api/v1/account/settings") == {"settings": settings}
    assert await bob.get("/api/v1/account/settings") == {"settings": {}}
    assert heard == [("ada", settings)]
    assert (await put(ada, {"settings": {}}))[1] == {"settings": {}}


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "missing_field", "settings"),
        ({"settings": []}, 400, "bad_field", "settings"),
        ({"settings": {"a": "x" * 8200}}, 413, "settings_too_large", "settings"),
        ({"settings": {"a": "\0"}}, 400, "bad_field", "settings.a"),
    ],
)
async def test_settings_that_cannot_be_kept(ada: Visitor, body: Any, status: int, code: str, field: str) -> None:
    found, answer = await put(ada, body)
    assert (found, answer["error"]["code"], answer["error"]["field"]) == (status, code, field)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"settings": {"a": 123456789012345678901234567890}}',
        b'{"settings": {"a": 1e400}}',
        b'{"settings": {"a": NaN}}',
        b'{"settings": {"a": "\\ud800"}}',
        b'{"settings": {"a": ' + b"[" * 3000 + b"]" * 3000 + b"}}",
        b'{"settings": {"": {"": ""}}}',
    ],
)
async def test_odd_settings_are_kept_or_refused_and_break_nothing(ada: Visitor, raw: bytes) -> None:
    response = await ada.client.put(
        "/api/v1/account/settings",
        data=raw,
        headers={"Authorization": f"Bearer {ada.token}", "Content-Type": "application/json"},
    )
    assert response.status in (200, 400, 413), await response.text()
    if response.status == 200:
        assert await ada.get("/api/v1/account/settings") == await response.json()


async def test_leaving_takes_the_password(rig: Rig, ada: Visitor, room: str) -> None:
    assert await told(ada, "DELETE", "account", {}) == (400, "missing_field", "password")
    wrong = {"password": "wrong password"}
    assert await told(ada, "DELETE", "account", wrong) == (403, "wrong_password", "password")
    invite = await invite_to(rig, room, ada.person)
    response = await ada.ask("DELETE", "/api/v1/account", {"password": PASSWORD})
    assert (response.status, await response.json()) == (200, {})
    assert (await ada.ask("GET", "/api/v1/account")).status == 401
    place = await rig.hub.member(RoomId(room), PersonId(ada.person))
    assert place is not None
    assert not place.joined
    with pytest.raises(Refused):
        await rig.accounts.invites.look(invite)
    with pytest.raises(Refused, match="wrong"):
        await rig.accounts.login("ada", PASSWORD)
    with pytest.raises(Refused, match="looks like"):
        await rig.accounts.add("ada", PASSWORD)


async def test_a_guest_leaves_without_one(rig: Rig, client: Client, ada: Visitor, room: str) -> None:
    grace = await guest(client, await invite_to(rig, room, ada.person, guests=True), "Grace")
    assert (await grace.ask("DELETE", "/api/v1/account", {})).status == 200
    assert (await grace.ask("GET", "/api/v1/account")).status == 401


async def test_a_stop_in_the_middle_of_leaving_is_made_good(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    url = new_url(tmp_path)
    async with rigged(tmp_path, database=url) as rig:
        ada, bob = [await rig.accounts.add(name, PASSWORD) for name in ("ada", "bob")]
        made = [(await rig.native.found_room(name, ada.person)).id for name in ("One", "Two")]
        await rig.native.join(made[0], bob.person)
        # All that is committed before a stop: the account is closed, its person still in the rooms.
        await rig.db.write(lambda c: rows.close(c, ada))
    async with rigged(tmp_path, database=url) as rig:
        assert await rig.db.read(rows.half_closed) == [ada.person]
        await rig.accounts.upkeep.once()
        assert await rig.db.read(lambda c: rooms.joined_by(c, ada.person)) == []
        assert await rig.db.read(lambda c: rooms.joined_by(c, bob.person)) == [made[0]]
        assert await rig.db.read(rows.half_closed) == []


async def test_a_part_of_the_upkeep_that_fails_holds_no_other_up(rig: Rig) -> None:
    token = await invite_to(rig, None, expires_in=60)
    await rig.db.write(lambda c: c.execute(text("DROP TABLE tickets")))
    rig.clock.forward(days=31)
    with structlog.testing.capture_logs() as lines:
        await rig.accounts.upkeep.once()
    failed = [line["part"] for line in lines if line["event"] == "a part of the accounts' upkeep failed"]
    assert failed == ["Tickets.drop_old"]
    assert await rig.db.read(lambda c: invites.by_token(c, token_hash(token))) is None
