"""What of a room's settings its portal shows: who may come in, read back, invite and write (client-server API,
`m.room.join_rules`, `m.room.history_visibility`, `m.room.power_levels`)."""

from __future__ import annotations

from typing import Any, Literal

from bridge.model.rooms import Room, shown_door
from bridge.networks.matrix.client import HomeserverClient

INVITING = 50
"""The power that it takes to invite people to a room that is not public: there the room's owner says who comes."""
SILENT = 100
"""The power that it takes to write where nobody is to write any more."""


def join_rule(room: Room) -> Literal["public", "invite"]:
    """Return who may join the portal by themselves."""
    return "public" if room.public and not room.archived else "invite"


def history_visibility(room: Room) -> Literal["shared", "joined"]:
    """Return how far back members read on Matrix."""
    return "joined" if room.history == "joined" else "shared"


def inviting(room: Room) -> int:
    """Return the power that it takes to invite somebody to the portal."""
    return 0 if room.public else INVITING


def with_powers(levels: dict[str, Any], room: Room) -> dict[str, Any]:
    """Return the content of m.room.power_levels as the room wants it; what it says otherwise stays. In an archived
    room words may still be taken back."""
    events = {key: value for key, value in levels.get("events", {}).items() if key != "m.room.redaction"}
    if room.archived or room.deleted:
        events["m.room.redaction"] = 0
    silent = room.archived or room.deleted
    return {**levels, "events": events, "invite": inviting(room), "events_default": SILENT if silent else 0}


async def show_openness(client: HomeserverClient, chat: str, room: Room, described: str) -> None:
    """Let the portal be as open as its room, where it is not known to be so; idempotent. The rules come before the
    directory: once a room is private nobody slips in."""
    if shown_door(described) == room.door:
        return
    await client.put_state(chat, "m.room.join_rules", "", {"join_rule": join_rule(room)})
    visibility = {"history_visibility": history_visibility(room)}
    await client.put_state(chat, "m.room.history_visibility", "", visibility)
    await set_powers(client, chat, room)
    await client.set_directory_visibility(chat, "public" if join_rule(room) == "public" else "private")


async def set_powers(client: HomeserverClient, chat: str, room: Room) -> None:
    """Give people in the portal the powers that go with the room."""
    present = await client.get_state_event(chat, "m.room.power_levels") or {}
    wanted = with_powers(present, room)
    if wanted != present:
        await client.put_state(chat, "m.room.power_levels", "", wanted)
