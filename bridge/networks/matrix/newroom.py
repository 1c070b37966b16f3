"""What a new portal looks like: the body of createRoom, its rights, and the state that names the bridge."""

from __future__ import annotations

from typing import Any

from bridge.model.rooms import Room
from bridge.networks.matrix.naming import Naming
from bridge.networks.matrix.openness import history_visibility, with_powers

BRIDGE_TYPES = ("m.bridge", "uk.half-shot.bridge")
"""MSC2346 under its stable and its unstable name: Element reads the second."""


def creation(
    room: Room,
    *,
    naming: Naming,
    mark: dict[str, Any],
    web_url: str,
    moderators: tuple[str, ...],
    creator_is_above: bool,
    federate: bool = True,
) -> dict[str, Any]:
    """Return the createRoom body (client-server API) of a room's portal.

    `creator_is_above` is so from room version 12 on: the creator must not be listed among the users. Without
    `federate` nobody of other servers can ever come in.
    """
    info = bridge_info(room, naming=naming, web_url=web_url)
    body: dict[str, Any] = {
        "room_alias_name": naming.alias_localpart(room.slug),
        "name": room.name,
        "preset": "public_chat" if room.public else "private_chat",
        "visibility": "public" if room.public else "private",
        "creation_content": mark if federate else mark | {"m.federate": False},
        "initial_state": [
            *({"type": kind, "state_key": f"rialto:{room.id}", "content": info} for kind in BRIDGE_TYPES),
            {
                "type": "m.room.history_visibility",
                "state_key": "",
                "content": {"history_visibility": history_visibility(room)},
            },
        ],
        "power_level_content_override": with_powers(_power_levels(naming, moderators, creator_is_above), room),
    }
    if room.topic:
        body["topic"] = room.topic
    return body


def _power_levels(naming: Naming, moderators: tuple[str, ...], creator_is_above: bool) -> dict[str, Any]:
    """Return the rights: what would shut the bridge out (encryption, tombstone, server ACL) needs 100."""
    users = dict.fromkeys(moderators, 50)
    if not creator_is_above:
        users[naming.bot] = 100
    return {
        "users": users,
        "users_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "events": {
            "m.room.name": 50,
            "m.room.topic": 50,
            "m.room.avatar": 50,
            "m.room.canonical_alias": 100,
            "m.room.history_visibility": 100,
            "m.room.join_rules": 100,
            "m.room.power_levels": 100,
            "m.room.encryption": 100,
            "m.room.server_acl": 100,
            "m.room.tombstone": 150 if creator_is_above else 100,
            **dict.fromkeys(BRIDGE_TYPES, 100),
        },
    }


def bridge_info(room: Room, *, naming: Naming, web_url: str) -> dict[str, Any]:
    """Return the content of the state event that tells clients which bridge this is (MSC2346)."""
    url = web_url.rstrip("/")
    return {
        "bridgebot": naming.bot,
        "creator": naming.bot,
        "protocol": {"id": "rialto", "displayname": "Rialto", "external_url": url},
        "channel": {"id": room.id, "displayname": room.name, "external_url": f"{url}/rooms/{room.id}"},
    }
