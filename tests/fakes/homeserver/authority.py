"""Who may do what in a room: power levels, and creators above them all from room version 12 on."""

from __future__ import annotations

import math
from typing import Any

from tests.fakes.homeserver.errors import bad_request, forbidden, not_in_room
from tests.fakes.homeserver.world import Content, Event, Room

_POWER = "m.room.power_levels"
_LEVEL_KEYS = ("ban", "kick", "redact", "invite", "events_default", "state_default", "users_default")
_DEFAULTS = {"ban": 50, "kick": 50, "redact": 50, "invite": 0, "events_default": 0, "state_default": 50}


def user_level(room: Room, user_id: str) -> float:
    """A user's power; infinite for the creators of a version-12 room."""
    if user_id in room.creators and int(room.version) >= 12:
        return math.inf
    if (_POWER, "") not in room.state:
        return 100 if user_id in room.creators else 0
    levels = room.get(_POWER)
    return int(levels.get("users", {}).get(user_id, levels.get("users_default", 0)))


def needed(room: Room, action: str) -> int:
    """The level that ban, kick, redact or invite needs."""
    return int(room.get(_POWER).get(action, _DEFAULTS[action]))


def send_level(room: Room, type: str, *, state: bool) -> int:
    """The level that sending such an event needs."""
    levels = room.get(_POWER)
    if type in levels.get("events", {}):
        return int(levels["events"][type])
    default = "state_default" if state else "events_default"
    # Without a power level event anybody who is in the room may set state.
    return int(levels.get(default, _DEFAULTS[default])) if levels else 0


def check_joined(room: Room, user_id: str) -> None:
    """403 unless the user is in the room."""
    if room.membership(user_id) != "join":
        raise not_in_room(user_id, room.room_id)


def check_send(room: Room, user_id: str, type: str, state_key: str | None) -> None:
    """403 unless the user is in the room and may send such an event."""
    check_joined(room, user_id)
    have, need = user_level(room, user_id), send_level(room, type, state=state_key is not None)
    if have < need:
        raise forbidden(
            f"You don't have permission to post that to the room. user_level ({have}) < send_level ({need})"
        )
    if state_key is not None and state_key.startswith("@") and state_key != user_id:
        raise forbidden("You are not allowed to set others state")


def check_above(room: Room, actor: str, target: str, action: str, message: str) -> None:
    """403 unless the actor may `action` and stands above the target."""
    have = user_level(room, actor)
    if have < needed(room, action) or (actor != target and have <= user_level(room, target)):
        raise forbidden(message)


def check_ban(room: Room, actor: str, target: str) -> None:
    """403 unless the actor may ban this target."""
    if user_level(room, actor) < needed(room, "ban"):
        raise forbidden("You don't have permission to ban")
    check_above(room, actor, target, "ban", "You don't have permission to ban this user")


def check_redact(room: Room, actor: str, target: Event) -> None:
    """403 unless the target is the actor's own event or the actor may redact."""
    if target.type == "m.room.create":
        raise forbidden("Redacting create events is not permitted")
    if target.sender != actor and user_level(room, actor) < needed(room, "redact"):
        raise forbidden("You don't have permission to redact events")


def check_levels(room_version: str, creators: frozenset[str], content: Content) -> None:
    """400 for power levels that are no numbers, or that name a creator of a version-12 room."""
    flat: dict[str, Any] = {key: content[key] for key in _LEVEL_KEYS if key in content}
    for group in ("users", "events", "notifications"):
        flat.update(content.get(group, {}))
    for key, value in flat.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_request(f"\"{key}\": {value!r} is not of type 'integer'", "M_BAD_JSON")
    if int(room_version) >= 12:
        for creator in creators & set(content.get("users", {})):
            raise bad_request(f"Creator user {creator} must not appear in content.users")


def check_change(room: Room, actor: str, content: Content) -> None:
    """403 for a change of power levels that goes above the actor's own, or lowers an equal."""
    old, own = room.get(_POWER), user_level(room, actor)
    pairs: list[tuple[str | None, Any, Any]] = [(None, old.get(key), content.get(key)) for key in _LEVEL_KEYS]
    for group in ("users", "events"):
        before, after = old.get(group, {}), content.get(group, {})
        about = group == "users"
        pairs += [(name if about else None, before.get(name), after.get(name)) for name in before.keys() | after.keys()]
    for user, before, after in pairs:
        if before == after:
            continue
        if user is not None and user != actor and before is not None and before == own:
            raise forbidden("You don't have permission to remove ops level equal to your own")
        if any(level is not None and level > own for level in (before, after)):
            raise forbidden("You don't have permission to add ops level greater than your own")
