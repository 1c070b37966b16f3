"""Rooms, and the links that bind a room to one chat on one network."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from bridge.model.ids import LinkId, NetworkId, PersonId, RoomId

LinkState: TypeAlias = Literal["creating", "ready", "encrypted", "broken"]


class Room(msgspec.Struct, frozen=True):
    """A canonical room; `slug` is the fixed part of its alias, whatever it is renamed to."""

    id: RoomId
    slug: str
    name: str
    topic: str
    avatar: str
    public: bool
    creator: PersonId
    created_at: int
    last_seq: int = 0

    @property
    def description(self) -> str:
        """Return name, topic and avatar as one JSON text, to compare with what a chat shows."""
        return msgspec.json.encode([self.name, self.topic, self.avatar]).decode()


class Link(msgspec.Struct, frozen=True):
    """A room bound to one chat on one network; `chat` is empty until that chat exists."""

    id: LinkId
    room: RoomId
    network: NetworkId
    chat: str = ""
    state: LinkState = "creating"
    described: str = ""
    """The description that the chat is known to show, as `Room.description` gives it; empty when unknown."""

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
