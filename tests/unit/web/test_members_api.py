"""The API of the people in a room, and of conversations of two."""

from __future__ import annotations

from typing import Any

from bridge.model.ids import PersonId
from tests.unit.web.conftest import SignIn
from tests.unit.web.rig import PNG, Rig, Visitor


async def guest(rig: Rig, sign_in: SignIn, name: str) -> Visitor:
    made = await sign_in(name)
    await rig.make_guest(made.person)
    return made


async def test_members_are_searched_and_paged(ada: Visitor, sign_in: SignIn, room: str) -> None:
    for name in ("carl", "Bea".lower(), "dora"):
        await (await sign_in(name)).post(f"/api/v1/rooms/{room}/join")
    path = f"/api/v1/rooms/{room}/members"
    found: list[str] = []
    after = ""
    while True:
        page = await ada.get(f"{path}?limit=3{after}")
        found += [member["name"] for member in page["members"]]
        if "next" not in page:
            break
        after = f"&after={page['next']}"
    assert found == ["ada", "bea", "carl", "dora"]
    assert [member["name"] for member in (await ada.get(f"{path}?q=AR"))["members"]] == ["carl"]
    assert (await ada.get(f"{path}?q=nobody"))["members"] == []
    assert (await ada.get(f"{path}?after=p0000"))["members"] == []


async def test_roles_are_given(ada: Visitor, bob: Visitor, room: str) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    path = f"/api/v1/rooms/{room}/members/{bob.person}"
    response = await ada.ask("PATCH", path, {"role": "muted"})
    assert (response.status, (await response.json())["role"]) == (200, "muted")
    last = (await bob.events(room))[-1]
    assert (last["kind"], last["content"]) == ("ranked", {"person": bob.person, "name": "bob", "role": "muted"})
    refused = await bob.say(room, "hm", status=403)
    assert refused["error"]["code"] == "muted"
    shape = await bob.get(f"/api/v1/rooms/{room}")
    assert (shape["role"], shape["can"]) == ("muted", ["read", "remove_own", "leave"])
    for body, status, code, field in (
        ({"role": "king"}, 400, "bad_field", "role"),
        ({}, 400, "missing_field", "role"),
        ({"role": "guest"}, 400, "bad_field", "role"),
    ):
        response = await ada.ask("PATCH", path, body)
        error = (await response.json())["error"]
        assert (response.status, error["code"], error["field"]) == (status, code, field)
    response = await ada.ask("PATCH", f"/api/v1/rooms/{room}/members/{ada.person}", {"role": "member"})
    assert (response.status, (await response.json())["error"]["code"]) == (409, "last_owner")
    response = await ada.ask("PATCH", f"/api/v1/rooms/{room}/members/p0000", {"role": "member"})
    assert (response.status, (await response.json())["error"]["code"]) == (404, "no_such_member")


async def test_who_is_sent_away_is_told_why(ada: Visitor, bob: Visitor, room: str) -> None:
    await bob.post(f"/api/v1/rooms/{room}/join")
    path = f"/api/v1/rooms/{room}/members/{bob.person}"
    response = await ada.ask("DELETE", f"{path}?reason={'x' * 501}")
    assert (response.status, (await response.json())["error"]["field"]) == (400, "reason")
    response = await ada.ask("DELETE", f"{path}?reason=too+loud")
    assert (response.status, await response.json()) == (200, {})
    last = (await bob.events(room))[-1]
    assert (last["kind"], last["who"]["id"]) == ("left", bob.person)
    assert last["content"] == {"how": "kicked", "by": ada.person, "reason": "too loud"}
    response = await ada.ask("DELETE", path)
    assert (response.status, (await response.json())["error"]["code"]) == (404, "no_such_member")
    response = await ada.ask("DELETE", f"/api/v1/rooms/{room}/members/{ada.person}")
    assert (response.status, (await response.json())["error"]["field"]) == (400, "person")


# conversations of two


async def test_a_conversation_has_the_name_of_the_other(ada: Visitor, bob: Visitor) -> None:
    response = await bob.ask("PUT", "/api/v1/account/avatar", data=PNG, headers={"Content-Type": "image/png"})
    assert response.status == 200
    opened = await ada.post("/api/v1/direct", {"person": bob.person})
    assert (opened["name"], opened["access"], opened["links"], opened["alias"]) == ("bob", "direct", [], "")
    assert opened["direct_with"]["id"] == bob.person
    assert (await (await ada.ask("GET", opened["direct_with"]["avatar"])).read()) == PNG
    assert opened["can"] == ["read", "say", "edit_own", "remove_own", "leave"]
    (theirs,) = (await bob.get("/api/v1/rooms"))["rooms"]
    assert (theirs["id"], theirs["name"]) == (opened["id"], "ada")
    assert theirs["direct_with"] == {"id": ada.person, "name": "ada", "avatar": ""}
    assert (await bob.post("/api/v1/direct", {"person": ada.person}))["id"] == opened["id"]
    await ada.say(opened["id"], "psst")
    assert await bob.texts(opened["id"]) == ["psst"]
    assert (await ada.get("/api/v1/directory"))["rooms"] == []


async def test_a_conversation_is_nobody_elses(ada: Visitor, bob: Visitor, sign_in: SignIn) -> None:
    room = (await ada.post("/api/v1/direct", {"person": bob.person}))["id"]
    for who in (await sign_in("carl"), await sign_in("boss", admin=True)):
        for method, below in (("GET", ""), ("GET", "/events"), ("POST", "/join"), ("DELETE", "")):
            response = await who.ask(method, f"/api/v1/rooms/{room}{below}", None if method == "GET" else {})
            assert response.status == 404, (method, below)
    for body in ({"topic": "x"}, {"access": "public"}, {"archived": True}, {"mirror": True}):
        response = await ada.ask("PATCH", f"/api/v1/rooms/{room}", body)
        assert (response.status, (await response.json())["error"]["code"]) == (403, "direct_room"), body


async def test_who_left_comes_back_with_the_next_line(ada: Visitor, bob: Visitor) -> None:
    room = (await ada.post("/api/v1/direct", {"person": bob.person}))["id"]
    await bob.post(f"/api/v1/rooms/{room}/leave")
    assert (await bob.get("/api/v1/rooms"))["rooms"] == []
    await ada.say(room, "still there?")
    assert [each["id"] for each in (await bob.get("/api/v1/rooms"))["rooms"]] == [room]


async def test_people_are_found_by_name(ada: Visitor, bob: Visitor, rig: Rig, sign_in: SignIn) -> None:
    await rig.accounts.rename(await rig.accounts.named("bob"), "Robert Ünal")
    await rig.accounts.add("x", "a good password")
    await rig.accounts.add("gone", "a good password", display_name="Roberta")
    await rig.accounts.deactivate("gone")
    await guest(rig, sign_in, "robin")

    async def names(query: str) -> list[str]:
        return [each["name"] for each in (await ada.get(f"/api/v1/people?q={query}"))["people"]]

    assert await names("rob") == ["Robert Ünal"]
    assert await names("Ünal") == ["Robert Ünal"]
    assert await names("bob") == ["Robert Ünal"]
    assert await names("x") == ["x"]
    assert await names("b") == []
    assert await names("ada") == []
    assert await names("%25") == []
    assert (await ada.get("/api/v1/people?q=", status=400))["error"]["field"] == "q"


async def test_guests_and_strangers_are_not_written_to(ada: Visitor, rig: Rig, sign_in: SignIn) -> None:
    gast = await guest(rig, sign_in, "gast")
    for person, status, code in (
        (gast.person, 404, "no_such_person"),
        ("p0000", 404, "no_such_person"),
        (ada.person, 400, "bad_field"),
    ):
        error = (await ada.post("/api/v1/direct", {"person": person}, status=status))["error"]
        assert (error["code"], error["field"]) == (code, "person")
    for method, path, body in (
        ("POST", "/api/v1/direct", {"person": ada.person}),
        ("GET", "/api/v1/people?q=ada", None),
        ("GET", "/api/v1/directory", None),
        ("POST", "/api/v1/rooms", {"name": "Mine"}),
    ):
        response = await gast.ask(method, path, body)
        assert (response.status, (await response.json())["error"]["code"]) == (403, "no_guests"), path


async def test_a_guest_sees_only_where_they_were_let_in(ada: Visitor, rig: Rig, sign_in: SignIn, room: str) -> None:
    gast = await guest(rig, sign_in, "gast")
    other: Any = await ada.post("/api/v1/rooms", {"name": "Other"}, status=201)
    await rig.native.admit(room, PersonId(gast.person))  # type: ignore[arg-type]
    assert [each["id"] for each in (await gast.get("/api/v1/rooms"))["rooms"]] == [room]
    await gast.say(room, "hello")
    for below in ("", "/events", "/members"):
        assert (await gast.ask("GET", f"/api/v1/rooms/{other['id']}{below}")).status == 404
    assert (await gast.ask("POST", f"/api/v1/rooms/{other['id']}/join", {})).status == 404
