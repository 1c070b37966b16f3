"""Administrators: what they see and do, that others do not, and that there is always one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog

from bridge.model.errors import Refused
from bridge.model.ids import PersonId, RoomId
from tests.unit.web.accounts.asking import ask, guest, invite_to, refused, signed_up, told
from tests.unit.web.conftest import Client, SignIn
from tests.unit.web.rig import PASSWORD, Rig, Visitor


@pytest.fixture
async def root(sign_in: SignIn) -> Visitor:
    """An administrator."""
    return await sign_in("root", admin=True)


async def change(who: Visitor, account: Visitor, body: Any) -> tuple[int, dict[str, Any]]:
    response = await who.ask("PATCH", f"/api/v1/admin/accounts/{account.account['id']}", body)
    return response.status, await response.json()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "accounts"),
        ("POST", "accounts"),
        ("PATCH", "accounts/a1"),
        ("POST", "accounts/a1/reset"),
        ("POST", "accounts/a1/deactivate"),
        ("GET", "invites"),
        ("POST", "invites"),
        ("DELETE", "invites/i1"),
    ],
)
async def test_it_is_for_administrators_only(
    rig: Rig, client: Client, ada: Visitor, room: str, method: str, path: str
) -> None:
    grace = await guest(client, await invite_to(rig, room, ada.person, guests=True), "Grace")
    for who in (ada, grace):
        assert await told(who, method, f"admin/{path}", {}) == (403, "admins_only", None)
    assert await refused(client, method, f"admin/{path}", {}) == (401, "signed_out", None)


async def test_accounts_are_listed_searched_and_paged(
    rig: Rig, client: Client, root: Visitor, ada: Visitor, room: str
) -> None:
    await guest(client, await invite_to(rig, room, ada.person, guests=True), "Grace")
    await rig.accounts.add("gone", PASSWORD, display_name="Countess")
    await rig.accounts.deactivate("gone")

    async def found(query: str) -> list[str]:
        return [each["display_name"] for each in (await root.get(f"/api/v1/admin/accounts{query}"))["accounts"]]

    everyone = (await root.get("/api/v1/admin/accounts"))["accounts"]
    assert {each["display_name"] for each in everyone} == {"root", "ada", "Grace", "Countess"}
    by_name = {each["display_name"]: each for each in everyone}
    assert (by_name["root"]["admin"], by_name["ada"]["admin"]) == (True, False)
    assert (by_name["Grace"]["kind"], by_name["Grace"]["name"]) == ("guest", "")
    assert (by_name["Countess"]["active"], by_name["Countess"]["sessions"]) == (False, 0)
    assert by_name["Countess"]["used_at"] is None
    assert by_name["ada"]["sessions"] == 1
    assert by_name["ada"]["used_at"] >= by_name["ada"]["created_at"]
    assert await found("?q=COUNT") == ["Countess"]
    assert await found("?q=nobody") == []

    seen: list[str] = []
    query = "?limit=3"
    while True:
        page = await root.get(f"/api/v1/admin/accounts{query}")
        seen += [each["id"] for each in page["accounts"]]
        if "next" not in page:
            break
        query = f"?limit=3&after={page['next']}"
    assert seen == [each["id"] for each in everyone]
    assert await told(root, "GET", "admin/accounts?limit=0") == (400, "bad_field", "limit")


async def test_an_account_is_made_with_a_password_or_a_link(rig: Rig, client: Client, root: Visitor) -> None:
    body = {"name": "ada", "password": PASSWORD, "display_name": "Ada L."}
    made = await root.post("/api/v1/admin/accounts", body, status=201)
    assert set(made) == {"account"}
    assert (made["account"]["name"], made["account"]["display_name"]) == ("ada", "Ada L.")
    await rig.accounts.login("ada", PASSWORD)
    made = await root.post("/api/v1/admin/accounts", {"name": "bob", "admin": True}, status=201)
    assert made["account"]["admin"]
    token = made["url"].removeprefix("http://127.0.0.1:8090/ticket/")
    status, answer = await ask(client, "POST", "reset", {"token": token, "password": PASSWORD})
    assert (status, answer["account"]["name"]) == (200, "bob")
    for wrong, expected in (
        ({"name": "A B"}, (400, "bad_name", "name")),
        ({"name": "ada"}, (409, "name_taken", "name")),
        ({"name": "cyd", "password": "short"}, (400, "weak_password", "password")),
        ({}, (400, "missing_field", "name")),
    ):
        assert await told(root, "POST", "admin/accounts", wrong) == expected


async def test_a_link_for_somebody(rig: Rig, client: Client, root: Visitor, ada: Visitor, room: str) -> None:
    made = await root.post(f"/api/v1/admin/accounts/{ada.account['id']}/reset")
    token = made["url"].rpartition("/ticket/")[2]
    assert (await ask(client, "GET", f"tickets/{token}"))[1]["name"] == "ada"
    # The link alone changes nothing.
    assert (await ada.ask("GET", "/api/v1/account")).status == 200
    grace = await guest(client, await invite_to(rig, room, ada.person, guests=True), "Grace")
    for account in (grace.account["id"], "a-nobody"):
        assert (await told(root, "POST", f"admin/accounts/{account}/reset"))[:2] == (404, "no_such_account")


async def test_somebody_becomes_an_administrator_at_once_and_stops_being_one(
    rig: Rig, root: Visitor, ada: Visitor, bob: Visitor
) -> None:
    secret = (await bob.post("/api/v1/rooms", {"name": "Secret", "access": "invite"}, status=201))["id"]
    assert (await ada.ask("GET", f"/api/v1/rooms/{secret}")).status == 404
    status, answer = await change(root, ada, {"admin": True})
    assert (status, answer["admin"]) == (200, True)
    assert (await ada.get("/api/v1/account"))["admin"]
    assert (await ada.get(f"/api/v1/rooms/{secret}"))["id"] == secret
    made = await ada.post("/api/v1/admin/invites", {}, status=201)
    link, _ = await rig.accounts.tickets.for_reset(await rig.accounts.named("bob"))
    assert (await change(root, ada, {}))[1]["admin"]
    assert (await change(root, ada, {"admin": False}))[1]["admin"] is False
    assert (await told(ada, "GET", "admin/accounts"))[:2] == (403, "admins_only")
    assert (await ada.ask("GET", f"/api/v1/rooms/{secret}")).status == 404
    # What they held for others is void.
    with pytest.raises(Refused):
        await rig.accounts.tickets.look(link)
    with pytest.raises(Refused):
        await rig.accounts.invites.look(made["url"].rpartition("/")[2])


async def test_there_is_always_an_administrator(rig: Rig, root: Visitor, ada: Visitor) -> None:
    last = (409, "last_admin", "admin")
    mine = f"admin/accounts/{root.account['id']}"
    assert await told(root, "PATCH", mine, {"admin": False}) == last
    assert await told(root, "POST", f"{mine}/deactivate") == last
    assert await told(root, "DELETE", "account", {"password": PASSWORD}) == last
    assert (await root.get("/api/v1/account"))["admin"]
    await change(root, ada, {"admin": True})
    # Of two who leave at the same time one stays.
    answers = await asyncio.gather(
        *(who.ask("DELETE", "/api/v1/account", {"password": PASSWORD}) for who in (root, ada))
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    # The operator of the machine may close even the last one, who can be made again from there.
    stays = "root" if answers[0].status == 409 else "ada"
    await rig.accounts.deactivate(stays)
    assert await rig.accounts.tickets.needs_claim()


async def test_neither_guests_nor_who_is_gone_can_administer(
    rig: Rig, client: Client, root: Visitor, ada: Visitor, bob: Visitor, room: str
) -> None:
    grace = await guest(client, await invite_to(rig, room, ada.person, guests=True), "Grace")
    await rig.accounts.deactivate("bob")
    for who in (grace, bob):
        status, answer = await change(root, who, {"admin": True})
        assert (status, answer["error"]["code"]) == (409, "not_for_admins")


async def test_an_account_that_is_closed_is_out_of_everything(
    rig: Rig, client: Client, root: Visitor, ada: Visitor, room: str
) -> None:
    server, to_room = await invite_to(rig, None, ada.person), await invite_to(rig, room, ada.person)
    closed = await root.post(f"/api/v1/admin/accounts/{ada.account['id']}/deactivate")
    assert (closed["active"], closed["sessions"]) == (False, 0)
    assert (await ada.ask("GET", "/api/v1/account")).status == 401
    place = await rig.hub.member(RoomId(room), PersonId(ada.person))
    assert place is not None
    assert not place.joined
    for token in (server, to_room):
        body = {"name": "new", "password": PASSWORD, "invite": token}
        assert await refused(client, "POST", "signup", body) == (410, "invite_over", "invite")
    # A second time changes nothing.
    again = await root.post(f"/api/v1/admin/accounts/{ada.account['id']}/deactivate")
    assert again["active"] is False
    body = {"name": "ada", "password": PASSWORD, "invite": await invite_to(rig, None)}
    assert await refused(client, "POST", "signup", body) == (409, "name_taken", "name")


async def test_invites_to_the_server_are_made_listed_and_revoked(client: Client, root: Visitor) -> None:
    made = await root.post("/api/v1/admin/invites", {"expires_in": 3600, "max_uses": 2}, status=201)
    invite, token = made["invite"], made["url"].removeprefix("http://127.0.0.1:8090/invite/")
    assert (invite["uses"], invite["max_uses"], invite["created_by"]) == (0, 2, root.person)
    assert invite["expires_at"] - invite["created_at"] == 3_600_000
    await signed_up(client, "one", invite=token)
    (listed,) = (await root.get("/api/v1/admin/invites"))["invites"]
    assert (listed["id"], listed["uses"]) == (invite["id"], 1)
    assert (await root.ask("DELETE", f"/api/v1/admin/invites/{invite['id']}")).status == 200
    assert (await root.get("/api/v1/admin/invites"))["invites"] == []
    body = {"name": "two", "password": PASSWORD, "invite": token}
    assert await refused(client, "POST", "signup", body) == (410, "invite_over", "invite")
    gone = (404, "no_such_invite", "id")
    assert await told(root, "DELETE", f"admin/invites/{invite['id']}") == gone
    for wrong in ({"expires_in": 59}, {"max_uses": 0}, {"max_uses": "x"}):
        assert await told(root, "POST", "admin/invites", wrong) == (400, "bad_field", next(iter(wrong)))


async def test_a_rooms_invite_is_not_the_servers_to_revoke(
    rig: Rig, root: Visitor, ada: Visitor, room: str
) -> None:
    invite, token = await rig.accounts.invites.make(PersonId(ada.person), room=RoomId(room))
    assert (await told(root, "DELETE", f"admin/invites/{invite.id}"))[0] == 404
    assert (await rig.accounts.invites.look(token)).id == invite.id


async def test_there_are_not_more_invites_than_anybody_can_look_after(rig: Rig, root: Visitor) -> None:
    _, token = await rig.accounts.invites.make(None)
    for _ in range(99):
        await rig.accounts.invites.make(None)
    assert await told(root, "POST", "admin/invites", {}) == (409, "too_many_invites", None)
    invite = await rig.accounts.invites.look(token)
    await rig.accounts.invites.revoke(invite.id, None)
    await root.post("/api/v1/admin/invites", {}, status=201)


async def test_every_act_leaves_a_line_in_the_log(root: Visitor, ada: Visitor) -> None:
    one = f"/api/v1/admin/accounts/{ada.account['id']}"
    with structlog.testing.capture_logs() as lines:
        await root.post("/api/v1/admin/accounts", {"name": "new", "password": PASSWORD}, status=201)
        await change(root, ada, {"admin": True})
        await change(root, ada, {"admin": False})
        await root.post(f"{one}/reset")
        made = await root.post("/api/v1/admin/invites", {}, status=201)
        await root.ask("DELETE", f"/api/v1/admin/invites/{made['invite']['id']}")
        await root.post(f"{one}/deactivate")
    acts = [(line["event"], line["by"]) for line in lines if "by" in line]
    assert acts == [
        ("an account was made", "root"),
        ("an account became an administrator", "root"),
        ("an account is no administrator any more", "root"),
        ("a link for a new password was made", "root"),
        ("an invite to the server was made", "root"),
        ("an invite to the server was revoked", "root"),
        ("an account was closed", "root"),
    ]
    written = str(lines)
    assert PASSWORD not in written
    assert made["url"].rpartition("/")[2] not in written
