"""What the fake homeserver keeps on its disk (`World`) and what a restart makes it forget (`Memory`)."""

from __future__ import annotations

import asyncio
import bisect
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Content = dict[str, Any]
# Who an answer was given to: a device, an access token, or an application service.
RequesterKey = tuple[str, ...]


@dataclass(slots=True)
class User:
    """An account, or the bare profile of an application service's bot that never registered."""

    user_id: str
    password: str | None = None
    registered: bool = True
    admin: bool = False
    profile: Content = field(default_factory=dict)
    devices: dict[str, str | None] = field(default_factory=dict)
    filters: list[Content] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Event:
    """One event; `position` counts from 1 over all rooms of the server (the stream order)."""

    position: int
    event_id: str
    room_id: str
    type: str
    sender: str
    content: Content
    ts: int
    state_key: str | None = None
    redacts: str | None = None
    replaces: Event | None = None
    redacted_by: Event | None = None
    edited_by: Event | None = None
    sent_as: tuple[RequesterKey, str] | None = None
    stripped_state: list[Content] | None = None
    hidden: bool = False
    interested: tuple[str, ...] = ()

    @property
    def membership(self) -> str:
        """What a member event says."""
        return str(self.content.get("membership"))


@dataclass(slots=True, eq=False)
class Room:
    """A room: its events in order and its present state (the last write wins)."""

    room_id: str
    version: str
    creators: frozenset[str]
    events: list[Event] = field(default_factory=list)
    state: dict[tuple[str, str], Event] = field(default_factory=dict)
    published: bool = False
    memberships: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    receipts: list[tuple[int, Content]] = field(default_factory=list)

    def get(self, type: str, state_key: str = "") -> Content:
        """The content of one piece of state; empty when there is none."""
        event = self.state.get((type, state_key))
        return event.content if event else {}

    def membership(self, user_id: str, position: int | None = None) -> str | None:
        """A user's membership now, or just after the event at `position`; None when never a member."""
        history = self.memberships.get(user_id, [])
        until = len(history) if position is None else bisect.bisect_right(history, position, key=lambda item: item[0])
        return history[until - 1][1] if until else None

    def users(self, membership: str = "join") -> list[str]:
        """Everybody who now has this membership."""
        return [user for user, history in self.memberships.items() if history[-1][1] == membership]


@dataclass(slots=True)
class Media:
    """Something uploaded, or reserved with no bytes yet; `arrived` is set with the bytes."""

    creator: str
    content_type: str = "application/octet-stream"
    filename: str | None = None
    data: bytes | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Appservice:
    """A registration, read from the same mapping that Synapse reads."""

    id: str
    url: str
    as_token: str
    hs_token: str
    bot: str
    users: tuple[re.Pattern[str], ...]
    aliases: tuple[re.Pattern[str], ...]
    ephemeral: bool
    msc4190: bool

    @classmethod
    def read(cls, registration: Mapping[str, Any], server_name: str) -> Appservice:
        """Read a registration; KeyError when a required key is missing."""
        spaces = registration["namespaces"]
        return cls(
            id=registration["id"],
            url=registration["url"].rstrip("/"),
            as_token=registration["as_token"],
            hs_token=registration["hs_token"],
            bot=f"@{registration['sender_localpart']}:{server_name}",
            users=tuple(re.compile(space["regex"]) for space in spaces.get("users", ())),
            aliases=tuple(re.compile(space["regex"]) for space in spaces.get("aliases", ())),
            ephemeral=bool(registration.get("receive_ephemeral")),
            msc4190=bool(registration.get("io.element.msc4190")),
        )

    def owns_user(self, user_id: str) -> bool:
        """Whether the user is our bot or stands in our namespace."""
        return user_id == self.bot or any(space.match(user_id) for space in self.users)

    def owns_alias(self, alias: str) -> bool:
        """Whether the alias stands in our namespace."""
        return any(space.match(alias) for space in self.aliases)


@dataclass(slots=True)
class StoredTransaction:
    """A transaction that waits on disk until the application service has answered 2xx with JSON."""

    txn_id: int
    events: list[Event]


@dataclass
class World:
    """Everything that survives a restart."""

    server_name: str
    room_version: str
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    appservices: dict[str, Appservice] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    by_id: dict[str, Event] = field(default_factory=dict)
    aliases: dict[str, tuple[str, str]] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    # (room, sender, device, txnId) of sends that named a device: remembered over restarts, unlike `Memory.answers`.
    device_sends: dict[tuple[str, str, str, str], str] = field(default_factory=dict)
    # How far the stream was handed to the application services' queues, which are themselves in memory.
    handed_out: int = 0
    unsent: dict[str, list[StoredTransaction]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    ephemeral_position: int = 0
    made: int = 0
    sso_user: str = ""
    """Who is signed in on the homeserver's own pages; without anybody, that way is not offered."""

    def opaque(self, kind: str) -> str:
        """A fresh identifier of 43 URL-safe characters, the same in every run."""
        self.made += 1
        digest = hashlib.sha256(f"{self.server_name} {kind} {self.made}".encode()).hexdigest()
        return digest[:43]

    def user(self, localpart: str) -> str:
        """The whole user ID of a local name."""
        return f"@{localpart}:{self.server_name}"


@dataclass
class Memory:
    """Everything that a restart forgets."""

    # The answers to PUTs with a transaction ID, by path and requester: no user is in the key of an appservice.
    answers: dict[tuple[str, RequesterKey], Content] = field(default_factory=dict)
    typing: dict[str, list[str]] = field(default_factory=dict)
    typing_changed: dict[str, int] = field(default_factory=dict)
    presence: dict[str, Content] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    login_tokens: dict[str, str] = field(default_factory=dict)


class Listener(Protocol):
    """Somebody who is told of each event that was stored."""

    def stored(self, event: Event) -> None:
        """One event was appended; called before the sender of the event has its answer."""
