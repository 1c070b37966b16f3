"""What becomes of one event (or one part of it) on one link."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from bridge.model.events import Origin, Relayed, Style
from bridge.model.ids import LinkId, RoomId
from bridge.model.people import Member
from bridge.model.rooms import Link

DeliveryState: TypeAlias = Literal["waiting", "sending", "sent", "folded", "cancelled", "skipped", "dead"]
PENDING: tuple[DeliveryState, ...] = ("waiting", "sending")


class DeliveryKey(msgspec.Struct, frozen=True):
    """Names one delivery: a part of event `seq` of `room` on `link`."""

    link: LinkId
    room: RoomId
    seq: int
    part: int = 0


class Delivery(msgspec.Struct, frozen=True):
    """One row of the outbox and its history; times are UTC milliseconds.

    `version` is the number of edits contained in what was (or is being) sent; `first_try` is when the
    first request for this version may have left.
    """

    key: DeliveryKey
    state: DeliveryState
    reason: str = ""
    remote_id: str | None = None
    version: int = 0
    attempts: int = 0
    first_try: int | None = None
    updated_at: int = 0


class Wording(msgspec.Struct, frozen=True):
    """The words of one part, ready for the network: `html` is empty where the network takes none."""

    text: str
    html: str = ""
    style: Style = "text"


class Outgoing(msgspec.Struct, frozen=True):
    """One thing for a network to do; `target` is the remote ID of the part that is edited or removed."""

    key: DeliveryKey
    link: Link
    sender: Member
    at: int
    origin: Origin
    hops: int
    version: int
    content: Relayed
    wording: Wording | None
    target: str | None = None


class Sent(msgspec.Struct, frozen=True):
    """The network took it; `remote_id` is its name for it, or None when it gives none."""

    remote_id: str | None
