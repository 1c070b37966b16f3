"""Rooms, and the links that bind a room to one chat on one network."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from bridge.model.ids import LinkId, NetworkId, PersonId, RoomId

LinkState: TypeAlias = Literal["creating", "ready", "encrypted", "broken", "closed", "gone"]
"""A `closed` link's room was deleted: its chat is being given up. It is `gone` when that is done."""
Access: TypeAlias = Literal["public", "invite", "direct"]
"""Who may come in: everybody who is signed in, who was invited, or the two people of a direct conversation."""
History: TypeAlias = Literal["all", "joined"]
"""What a member may read: everything, or what came since they joined."""


OPEN_DOOR: list[str | bool] = ["public", "all", False]
"""Access, history and archived of most rooms."""


class Room(msgspec.Struct, frozen=True):
    """A canonical room; `slug` is the fixed part of its alias, whatever it is renamed to.

    `slow_seconds` is the least time between two lines of one member; times are UTC milliseconds.
    """

    id: RoomId
    slug: str
    name: str
    topic: str
    avatar: str
    access: Access
    creator: PersonId
    created_at: int
    last_seq: int = 0
    history: History = "all"
    slow_seconds: int = 0
    direct: str | None = None
    """The two people of a direct conversation, as one key; None for every other room."""
    archived_at: int | None = None
    deleted_at: int | None = None

    @property
    def public(self) -> bool:
        """Tell whether everybody who is signed in sees the room and may come in."""
        return self.access == "public"

    @property
    def archived(self) -> bool:
        """Tell whether the room can only be read."""
        return self.archived_at is not None

    @property
    def deleted(self) -> bool:
        """Tell whether the room is gone for everybody."""
        return self.deleted_at is not None

    @property
    def description(self) -> str:
        """Return what a chat has to show of the room as one JSON text, to compare with what it shows: name, topic
        and avatar, then access, history and whether it is archived, where one of these is not as in most rooms."""
        shown: list[str | bool] = [self.name, self.topic, self.avatar]
        return msgspec.json.encode(shown if self.door == OPEN_DOOR else shown + self.door).decode()

    @property
    def door(self) -> list[str | bool]:
        """Return access, history and archived: what decides how open a chat of the room is."""
        return [self.access, self.history, self.archived]


def shown_door(description: str) -> list[str | bool] | None:
    """Return the `door` in a description; None where that is unknown."""
    if not description:
        return None
    return msgspec.json.decode(description, type=list[str | bool])[3:] or OPEN_DOOR


def direct_key(one: PersonId, other: PersonId) -> str:
    """Return the key of the direct conversation of two people, whoever of them asks."""
    return ":".join(sorted((one, other)))


def people_of(key: str) -> list[PersonId]:
    """Return the two people of a direct conversation's key."""
    return [PersonId(person) for person in key.split(":")]


def other_of(room: Room, person: PersonId) -> PersonId | None:
    """Return whom a direct conversation is with, for one of the two; None for every other room or person."""
    two = people_of(room.direct) if room.direct is not None else []
    return next((other for other in two if other != person), None) if person in two else None


class Link(msgspec.Struct, frozen=True):
    """A room bound to one chat on one network; `chat` is empty until that chat exists."""

    id: LinkId
    room: RoomId
    network: NetworkId
    chat: str = ""
    state: LinkState = "creating"
    described: str = ""
    """The description that the chat is known to show, as `Room.description` gives it; empty when unknown."""
    federate: bool = True
    """Whether people of other servers may come into the chat, decided when it is made."""

    @property
    def open(self) -> bool:
        """Tell whether messages may be written to the chat."""
        return self.state == "ready"


class Portal(msgspec.Struct, frozen=True):
    """The Matrix room of a link: `room_id` is empty until the homeserver has made it."""

    link: LinkId
    room: RoomId
    alias: str
    room_id: str = ""
