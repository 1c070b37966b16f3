"""The frames of the socket: what clients ask, as tagged structs, and what is sent to them, as bytes for the wire."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from bridge.model.errors import Refused
from bridge.model.events import Style
from bridge.web.api import reading
from bridge.web.api.log import CLIENT_ID_CHARS, MOST, REASON_CHARS, Number

FRAME_BYTES = 64 * 1024
"""The largest frame that a client may send."""

Name: TypeAlias = Annotated[str, Meta(max_length=64)]
ClientId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=CLIENT_ID_CHARS)]
RequestId: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]


class Close(IntEnum):
    """Why the server ends a connection; docs/api.md tells what a client does then."""

    STOPPING = 4000
    SIGNED_OUT = 4001
    SILENT = 4002
    BAD_FRAME = 4003
    TOO_MANY = 4004
    TOO_FAST = 4005
    TOO_SLOW = 4006


class Ask(msgspec.Struct, tag_field="op", tag=str.lower):
    """Something that a client asks; it is answered once, by the same `id`."""

    id: RequestId


class Hello(Ask):
    """The first frame: who one is (where no cookie or header says it), and what was seen last of each room."""

    token: Annotated[str, Meta(max_length=256)] | None = None
    follow: Annotated[dict[Name, Number | None], Meta(max_length=64)] = {}


class Follow(Ask):
    """Follow a room's log from after a number on; without one the newest page comes first."""

    room: Name
    after: Number | None = None


class Unfollow(Ask):
    """Follow a room no more."""

    room: Name


class Say(Ask):
    """Write a line."""

    room: Name
    client_id: ClientId
    text: str
    style: Style = "text"


class Edit(Ask):
    """Give one's own line a new wording."""

    room: Name
    client_id: ClientId
    target: Name
    text: str
    style: Style = "text"


class Remove(Ask):
    """Take a line back."""

    room: Name
    client_id: ClientId
    target: Name
    reason: Annotated[str, Meta(max_length=REASON_CHARS)] = ""


class Mark(Ask):
    """Set one's read marker."""

    room: Name
    seq: Number
    unread: bool = False


class Typing(Ask):
    """Say that one types, or does no more."""

    room: Name
    typing: bool = True


class Page(Ask):
    """Read a page of a room's log."""

    room: Name
    before: Number | None = None
    after: Number | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 50


class Ping(Ask):
    """Show that one is there, and up to where each room was seen."""

    ack: Annotated[dict[Name, Number], Meta(max_length=256)] = {}


Request: TypeAlias = Hello | Follow | Unfollow | Say | Edit | Remove | Mark | Typing | Page | Ping
KINDS: dict[str, type[Ask]] = {
    kind.__name__.lower(): kind for kind in (Hello, Follow, Unfollow, Say, Edit, Remove, Mark, Typing, Page, Ping)
}
_encoder = msgspec.json.Encoder()


class _Head(msgspec.Struct):
    """As much of a frame as is needed to answer it."""

    id: RequestId
    op: str


class BadFrame(Exception):
    """A frame that cannot even be answered; the text says why."""


class BadRequest(Exception):
    """A frame that is answered with a refusal."""

    def __init__(self, to: int, refused: Refused) -> None:
        super().__init__(refused.message)
        self.to = to
        self.refused = refused


def request(text: str) -> Ask:
    """Return the request of a frame; raise `BadRequest` with the field at fault, or `BadFrame`."""
    try:
        head = msgspec.json.decode(text, type=_Head)
    except msgspec.ValidationError as error:
        raise BadFrame(f"{reading.fault(_Head, str(error), 'frame').message}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadFrame(reading.not_json("frame", error).message) from None
    kind = KINDS.get(head.op)
    if kind is None:
        raise BadRequest(
            head.id, Refused("unknown_op", f"op must be one of: {', '.join(KINDS)}.", field="op")
        )
    try:
        return reading.decoded(text, kind, "frame")
    except Refused as refused:
        raise BadRequest(head.id, refused) from None


def event(name: str, **fields: Any) -> bytes:
    """Return a frame that the server sends by itself, ready for the wire."""
    return on_wire(_encoder.encode({"ev": name, **fields}))


def answer(to: int, value: Any) -> bytes:
    """Return the answer to a request, ready for the wire."""
    return on_wire(_encoder.encode({"re": to, "ok": value}))


def refusal(to: int, refused: Refused, asked: Ask | Refused) -> bytes:
    """Return the refusal of a request, ready for the wire."""
    error: dict[str, Any] = {"code": refused.reason_code, "message": refused.message}
    if refused.field is not None:
        # What the rules of a room call `content.text` is `text` in a frame.
        error["field"] = refused.field.removeprefix("content.")
    elif refused.reason_code in ("no_such_event", "not_yours", "not_changeable") and hasattr(asked, "target"):
        error["field"] = "target"
    elif refused.status in (403, 404, 409) and hasattr(asked, "room"):
        error["field"] = "room"
    if refused.retry_after is not None:
        error["retry_after"] = refused.retry_after
    return on_wire(_encoder.encode({"re": to, "error": error}))


def on_wire(payload: bytes) -> bytes:
    """Return a text frame of the server (RFC 6455, 5.2: whole, not masked): the same bytes for everybody."""
    size = len(payload)
    if size < 126:
        header = bytes((0x81, size))
    elif size < 1 << 16:
        header = bytes((0x81, 126)) + size.to_bytes(2, "big")
    else:
        header = bytes((0x81, 127)) + size.to_bytes(8, "big")
    return header + payload
