"""What can happen in a room, as frozen values; the closed list of kinds is the union `Content`."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import msgspec

from bridge.model.ids import EventId, NetworkId, PersonId, RoomId
from bridge.model.people import Role
from bridge.model.rooms import Access, History

Style: TypeAlias = Literal["text", "notice", "emote"]
Departure: TypeAlias = Literal["left", "kicked", "banned"]


class Said(msgspec.Struct, frozen=True, tag_field="kind", tag="said", omit_defaults=True):
    """A line: `text` is plain, `html` is safe HTML or empty when the line has no formatting."""

    text: str
    html: str = ""
    style: Style = "text"


class Edited(msgspec.Struct, frozen=True, tag_field="kind", tag="edited", omit_defaults=True):
    """A new wording of `target`, by its author."""

    target: EventId
    text: str
    html: str = ""
    style: Style = "text"


class Removed(msgspec.Struct, frozen=True, tag_field="kind", tag="removed", omit_defaults=True):
    """`target` is taken back: its content is erased, its number stays."""

    target: EventId
    reason: str = ""


class Joined(msgspec.Struct, frozen=True, tag_field="kind", tag="joined", omit_defaults=True):
    """`who` came in under `name`; `avatar` is an opaque reference or empty."""

    name: str
    avatar: str = ""


class Left(msgspec.Struct, frozen=True, tag_field="kind", tag="left", omit_defaults=True):
    """`who` is no longer in the room; `by` is set when someone else did it."""

    how: Departure = "left"
    by: PersonId | None = None
    reason: str = ""


class Profiled(msgspec.Struct, frozen=True, tag_field="kind", tag="profiled", omit_defaults=True):
    """`who` has a new name or a new avatar in this room (both are given as they are now)."""

    name: str
    avatar: str = ""
    was: str = ""


class Described(msgspec.Struct, frozen=True, tag_field="kind", tag="described", omit_defaults=True):
    """The room's own name, topic or avatar changed; `None` leaves a field as it is."""

    name: str | None = None
    topic: str | None = None
    avatar: str | None = None


class Configured(msgspec.Struct, frozen=True, tag_field="kind", tag="configured", omit_defaults=True):
    """The room's settings changed; `None` leaves one as it is."""

    access: Access | None = None
    history: History | None = None
    slow_seconds: int | None = None
    archived: bool | None = None


class Ranked(msgspec.Struct, frozen=True, tag_field="kind", tag="ranked", omit_defaults=True):
    """`who` gave `person` another role in the room; `name` is what that person was shown as."""

    person: PersonId
    role: Role
    name: str = ""


class Told(msgspec.Struct, frozen=True, tag_field="kind", tag="told", omit_defaults=True):
    """Rialto's own line to the people on the page: a string key and its values. It is never relayed."""

    key: str
    values: dict[str, str] = {}


Content: TypeAlias = Said | Edited | Removed | Joined | Left | Profiled | Described | Configured | Ranked | Told
KINDS: tuple[str, ...] = (
    "said",
    "edited",
    "removed",
    "joined",
    "left",
    "profiled",
    "described",
    "configured",
    "ranked",
    "told",
)
FOLDED: tuple[str, ...] = ("edited", "removed")
"""Kinds that a folded page does not list, because they live on in their target."""

Relayed: TypeAlias = Said | Edited | Removed
"""What travels through lanes; membership and description are desired state."""


class Origin(msgspec.Struct, frozen=True):
    """Where an event came from: the key for deduplication and loop prevention."""

    network: NetworkId
    chat: str
    id: str


class Event(msgspec.Struct, frozen=True):
    """Something that happened in `room`; `at` is UTC in milliseconds, `hops` counts relays before us."""

    id: EventId
    room: RoomId
    who: PersonId
    at: int
    origin: Origin
    content: Content
    hops: int = 0

    @property
    def kind(self) -> str:
        """Return the tag of the content."""
        return kind_of(self.content)


class Entry(msgspec.Struct, frozen=True):
    """An event in a room's log: its number, and its content as it stands after edits and removal.

    `erased` is the kind that the event had, where its content is erased (`event.content` says nothing then).
    """

    seq: int
    event: Event
    present: Content | None
    version: int = 0
    edited_at: int | None = None
    removed_at: int | None = None
    erased: str = ""


_KINDS: dict[type, str] = {shape: str(shape.__struct_config__.tag) for shape in get_args(Content)}


def kind_of(content: Content) -> str:
    """Return the kind's name, as it is written in the database and on the wire."""
    return _KINDS[type(content)]


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Content] = msgspec.json.Decoder(Content)


def encode_content(content: Content) -> str:
    """Return the content as JSON text, `kind` included."""
    return _encoder.encode(content).decode()


def decode_content(text: str | bytes) -> Content:
    """Return the content that `encode_content` wrote; raise `msgspec.DecodeError` on anything else."""
    return _decoder.decode(text)


def content_as_dict(content: Content) -> dict[str, Any]:
    """Return the content as plain JSON values without `kind`."""
    fields: dict[str, Any] = msgspec.to_builtins(content)
    fields.pop("kind", None)
    return fields
