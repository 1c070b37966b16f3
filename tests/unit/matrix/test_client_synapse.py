"""The client against a real Synapse: the answers and the wordings that the other tests take for granted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bridge.model.errors import AuthFailed, NotJoined, Rejected, Retry
from bridge.networks.matrix.client import HomeserverClient
from tests.rigs.appservice import RecordingAppservice
from tests.rigs.synapse import Synapse, require_synapse

pytestmark = pytest.mark.homeserver

ALIAS = "#rialto_大厅:localhost"
DEVICE = "RIALTO"


class Setting:
    """A homeserver, our side of it, and a client with our token."""

    def __init__(self, synapse: Synapse, service: RecordingAppservice) -> None:
        self.synapse = synapse
        self.service = service
        self.losses = 0
        self.client = HomeserverClient(synapse.url, service.as_token, on_connection_lost=self._lost)

    def _lost(self) -> None:
        self.losses += 1


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    require_synapse()
    async with RecordingAppservice() as service:
        synapse = Synapse(tmp_path)
        synapse.add_appservice(service.registration())
        async with synapse:
            here = Setting(synapse, service)
            yield here
            await here.client.close()


async def test_a_ghost_from_its_registration_to_its_redaction(setting: Setting) -> None:
    client, ghost = setting.client, setting.service.ghost("p1")
    assert "v1.11" in (await client.versions())["versions"]
    assert "m.room_versions" in await client.capabilities()
    assert (await client.whoami()).user_id == setting.service.bot

    with pytest.raises(Rejected):
        await client.set_displayname(ghost, "too early")
    for _ in range(2):
        await client.register("rialto_p1")
    await client.put_device(ghost, DEVICE, "Rialto")
    assert (await client.whoami(ghost)).user_id == ghost
    await client.set_displayname(ghost, "Zoë 李")
    assert await client.get_profile(ghost) == {"displayname": "Zoë 李"}
    assert await client.get_profile("@nobody:localhost") is None

    room = await client.create_room({"preset": "public_chat", "room_alias_name": "rialto_大厅", "name": "Lobby"})
    assert await client.resolve_alias(ALIAS) == room
    with pytest.raises(NotJoined):
        await client.send(room, "m.room.message", "t0", {"msgtype": "m.text", "body": "x"}, user_id=ghost)
    with pytest.raises(NotJoined):
        await client.put_state(room, "m.room.topic", "", {"topic": "x"}, user_id=ghost)
    with pytest.raises(NotJoined):
        await client.redact(room, "$nothing", "t0", user_id=ghost)
    assert await client.join(ALIAS, ghost) == room
    assert await client.join(room, ghost) == room
    assert await client.joined_rooms(ghost) == [room]
    assert set(await client.joined_members(room)) == {setting.service.bot, ghost}

    text = {"msgtype": "m.text", "body": "你好 🙂"}
    said = [
        await client.send(room, "m.room.message", "t1", text, user_id=ghost, device_id=DEVICE, ts=1_600_000_000_000)
        for _ in range(2)
    ]
    assert said[0] == said[1]
    event = await client.get_event(room, said[0])
    assert event is not None
    assert (event["sender"], event["origin_server_ts"], event["content"]) == (ghost, 1_600_000_000_000, text)

    gone = await client.redact(
        room, said[0], "t2", "spam", user_id=ghost, device_id=DEVICE, extra_content={"org.rialto.why": "test"}
    )
    redaction = await client.get_event(room, gone)
    assert redaction is not None
    assert redaction["content"] == {"redacts": said[0], "reason": "spam", "org.rialto.why": "test"}


async def test_a_room_and_its_state(setting: Setting) -> None:
    client, ghost = setting.client, setting.service.ghost("p1")
    await client.register("rialto_p1")
    room = await client.create_room({"preset": "public_chat", "room_alias_name": "rialto_a"})
    first = await client.put_state(room, "m.room.topic", "", {"topic": "猫"})
    assert await client.put_state(room, "m.room.topic", "", {"topic": "猫"}) == first
    assert await client.get_state_event(room, "m.room.topic") == {"topic": "猫"}
    assert await client.get_state_event(room, "m.room.avatar") is None
    await client.put_state(room, "uk.half-shot.bridge", "org.x/a b", {"x": 1})
    assert await client.get_state_event(room, "uk.half-shot.bridge", "org.x/a b") == {"x": 1}
    assert "m.room.create" in {event["type"] for event in await client.get_state(room)}

    await client.set_directory_visibility(room, "public")
    await client.put_alias("#rialto_b:localhost", room)
    with pytest.raises(Rejected) as taken:
        await client.put_alias("#rialto_b:localhost", room)
    assert taken.value.status == 409
    for _ in range(2):
        await client.delete_alias("#rialto_b:localhost")
    assert await client.resolve_alias("#rialto_b:localhost") is None

    await client.invite(room, ghost)
    await client.join(room, ghost)
    await client.kick(room, ghost, reason="out")
    with pytest.raises(Rejected) as absent:
        await client.kick(room, ghost)
    assert not isinstance(absent.value, NotJoined)
    await client.ban(room, ghost)
    with pytest.raises(Rejected) as banned:
        await client.join(room, ghost)
    assert (banned.value.status, banned.value.errcode) == (403, "M_BAD_STATE")
    assert not isinstance(banned.value, NotJoined)
    await client.unban(room, ghost)
    await client.join(room, ghost)
    await client.leave(room, ghost, "bye")
    memberships = {event["state_key"]: event["content"]["membership"] for event in await client.members(room)}
    assert memberships == {setting.service.bot: "join", ghost: "leave"}


async def test_history_is_paged(setting: Setting) -> None:
    client = setting.client
    room = await client.create_room({})
    for number in range(7):
        await client.send(room, "m.room.message", f"t{number}", {"msgtype": "m.text", "body": str(number)})
    bodies: list[str] = []
    token: str | None = None
    while True:
        page = await client.messages(room, from_token=token, limit=3)
        events = [msgspec.json.decode(raw) for raw in page.chunk]
        bodies += [event["content"]["body"] for event in events if event["type"] == "m.room.message"]
        if page.end is None:
            break
        token = page.end
    assert bodies == list("6543210")


async def test_files(setting: Setting) -> None:
    client = setting.client
    limit = await client.media_config()
    assert limit is not None
    assert limit >= 1 << 20
    data = bytes(range(256)) * 8192
    mxc = await client.upload(data, "application/x-test", "a ü.bin")
    async with client.download_media(mxc) as file:
        assert (file.content_type, file.length) == ("application/x-test", len(data))
        assert b"".join([chunk async for chunk in file.chunks]) == data

    async def source() -> AsyncIterator[bytes]:
        yield data[:1000]
        yield data[1000:]

    later = await client.create_media()
    with pytest.raises(Retry):
        async with client.download_media(later, timeout=0.3):
            pytest.fail("there is nothing yet")
    await client.upload_to(later, source(), "application/x-test", size=len(data))
    await client.upload_to(later, b"other", "application/x-test")
    async with client.download_media(later) as file:
        assert b"".join([chunk async for chunk in file.chunks]) == data
    with pytest.raises(Rejected):
        async with client.download_media("mxc://localhost/nothing"):
            pytest.fail("there is no such file")


async def test_the_ping_and_the_token(setting: Setting) -> None:
    assert await setting.client.ping("rialto", "p1") >= 0
    assert setting.service.pings == ["p1"]
    with pytest.raises(Rejected):
        await setting.client.ping("another", "p2")
    await setting.service.stop()
    with pytest.raises(Retry, match="M_CONNECTION_FAILED"):
        await setting.client.ping("rialto", "p3")
    stranger = HomeserverClient(setting.synapse.url, "as_wrong")
    with pytest.raises(AuthFailed):
        await stranger.whoami()
    await stranger.close()


@pytest.mark.parametrize("hard", [False, True])
async def test_a_restart_between_two_calls_is_noticed(setting: Setting, hard: bool) -> None:
    await asyncio.gather(*(setting.client.whoami() for _ in range(4)))
    assert setting.losses == 0
    await (setting.synapse.kill() if hard else setting.synapse.stop())
    await setting.synapse.start()
    await setting.client.whoami()
    assert setting.losses == 1
