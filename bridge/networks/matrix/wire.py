"""Reads what a homeserver pushes: a transaction's bytes become events that keep their own slice of the body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeVar

import msgspec

# Matrix allows 255 bytes; rooms made by older servers counted characters, so characters it is.
IDENTIFIER_CHARACTERS = 255
# Only looked at when a body was too deep for the decoder, which gives up near 1,000 levels.
DEEPEST_ELEMENT = 500

_HEAD_FIELDS = ("event_id", "room_id", "type", "sender")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)

T = TypeVar("T")


class Malformed(Exception):
    """The whole body cannot be used; `errcode` is the Matrix error to answer with."""

    def __init__(self, errcode: Literal["M_NOT_JSON", "M_BAD_JSON"], message: str) -> None:
        super().__init__(message)
        self.errcode = errcode
        self.message = message


class TooDeep(Exception):
    """The body nests deeper than the decoder goes: `without_deep_elements` makes it readable, at a price in time."""


class InboxEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of a transaction; `raw` is its own JSON text in UTF-8, the rest was read from it."""

    event_id: str
    room_id: str
    type: str
    sender: str
    raw: bytes


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """An element that was left out; `reason` is one word of a closed list, fit for a metric's label."""

    reason: str
    raw: bytes


class Transaction(msgspec.Struct, frozen=True):
    """One push of the homeserver (AS API, `PUT /transactions/{txnId}`), in the order of the wire.

    `ephemeral` and `to_device` hold each element's JSON text. `rejected` holds what no later step could have used.
    """

    txn_id: str
    events: list[InboxEvent]
    ephemeral: list[bytes]
    to_device: list[bytes]
    rejected: list[Rejected]


class Ping(msgspec.Struct, frozen=True):
    """The body of `POST /ping` (AS API); the transaction ID is the one that we gave when we asked for the ping."""

    transaction_id: str | msgspec.UnsetType = msgspec.UNSET


class _Body(
    msgspec.Struct,
    rename={
        "ephemeral_unstable": "de.sorunome.msc2409.ephemeral",
        "to_device_unstable": "de.sorunome.msc2409.to_device",
    },
):
    """The outermost object. Only `events` is typed: a fault in the others must not hold the events back."""

    events: list[msgspec.Raw]
    ephemeral: msgspec.Raw = msgspec.Raw()
    ephemeral_unstable: msgspec.Raw = msgspec.Raw()
    to_device: msgspec.Raw = msgspec.Raw()
    to_device_unstable: msgspec.Raw = msgspec.Raw()


class _Head(msgspec.Struct, gc=False):
    """The four fields without which an event can be neither stored nor routed."""

    event_id: str
    room_id: str
    type: str
    sender: str


_heads = msgspec.json.Decoder(_Head)
_lists = msgspec.json.Decoder(list[msgspec.Raw])
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_transaction(txn_id: str, body: bytes, *, cut: dict[bytes, bytes] | None = None) -> Transaction:
    """Take a body apart; raises Malformed when it is no JSON object with a list `events`, TooDeep when it is too deep.

    A bad element never raises: it is left out and listed under `rejected`, because a homeserver whose transaction is
    refused sends the same one for ever. `cut` is what `without_deep_elements` took out of this body.
    """
    cut = cut or {}
    outer = decode_object(mend(body), _Body)
    events: list[InboxEvent] = []
    rejected: list[Rejected] = []
    for raw in map(bytes, outer.events):
        event = _read_event(raw)
        if event is not None:
            events.append(event)
        elif raw in cut:
            rejected.append(Rejected("too_deep", cut[raw]))
        else:
            rejected.append(Rejected(_why_not(raw), raw))
    # With both registration flags set the same ephemeral events come under both keys.
    ephemeral = _objects(bytes(outer.ephemeral or outer.ephemeral_unstable), "ephemeral", rejected, cut)
    to_device = _objects(bytes(outer.to_device or outer.to_device_unstable), "to_device", rejected, cut)
    return Transaction(txn_id, events, ephemeral, to_device, rejected)


def decode_object(body: bytes, shape: type[T]) -> T:
    """Decode UTF-8 JSON as `shape`; raises Malformed (not JSON, or another shape) or TooDeep."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError:
        # A wrong type is noticed before the rest is read, so the rest may yet prove not to be JSON at all.
        _require_json(body)
        raise Malformed("M_BAD_JSON", "The body is not an object of the expected form.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("M_NOT_JSON", "The body is not JSON.") from None
    except RecursionError:
        raise TooDeep from None


def mend(body: bytes) -> bytes:
    """Put U+FFFD in place of what no UTF-8 text can hold: broken bytes, and escapes of half a surrogate pair.

    JSON lets such escapes through and some servers relay them; left alone they would make one event undecodable
    later, after it was acknowledged. Both cases are rare, so bodies without them come back as they are.
    """
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            body = body.decode(errors="replace").encode()
    if b"\\ud" in body or b"\\uD" in body:
        body = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
    return body


def without_deep_elements(body: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Swap each element that nests past DEEPEST_ELEMENT for a short JSON string; gives the body and {swap: original}.

    Elements are the values inside the lists (or objects) that the outermost object holds. Takes about a second for
    each few million brackets: run it off the event loop, and only for a body that raised TooDeep.
    """
    pieces: list[bytes] = []
    cut: dict[bytes, bytes] = {}
    kept = 0
    for start, end in _deep_spans(body):
        swap = b'"too deep %d"' % len(cut)
        cut[swap] = body[start:end]
        pieces += (body[kept:start], swap)
        kept = end
    pieces.append(body[kept:])
    return b"".join(pieces), cut


def _deep_spans(body: bytes) -> Iterator[tuple[int, int]]:
    """The (start, end) of each third-level object or list that nests too deep; unclosed ones are not found."""
    depth = deepest = start = 0
    for token in _STRUCTURE.finditer(body):
        sign = body[token.start()]
        if sign in b"[{":
            depth += 1
            if depth == 3:
                start, deepest = token.start(), 3
            deepest = max(deepest, depth)
        elif sign in b"]}":
            depth -= 1
            if depth == 2 and deepest > DEEPEST_ELEMENT:
                yield start, token.end()
                deepest = 0


def _require_json(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError:
        raise Malformed("M_NOT_JSON", "The body is not JSON.") from None
    except RecursionError:
        raise TooDeep from None


def _read_event(raw: bytes) -> InboxEvent | None:
    try:
        head = _heads.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    for value in (head.event_id, head.room_id, head.type, head.sender):
        if _unusable(value):
            return None
    return InboxEvent(head.event_id, head.room_id, head.type, head.sender, raw)


def _unusable(value: str) -> bool:
    # PostgreSQL cannot store NUL in text: one such event would fail its transaction again and again.
    return not value or len(value) > IDENTIFIER_CHARACTERS or "\0" in value


def _why_not(raw: bytes) -> str:
    """The reason why `_read_event` gave nothing; slow, for the rare case only."""
    if not raw.startswith(b"{"):
        return "not_an_object"
    try:
        fields = _fields.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return "unreadable"
    for name in _HEAD_FIELDS:
        if name not in fields:
            return f"{name}_missing"
        if not bytes(fields[name]).startswith(b'"'):
            return f"{name}_not_text"
        if _unusable(msgspec.json.decode(fields[name], type=str)):
            return f"{name}_unusable"
    return "unreadable"


def _objects(raw: bytes, key: str, rejected: list[Rejected], cut: dict[bytes, bytes]) -> list[bytes]:
    """The objects of the list `raw` (empty: none was sent); anything else goes to `rejected`."""
    if not raw:
        return []
    if not raw.startswith(b"["):
        rejected.append(Rejected(f"{key}_not_a_list", raw))
        return []
    kept: list[bytes] = []
    for element in map(bytes, _lists.decode(raw)):
        if element.startswith(b"{"):
            kept.append(element)
        elif element in cut:
            rejected.append(Rejected("too_deep", cut[element]))
        else:
            rejected.append(Rejected(f"{key}_not_an_object", element))
    return kept
