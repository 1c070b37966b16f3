"""The shapes of the homeserver's answers, as far as we read them: what is beside these fields is ignored."""

from __future__ import annotations

from typing import Any

import msgspec

Json = dict[str, Any]


class WhoAmI(msgspec.Struct, frozen=True):
    """Whom the homeserver takes us for."""

    user_id: str
    device_id: str | None = None


class Page(msgspec.Struct, frozen=True):
    """A page of a room's history. Each of `chunk` is the JSON of one event; no `end` means that nothing follows."""

    chunk: list[msgspec.Raw]
    start: str = ""
    end: str | None = None


class EventId(msgspec.Struct, frozen=True):
    """The answer to a send."""

    event_id: str


class RoomId(msgspec.Struct, frozen=True):
    """The answer to createRoom, a join, and an alias."""

    room_id: str


class Joined(msgspec.Struct, frozen=True):
    """The answer to joined_members."""

    joined: dict[str, Json]


class JoinedRooms(msgspec.Struct, frozen=True):
    """The answer to joined_rooms."""

    joined_rooms: list[str]


class Members(msgspec.Struct, frozen=True):
    """The answer to members."""

    chunk: list[Json]


class ContentUri(msgspec.Struct, frozen=True):
    """The answer to an upload."""

    content_uri: str


class Ping(msgspec.Struct, frozen=True):
    """The answer to a ping."""

    duration_ms: int


class Limits(msgspec.Struct, frozen=True):
    """The answer to the media configuration; the size is in bytes."""

    size: int | None = msgspec.field(name="m.upload.size", default=None)
