"""Events as clients and application services see them, and what a redaction leaves of one."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.homeserver.errors import MatrixError, bad_request
from tests.fakes.homeserver.world import Content, Event, RequesterKey, Room

_KEPT: dict[str, tuple[str, ...]] = {
    "m.room.member": ("membership", "join_authorised_via_users_server"),
    "m.room.join_rules": ("join_rule", "allow"),
    "m.room.power_levels": (
        "ban",
        "events",
        "events_default",
        "invite",
        "kick",
        "redact",
        "state_default",
        "users",
        "users_default",
    ),
    "m.room.history_visibility": ("history_visibility",),
    "m.room.redaction": ("redacts",),
}
# What the server itself adds to the JSON that its size limit counts: hashes, signature, previous and auth events.
_ENVELOPE = 700
_LARGEST_EVENT = 65_536
_LARGEST_INT = 2**53 - 1


def pruned(event: Event) -> Content:
    """The content that a redaction leaves (room version 11 and later: the whole of m.room.create)."""
    if event.type == "m.room.create":
        return event.content
    return {key: value for key, value in event.content.items() if key in _KEPT.get(event.type, ())}


def size(content: Content) -> int:
    """About how many bytes an event with this content has on the federation's wire."""
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()) + _ENVELOPE


def too_large(content: Content) -> bool:
    """Whether an event with this content exceeds the 65,536 bytes of the specification."""
    return size(content) > _LARGEST_EVENT


def check_canonical(value: Any) -> None:
    """400 for what canonical JSON has no room for: floats and integers beyond ±(2^53-1)."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, float):
            raise bad_request("Bad JSON value: float", "M_BAD_JSON")
        if isinstance(item, int) and not isinstance(item, bool) and abs(item) > _LARGEST_INT:
            raise bad_request("JSON integer out of range", "M_BAD_JSON")
        if isinstance(item, str) and not item.isascii():
            _check_text(item)
        if isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate makes Synapse stumble, not refuse.
        raise MatrixError(500, "M_UNKNOWN", "Internal server error") from None


def rendered(
    event: Event,
    room: Room,
    now: int,
    *,
    whole: bool = True,
    viewer: str | None = None,
    key: RequesterKey | None = None,
    pushed: bool = False,
) -> Content:
    """The event as JSON. `whole` adds the room ID and the old top-level keys (all but /sync have them).

    `viewer` is the user who reads a timeline, `key` the device or token that the request was made with; `pushed`
    is the form that application services are sent: without a viewer, and invites with the room's stripped state.
    """
    unsigned: Content = {"age": max(0, now - event.ts)}
    if event.replaces is not None:
        unsigned["prev_content"] = event.replaces.content
        unsigned["prev_sender"] = event.replaces.sender
        unsigned["replaces_state"] = event.replaces.event_id
    if event.redacted_by is not None:
        unsigned["redacted_because"] = rendered(event.redacted_by, room, now, whole=whole)
        unsigned["redacted_by"] = event.redacted_by.event_id
    if pushed and event.stripped_state is not None:
        unsigned["invite_room_state"] = event.stripped_state
    if viewer is not None:
        unsigned |= _for_viewer(event, room, now, whole, viewer, key)
    shown: Content = {
        "content": event.content,
        "event_id": event.event_id,
        "origin_server_ts": event.ts,
        "sender": event.sender,
        "type": event.type,
        "unsigned": unsigned,
    }
    if event.state_key is not None:
        shown["state_key"] = event.state_key
    if event.redacts is not None:
        shown["redacts"] = event.redacts
    if whole or event.type == "m.room.create":
        shown["room_id"] = event.room_id
    if whole:
        shown["user_id"] = event.sender
        copied = ("age", "prev_content", "replaces_state", "redacted_because", "invite_room_state")
        shown.update({name: unsigned[name] for name in copied if name in unsigned})
    return shown


def _for_viewer(event: Event, room: Room, now: int, whole: bool, viewer: str, key: RequesterKey | None) -> Content:
    """What `unsigned` holds for one reader: the own membership at the time, the own transaction ID, the edit."""
    unsigned: Content = {"membership": room.membership(viewer, event.position) or "leave"}
    if event.sent_as is not None and event.sender == viewer and event.sent_as[0] == key:
        unsigned["transaction_id"] = event.sent_as[1]
    edit = event.edited_by
    if edit is not None and edit.redacted_by is None and event.redacted_by is None:
        unsigned["m.relations"] = {"m.replace": rendered(edit, room, now, whole=whole)}
    return unsigned


def stripped(event: Event) -> Content:
    """The short form that invites carry."""
    return {"content": event.content, "sender": event.sender, "state_key": event.state_key, "type": event.type}
