"""Accounts, devices, profiles, media and a real client library: the fake homeserver and Synapse answer alike."""

from __future__ import annotations

import time
from urllib.parse import quote

import nio  # type: ignore[import-untyped]
import pytest

from tests.contract.conftest import Stage
from tests.rigs.caller import room

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_versions_and_default_room_version(stage: Stage) -> None:
    """Both speak the same versions of the specification and make version-12 rooms."""
    versions = (await stage.bot.with_token(None).call("GET", "/_matrix/client/versions")).ok()["versions"]
    assert {"v1.1", "v1.11", "v1.15"} <= set(versions)
    capabilities = (await stage.alice.call("GET", "capabilities")).ok()["capabilities"]
    assert capabilities["m.room_versions"]["default"] == "12"
    assert capabilities["m.room_versions"]["available"]["10"] == "stable"


async def test_register_a_ghost(stage: Stage) -> None:
    """Once is enough, twice is in use, and without inhibit_login the account is made but refused."""
    name = f"{stage.service.prefix}_{stage.fresh('reg')}"
    assert (await stage.register(name)).ok()["user_id"] == f"@{name}:{stage.hs.server_name}"
    again = await stage.register(name)
    assert (again.status, again.errcode) == (400, "M_USER_IN_USE")
    refused = await stage.register(name + "x", inhibit_login=False)
    assert (refused.status, refused.errcode) == (400, "M_APPSERVICE_LOGIN_UNSUPPORTED")
    assert (await stage.register(name + "x")).errcode == "M_USER_IN_USE"
    outside = await stage.register("outsider")
    assert (outside.status, outside.errcode) == (400, "M_EXCLUSIVE")


async def test_register_needs_the_as_token(stage: Stage) -> None:
    """An ordinary user cannot register as an application service does, and nobody can without one."""
    body = {"type": "m.login.application_service", "username": "rialto_no", "inhibit_login": True}
    wrong = await stage.alice.call("POST", "register", body)
    assert (wrong.status, wrong.errcode) == (401, "M_UNKNOWN_TOKEN")
    plain = await stage.bot.with_token(None).call("POST", "register", {"username": "x", "password": "y"})
    assert (plain.status, plain.errcode) == (403, "M_FORBIDDEN")


async def test_login(stage: Stage) -> None:
    """A password signs in on a device of its own; application services do not log in."""
    anonymous = stage.bot.with_token(None)
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}}
    wrong = await anonymous.call("POST", "login", {**body, "password": "no"})
    assert (wrong.status, wrong.errcode) == (403, "M_FORBIDDEN")
    right = (await anonymous.call("POST", "login", {**body, "password": "alice's password"})).ok()
    session = stage.bot.with_token(right["access_token"])
    who = (await session.call("GET", "account/whoami")).ok()
    assert (who["user_id"], who["device_id"]) == (stage.alice_id, right["device_id"])
    (await session.call("POST", "logout", {})).ok()
    assert (await session.call("GET", "account/whoami")).errcode == "M_UNKNOWN_TOKEN"
    service = await stage.bot.call("POST", "login", {"type": "m.login.application_service"})
    assert (service.status, service.errcode) == (400, "M_APPSERVICE_LOGIN_UNSUPPORTED")


async def test_masquerade(stage: Stage) -> None:
    """The token acts as the bot, as registered users of the namespace, and as nobody else."""
    assert (await stage.bot.call("GET", "account/whoami")).ok()["user_id"] == stage.service.bot
    ghost, user_id = await stage.ghost()
    assert (await ghost.call("GET", "account/whoami")).ok()["user_id"] == user_id
    for other in (stage.alice_id, stage.service.ghost("never_registered")):
        refused = await stage.bot.acting_as(other).call("GET", "account/whoami")
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")


async def test_devices(stage: Stage) -> None:
    """PUT makes a device for an application service's user (201, then 200) and for nobody else."""
    ghost, user_id = await stage.ghost()
    missing = await stage.bot.acting_as(user_id, "RIALTO").call("GET", "account/whoami")
    assert (missing.status, missing.errcode) == (400, "M_UNKNOWN_DEVICE")
    statuses = [(await ghost.call("PUT", "devices/RIALTO", {"display_name": "Rialto"})).status for _ in range(2)]
    assert statuses == [201, 200]
    shown = (await ghost.call("GET", "devices/RIALTO")).ok()
    assert (shown["device_id"], shown["display_name"]) == ("RIALTO", "Rialto")
    who = (await stage.bot.acting_as(user_id, "RIALTO").call("GET", "account/whoami")).ok()
    assert who["device_id"] == "RIALTO"
    (await ghost.call("DELETE", "devices/RIALTO", {})).ok()
    assert (await ghost.call("GET", "devices/RIALTO")).status == 404
    assert (await stage.alice.call("PUT", "devices/NEW", {"display_name": "New"})).status == 404


async def test_standard_errors(stage: Stage) -> None:
    """Missing and unknown tokens, unknown addresses and methods, bodies that are no JSON object."""
    answers = [
        await stage.bot.with_token(None).call("GET", "account/whoami"),
        await stage.bot.with_token("nobody's").call("GET", "account/whoami"),
        await stage.alice.call("GET", "no/such/thing"),
        await stage.alice.call("DELETE", "account/whoami"),
        await stage.alice.call("POST", "createRoom", data=b"{no"),
        await stage.alice.call("POST", "createRoom", data=b"[]"),
    ]
    assert [(answer.status, answer.errcode) for answer in answers] == [
        (401, "M_MISSING_TOKEN"),
        (401, "M_UNKNOWN_TOKEN"),
        (404, "M_UNRECOGNIZED"),
        (405, "M_UNRECOGNIZED"),
        (400, "M_NOT_JSON"),
        (400, "M_BAD_JSON"),
    ]
    assert all(isinstance(answer.body["error"], str) for answer in answers)
    assert answers[1].body["soft_logout"] is False


async def test_profile(stage: Stage) -> None:
    """Own fields are set and read by anybody; another's are not for us."""
    ghost, user_id = await stage.ghost()
    mine = f"profile/{quote(user_id)}"
    assert (await stage.alice.call("GET", mine)).ok() == {"displayname": user_id[1:].partition(":")[0]}
    (await ghost.call("PUT", f"{mine}/displayname", {"displayname": "威尼斯"})).ok()
    (await ghost.call("PUT", f"{mine}/avatar_url", {"avatar_url": "mxc://localhost/face"})).ok()
    assert (await stage.alice.call("GET", mine)).ok() == {"displayname": "威尼斯", "avatar_url": "mxc://localhost/face"}
    assert (await stage.alice.call("GET", f"{mine}/displayname")).ok() == {"displayname": "威尼斯"}
    other = await stage.alice.call("PUT", f"{mine}/displayname", {"displayname": "Mallory"})
    assert (other.status, other.errcode) == (400, "M_FORBIDDEN")
    long = await ghost.call("PUT", f"{mine}/displayname", {"displayname": "x" * 257})
    assert long.status == 400
    assert (await stage.alice.call("GET", f"profile/{quote('@nobody:localhost')}")).status == 404


async def test_a_new_name_reaches_the_rooms(stage: Stage) -> None:
    """Setting a display name makes one member event in each room that its owner is in."""
    ghost, user_id = await stage.ghost()
    rooms = [await stage.room(ghost) for _ in range(2)]
    (await ghost.call("PUT", f"profile/{quote(user_id)}/displayname", {"displayname": "Renamed"})).ok()

    def renamed(room_id: str) -> list[dict[str, object]]:
        events = stage.service.events(room_id, "m.room.member")
        return [event for event in events if event["content"].get("displayname") == "Renamed"]

    await stage.service.until(lambda: all(renamed(room_id) for room_id in rooms))
    for room_id in rooms:
        event = (await stage.bot.state(room_id))["m.room.member", user_id]
        assert event["content"] == {"membership": "join", "displayname": "Renamed"}
        assert event["unsigned"]["prev_content"]["displayname"] == user_id[1:].partition(":")[0]


async def test_media_round_trip(stage: Stage) -> None:
    """Bytes, type and name come back, to those with a token, at the authenticated address only."""
    limit = (await stage.alice.call("GET", "/_matrix/client/v1/media/config")).ok()["m.upload.size"]
    assert limit == 100 * 1024 * 1024
    ghost, _ = await stage.ghost()
    headers = {"Content-Type": "text/plain"}
    uploaded = await ghost.call(
        "POST", "/_matrix/media/v3/upload", data=b"ciao", query={"filename": "a b.txt"}, headers=headers
    )
    where = uploaded.ok()["content_uri"].removeprefix("mxc://")
    address = f"/_matrix/client/v1/media/download/{where}"
    got = await stage.alice.call("GET", address)
    assert (got.status, got.raw) == (200, b"ciao")
    assert got.headers["Content-Type"].startswith("text/plain")
    assert "a%20b.txt" in got.headers["Content-Disposition"]
    anonymous = await stage.bot.with_token(None).call("GET", address)
    assert (anonymous.status, anonymous.errcode) == (401, "M_MISSING_TOKEN")
    assert (await stage.alice.call("GET", f"/_matrix/media/v3/download/{where}")).status == 404
    assert (await stage.alice.call("GET", "/_matrix/client/v1/media/download/localhost/none")).status == 404


async def test_media_in_two_steps(stage: Stage) -> None:
    """An address first, the bytes later: 504 before, 409 for a second time, 403 for somebody else."""
    made = (await stage.bot.call("POST", "/_matrix/media/v1/create")).ok()
    assert made["unused_expires_at"] > time.time() * 1000
    where = made["content_uri"].removeprefix("mxc://")
    download, upload = f"/_matrix/client/v1/media/download/{where}", f"/_matrix/media/v3/upload/{where}"
    early = await stage.alice.call("GET", download, query={"timeout_ms": 50})
    assert (early.status, early.errcode) == (504, "M_NOT_YET_UPLOADED")
    headers = {"Content-Type": "application/pdf"}
    assert (await stage.alice.call("PUT", upload, data=b"x", headers=headers)).status == 403
    (await stage.bot.call("PUT", upload, data=b"pdf", headers=headers)).ok()
    twice = await stage.bot.call("PUT", upload, data=b"pdf", headers=headers)
    assert (twice.status, twice.errcode) == (409, "M_CANNOT_OVERWRITE_MEDIA")
    got = await stage.alice.call("GET", download)
    assert (got.raw, got.headers["Content-Type"]) == (b"pdf", "application/pdf")


async def test_a_real_client(stage: Stage) -> None:
    """matrix-nio logs in, joins by alias, reads what a ghost says and answers it."""
    ghost, ghost_id = await stage.ghost()
    alias = f"{stage.service.prefix}_{stage.fresh('nio')}"
    room_id = await stage.room(ghost, room_alias_name=alias, name="For nio")
    client = nio.AsyncClient(stage.hs.url, stage.bob_id)
    try:
        assert isinstance(await client.login("bob's password"), nio.LoginResponse)
        joined = await client.join(f"#{alias}:{stage.hs.server_name}")
        assert isinstance(joined, nio.JoinResponse)
        assert joined.room_id == room_id
        assert isinstance(await client.sync(timeout=0, full_state=True), nio.SyncResponse)
        assert client.rooms[room_id].display_name == "For nio"
        assert ghost_id in client.rooms[room_id].users
        said = (await ghost.send(room_id, "can you hear me?")).ok()["event_id"]
        heard = await client.sync(timeout=10_000)
        assert isinstance(heard, nio.SyncResponse)
        texts = [event for event in heard.rooms.join[room_id].timeline.events if isinstance(event, nio.RoomMessageText)]
        assert [(event.event_id, event.body, event.sender) for event in texts] == [(said, "can you hear me?", ghost_id)]
        sent = await client.room_send(room_id, "m.room.message", {"msgtype": "m.text", "body": "loud and clear"})
        assert isinstance(sent, nio.RoomSendResponse)
        arrived = await stage.service.event(sent.event_id)
        assert arrived["content"]["body"] == "loud and clear"
    finally:
        await client.close()


async def test_sync_waits_for_news(stage: Stage) -> None:
    """An invitation, a join with its history, a leave: each in its own part of /sync, and nothing when nothing is."""
    room_id = await stage.room(name="Synced", preset="private_chat")
    before = (await stage.alice.call("GET", "sync", query={"timeout": 0})).ok()["next_batch"]
    (await stage.bot.member(room_id, "invite", user_id=stage.alice_id)).ok()
    synced = (await stage.alice.call("GET", "sync", query={"timeout": 10_000, "since": before})).ok()
    stripped = synced["rooms"]["invite"][room_id]["invite_state"]["events"]
    assert {"Synced"} == {event["content"]["name"] for event in stripped if event["type"] == "m.room.name"}
    (await stage.alice.join(room_id)).ok()
    since = synced["next_batch"]
    synced = (await stage.alice.call("GET", "sync", query={"timeout": 10_000, "since": since})).ok()
    joined = synced["rooms"]["join"][room_id]
    shown = joined["state"]["events"] + joined["timeline"]["events"]
    assert {"m.room.create", "m.room.power_levels", "m.room.name"} <= {event["type"] for event in shown}
    assert all("room_id" not in event for event in shown if event["type"] != "m.room.create")
    (await stage.alice.member(room_id, "leave")).ok()
    since = synced["next_batch"]
    synced = (await stage.alice.call("GET", "sync", query={"timeout": 10_000, "since": since})).ok()
    left = synced["rooms"]["leave"][room_id]["timeline"]["events"]
    assert left[-1]["content"] == {"membership": "leave"}
    bad = await stage.alice.call("GET", f"{room(room_id)}/messages", query={"from": "rubbish", "dir": "b"})
    assert bad.status == 400
