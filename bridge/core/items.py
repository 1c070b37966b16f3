"""What goes into a room's queue, and what comes back once it is committed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from bridge.model.deliveries import DeliveryKey
from bridge.model.errors import Refused
from bridge.model.events import Event, Left, Origin
from bridge.model.ids import WEB, EventId, PersonId
from bridge.model.rooms import Link


class Submission(msgspec.Struct, frozen=True):
    """An event that wants a number. `target` names what it is about by its origin, where the sender's
    network knows no other name; `inbox` is the row that brought it. `admitted`: who comes in was let in, by an
    invite or as one of the two of a direct conversation."""

    event: Event
    target: Origin | None = None
    inbox: int | None = None
    admitted: bool = False

    @property
    def actor(self) -> PersonId:
        """Return who does it: the sender, but for one of ours who sends another away."""
        content = self.event.content
        if isinstance(content, Left) and content.by is not None and self.event.origin.network == WEB:
            return content.by
        return self.event.who


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


class LinkAdd(msgspec.Struct, frozen=True):
    """`who` wants the room to have a chat on one more network; `told` says so in the room."""

    link: Link
    who: PersonId
    told: Event


class Deletion(msgspec.Struct, frozen=True):
    """`who` wants the room to be gone for everybody, at `at` (UTC milliseconds)."""

    who: PersonId
    at: int


Item: TypeAlias = Submission | Echo | Skip | LinkChange | LinkAdd | Deletion


def actors(items: Iterable[Item]) -> list[PersonId]:
    """Return whose rights are asked for when these items are decided."""
    found: list[PersonId] = []
    for item in items:
        if isinstance(item, Submission):
            found.append(item.actor)
        elif isinstance(item, LinkAdd | Deletion):
            found.append(item.who)
    return found


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
