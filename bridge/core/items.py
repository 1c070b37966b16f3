"""What goes into a room's queue, and what comes back once it is committed."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from bridge.model.deliveries import DeliveryKey
from bridge.model.errors import Refused
from bridge.model.events import Event, Origin
from bridge.model.ids import EventId
from bridge.model.rooms import Link


class Submission(msgspec.Struct, frozen=True):
    """An event that wants a number. `target` names what it is about by its origin, where the sender's
    network knows no other name; `inbox` is the row that brought it."""

    event: Event
    target: Origin | None = None
    inbox: int | None = None


class Echo(msgspec.Struct, frozen=True):
    """Our own message came back: `remote_id` is what the network calls the delivery `key`."""

    origin: Origin
    key: DeliveryKey
    version: int
    inbox: int | None = None


class Skip(msgspec.Struct, frozen=True):
    """Something that is no event for the room; it is remembered as seen, with the reason."""

    origin: Origin
    reason: str
    inbox: int | None = None


class LinkChange(msgspec.Struct, frozen=True):
    """A link came to be, became ready or stopped being usable."""

    link: Link


Item: TypeAlias = Submission | Echo | Skip | LinkChange


class Placed(msgspec.Struct, frozen=True):
    """The event is in the log; `fresh` is False when it was there before."""

    seq: int
    id: EventId
    fresh: bool = True


class Dropped(msgspec.Struct, frozen=True):
    """The item was understood and takes no number."""

    reason: str


class Failed(msgspec.Struct, frozen=True):
    """The item could not be processed; it is still where it came from."""

    error: Exception


Result: TypeAlias = Placed | Dropped | Refused | Failed
