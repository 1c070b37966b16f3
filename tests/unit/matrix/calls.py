"""Every call of the client once: what is called, what must go over the wire, and what must come of the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.networks.matrix.answers import WhoAmI
from bridge.networks.matrix.client import HomeserverClient

ROOM, ROOM_ENC = "!a/b c:hs.test", "%21a%2Fb%20c%3Ahs.test"
GHOST, GHOST_ENC = "@rialto_p1:hs.test", "%40rialto_p1%3Ahs.test"
ALIAS, ALIAS_ENC = "#rialto_大厅:hs.test", "%23rialto_%E5%A4%A7%E5%8E%85%3Ahs.test"
EVENT, EVENT_ENC = "$e+v/1", "%24e%2Bv%2F1"
V3 = "/_matrix/client/v3"
AS_GHOST = {"user_id": GHOST}


@dataclass(frozen=True)
class Call:
    """`call` must make exactly this request, and with `reply` as the answer return `gives`."""

    name: str
    call: Callable[[HomeserverClient], Awaitable[Any]]
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    reply: Any = field(default_factory=dict)
    gives: Any = None


_SAID = {
    "msgtype": "m.text",
    "body": '你好 / "hi" 🙂',
    "format": "org.matrix.custom.html",
    "formatted_body": "<b>x</b>",
}
_STATE = {"type": "m.room.name", "state_key": "", "content": {"name": "x"}}
_NEW_ROOM = {
    "preset": "public_chat",
    "room_alias_name": "rialto_lobby",
    "creation_content": {"m.federate": False, "org.rialto.marker": "x"},
    "initial_state": [_STATE],
    "power_level_content_override": {"users": {GHOST: 100}},
}

CALLS = [
    Call(
        "versions", lambda c: c.versions(), "GET", "/_matrix/client/versions",
        reply={"versions": ["v1.15"]}, gives={"versions": ["v1.15"]},
    ),
    Call(
        "capabilities", lambda c: c.capabilities(), "GET", f"{V3}/capabilities",
        reply={"capabilities": {"m.room_versions": {"default": "12"}}}, gives={"m.room_versions": {"default": "12"}},
    ),
    Call(
        "whoami", lambda c: c.whoami(GHOST), "GET", f"{V3}/account/whoami", AS_GHOST,
        reply={"user_id": GHOST, "device_id": "RIALTO", "is_guest": False}, gives=WhoAmI(GHOST, "RIALTO"),
    ),
    Call(
        "whoami bot", lambda c: c.whoami(), "GET", f"{V3}/account/whoami",
        reply={"user_id": "@b:hs.test"}, gives=WhoAmI("@b:hs.test"),
    ),
    Call(
        "ping", lambda c: c.ping("ri/alto", "t 1"), "POST", "/_matrix/client/v1/appservice/ri%2Falto/ping",
        body={"transaction_id": "t 1"}, reply={"duration_ms": 12}, gives=12,
    ),
    Call(
        "register", lambda c: c.register("rialto_p1"), "POST", f"{V3}/register",
        body={"type": "m.login.application_service", "username": "rialto_p1", "inhibit_login": True},
        reply={"user_id": GHOST},
    ),
    Call(
        "put_device", lambda c: c.put_device(GHOST, "RIALTO", "Rialto"), "PUT", f"{V3}/devices/RIALTO", AS_GHOST,
        body={"display_name": "Rialto"},
    ),
    Call(
        "set_displayname", lambda c: c.set_displayname(GHOST, "Zoë 李"), "PUT",
        f"{V3}/profile/{GHOST_ENC}/displayname", AS_GHOST, body={"displayname": "Zoë 李"},
    ),
    Call(
        "set_avatar_url", lambda c: c.set_avatar_url(GHOST, "mxc://hs/x"), "PUT",
        f"{V3}/profile/{GHOST_ENC}/avatar_url", AS_GHOST, body={"avatar_url": "mxc://hs/x"},
    ),
    Call(
        "get_profile", lambda c: c.get_profile(GHOST), "GET", f"{V3}/profile/{GHOST_ENC}",
        reply={"displayname": "x"}, gives={"displayname": "x"},
    ),
    Call(
        "create_room", lambda c: c.create_room(_NEW_ROOM), "POST", f"{V3}/createRoom",
        body=_NEW_ROOM, reply={"room_id": ROOM}, gives=ROOM,
    ),
    Call(
        "join", lambda c: c.join(ALIAS, GHOST), "POST", f"{V3}/join/{ALIAS_ENC}", AS_GHOST,
        body={}, reply={"room_id": ROOM}, gives=ROOM,
    ),
    Call(
        "join via", lambda c: c.join(ROOM, via=["hs.test"]), "POST", f"{V3}/join/{ROOM_ENC}",
        {"via": "hs.test", "server_name": "hs.test"}, body={}, reply={"room_id": ROOM}, gives=ROOM,
    ),
    Call(
        "leave", lambda c: c.leave(ROOM, GHOST, "bye"), "POST", f"{V3}/rooms/{ROOM_ENC}/leave", AS_GHOST,
        body={"reason": "bye"},
    ),
    Call("leave silently", lambda c: c.leave(ROOM, GHOST), "POST", f"{V3}/rooms/{ROOM_ENC}/leave", AS_GHOST, body={}),
    Call(
        "invite", lambda c: c.invite(ROOM, GHOST), "POST", f"{V3}/rooms/{ROOM_ENC}/invite", body={"user_id": GHOST}
    ),
    Call(
        "kick", lambda c: c.kick(ROOM, "@x:y", user_id=GHOST, reason="r"), "POST", f"{V3}/rooms/{ROOM_ENC}/kick",
        AS_GHOST, body={"user_id": "@x:y", "reason": "r"},
    ),
    Call(
        "ban", lambda c: c.ban(ROOM, "@x:y", reason="r"), "POST", f"{V3}/rooms/{ROOM_ENC}/ban",
        body={"user_id": "@x:y", "reason": "r"},
    ),
    Call("unban", lambda c: c.unban(ROOM, "@x:y"), "POST", f"{V3}/rooms/{ROOM_ENC}/unban", body={"user_id": "@x:y"}),
    Call(
        "joined_members", lambda c: c.joined_members(ROOM), "GET", f"{V3}/rooms/{ROOM_ENC}/joined_members",
        reply={"joined": {GHOST: {"display_name": "x"}}}, gives={GHOST: {"display_name": "x"}},
    ),
    Call(
        "members", lambda c: c.members(ROOM), "GET", f"{V3}/rooms/{ROOM_ENC}/members",
        reply={"chunk": [{"state_key": GHOST}]}, gives=[{"state_key": GHOST}],
    ),
    Call(
        "joined_rooms", lambda c: c.joined_rooms(GHOST), "GET", f"{V3}/joined_rooms", AS_GHOST,
        reply={"joined_rooms": [ROOM]}, gives=[ROOM],
    ),
    Call(
        "send", lambda c: c.send(ROOM, "m.room.message", "t/1", _SAID, user_id=GHOST, device_id="RIALTO", ts=1700),
        "PUT", f"{V3}/rooms/{ROOM_ENC}/send/m.room.message/t%2F1", {**AS_GHOST, "device_id": "RIALTO", "ts": "1700"},
        body=_SAID, reply={"event_id": EVENT}, gives=EVENT,
    ),
    Call(
        "send at the epoch", lambda c: c.send(ROOM, "m.room.message", "t", _SAID, ts=0), "PUT",
        f"{V3}/rooms/{ROOM_ENC}/send/m.room.message/t", {"ts": "0"}, body=_SAID, reply={"event_id": EVENT}, gives=EVENT,
    ),
    Call(
        "redact",
        lambda c: c.redact(ROOM, EVENT, "t1", "spam", user_id=GHOST, device_id="RIALTO", extra_content={"org.x": 1}),
        "PUT", f"{V3}/rooms/{ROOM_ENC}/redact/{EVENT_ENC}/t1", {**AS_GHOST, "device_id": "RIALTO"},
        body={"org.x": 1, "reason": "spam"}, reply={"event_id": "$r"}, gives="$r",
    ),
    Call(
        "put_state", lambda c: c.put_state(ROOM, "m.room.topic", "", {"topic": "猫"}), "PUT",
        f"{V3}/rooms/{ROOM_ENC}/state/m.room.topic", body={"topic": "猫"}, reply={"event_id": EVENT}, gives=EVENT,
    ),
    Call(
        "put_state with a key", lambda c: c.put_state(ROOM, "m.bridge", "a/b", {"x": 1}, user_id=GHOST, ts=5), "PUT",
        f"{V3}/rooms/{ROOM_ENC}/state/m.bridge/a%2Fb", {**AS_GHOST, "ts": "5"}, body={"x": 1},
        reply={"event_id": EVENT}, gives=EVENT,
    ),
    Call(
        "get_state", lambda c: c.get_state(ROOM), "GET", f"{V3}/rooms/{ROOM_ENC}/state", reply=[_STATE], gives=[_STATE]
    ),
    Call(
        "get_state_event", lambda c: c.get_state_event(ROOM, "m.room.member", GHOST), "GET",
        f"{V3}/rooms/{ROOM_ENC}/state/m.room.member/{GHOST_ENC}", reply={"membership": "join"},
        gives={"membership": "join"},
    ),
    Call(
        "get_event", lambda c: c.get_event(ROOM, EVENT), "GET", f"{V3}/rooms/{ROOM_ENC}/event/{EVENT_ENC}",
        reply={"event_id": EVENT}, gives={"event_id": EVENT},
    ),
    Call(
        "resolve_alias", lambda c: c.resolve_alias(ALIAS), "GET", f"{V3}/directory/room/{ALIAS_ENC}",
        reply={"room_id": ROOM, "servers": ["hs.test"]}, gives=ROOM,
    ),
    Call(
        "put_alias", lambda c: c.put_alias(ALIAS, ROOM), "PUT", f"{V3}/directory/room/{ALIAS_ENC}",
        body={"room_id": ROOM},
    ),
    Call("delete_alias", lambda c: c.delete_alias(ALIAS), "DELETE", f"{V3}/directory/room/{ALIAS_ENC}"),
    Call(
        "set_directory_visibility", lambda c: c.set_directory_visibility(ROOM, "public"), "PUT",
        f"{V3}/directory/list/room/{ROOM_ENC}", body={"visibility": "public"},
    ),
    Call(
        "media_config", lambda c: c.media_config(), "GET", "/_matrix/client/v1/media/config",
        reply={"m.upload.size": 104857600}, gives=104857600,
    ),
    Call("media_config without a limit", lambda c: c.media_config(), "GET", "/_matrix/client/v1/media/config"),
    Call(
        "create_media", lambda c: c.create_media(), "POST", "/_matrix/media/v1/create", body={},
        reply={"content_uri": "mxc://hs/1", "unused_expires_at": 1700000000000}, gives="mxc://hs/1",
    ),
]  # fmt: skip
