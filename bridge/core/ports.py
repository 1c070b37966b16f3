"""The Protocols through which the core meets networks and viewers; neither side imports the other."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from bridge.core.items import Item, Result
from bridge.model.capabilities import Capabilities
from bridge.model.deliveries import Delivery, Outgoing, Sent
from bridge.model.events import Entry
from bridge.model.ids import LinkId, NetworkId, PersonId, RoomId
from bridge.model.people import Member, Person
from bridge.model.rooms import Link, Room

Health: TypeAlias = Literal["starting", "up", "down", "paused", "stopped"]


class NetworkStatus(msgspec.Struct, frozen=True):
    """How a network is: `detail` is for operators, `since` UTC milliseconds."""

    network: NetworkId
    health: Health
    detail: str = ""
    since: int = 0


class Network(Protocol):
    """What every network must do; everything else is an optional `Can…`."""

    @property
    def id(self) -> NetworkId:
        """Return the network's fixed name."""
        ...

    async def run(self) -> None:
        """Work until cancelled: connect, read, hand events to the hub. Cancelling it stops the network."""
        ...

    def status(self) -> NetworkStatus:
        """Return how the network is, from memory."""
        ...

    def capabilities(self, link: Link) -> Capabilities:
        """Return what can be done in a link's chat, from memory."""
        ...

    def ready(self, link: Link) -> bool:
        """Tell whether the link's lane may send: its chat exists and what it said meanwhile was fetched."""
        ...

    async def deliver(self, out: Outgoing) -> Sent:
        """Do one thing there, once; raise `Retry`, `AuthFailed`, `NotJoined` or `Rejected`."""
        ...


@runtime_checkable
class CanFind(Protocol):
    """A network whose history can be searched for something that we may have sent."""

    async def find(self, out: Outgoing) -> Sent | None:
        """Return our delivery if it arrived, None if it surely did not; raise `Retry` when that is unknown."""
        ...


@runtime_checkable
class CanSeat(Protocol):
    """A network on which people of other networks have ghosts that join and leave."""

    async def seat(self, link: Link, member: Member, *, renamed: bool) -> None:
        """Make the member's ghost present under its shown name; idempotent. `renamed`: it was shown under
        another name before. Raises as `deliver` does."""
        ...

    async def unseat(self, link: Link, person: PersonId, reason: str) -> None:
        """Take the person's ghost out of the chat; idempotent."""
        ...


@runtime_checkable
class CanShowPeople(Protocol):
    """A network on which a ghost has a profile of its own beside its places in chats."""

    async def refresh(self, person: PersonId) -> None:
        """Bring the ghost's name and avatar up to date, if there is a ghost."""
        ...


@runtime_checkable
class CanDescribe(Protocol):
    """A network whose chats have a name, a topic or an avatar."""

    async def describe(self, link: Link, room: Room) -> None:
        """Make the chat show the room's description; idempotent."""
        ...


@runtime_checkable
class CanHost(Protocol):
    """A network that can make a chat for a room."""

    def mirrors(self, room: Room, *, asked: bool = False) -> bool:
        """Tell whether a room gets a chat of its own there: by default, or because its owner `asked` for it."""
        ...

    def address(self, room: Room) -> str:
        """Return what people there call the room (on Matrix its whole alias), valid at once."""
        ...

    def open(self, link: Link) -> asyncio.Task[None] | None:
        """Begin, in the background and until it succeeds, to make the chat of a link in state `creating`.

        The task ends when the chat can be joined; None where the network does not run.
        """
        ...


@runtime_checkable
class CanInvite(Protocol):
    """A network whose people can be invited to a chat that they cannot enter by themselves."""

    async def invite(self, link: Link, remote_id: str) -> None:
        """Invite somebody by the network's name for them; who is there already stays. Raises `Refused` for what is
        no such name, and else as `deliver` does."""
        ...


@runtime_checkable
class CanClose(Protocol):
    """A network that can give up the chat of a room that was deleted."""

    def close(self, link: Link) -> None:
        """Begin, in the background and until it is done, to give up the chat of a link in state `closed`: nobody
        finds it or comes in any more. Then the link is changed to `gone`; idempotent."""
        ...


class Intake(Protocol):
    """What a network and the page may ask of the hub."""

    async def submit(self, room: RoomId, items: list[Item]) -> list[Result]:
        """Hand items to a room; return what became of each after the commit."""
        ...

    def wake(self, link: LinkId) -> None:
        """Tell a link's lane that it may be able to send now."""
        ...

    def retry_now(self, network: NetworkId) -> None:
        """Tell every lane of a network not to wait for the end of its pause."""
        ...

    async def change_link(self, link: Link) -> None:
        """Let a room know what became of one of its links; return after the commit."""
        ...

    async def seat_observed(self, link: Link, person: PersonId, actual: str, reason: str) -> None:
        """Take note that a chat says that a ghost is in it no more."""
        ...

    def health_changed(self, status: NetworkStatus) -> None:
        """Show viewers a network's new health."""
        ...


class Fresh(msgspec.Struct, frozen=True):
    """A new entry of the log, with the deliveries that it begins with; `target` is the number of the entry that an
    edit or a removal changes."""

    entry: Entry
    deliveries: tuple[Delivery, ...] = ()
    target: int | None = None


class Delivered(msgspec.Struct, frozen=True):
    """A delivery's state changed."""

    delivery: Delivery


class RoomChanged(msgspec.Struct, frozen=True):
    """The room's description, its settings or a link changed. A room that was deleted is `room.deleted`: its viewers
    see no more of it."""

    room: Room


class StatusChanged(msgspec.Struct, frozen=True):
    """A network's health changed."""

    status: NetworkStatus


class FellBehind(msgspec.Struct, frozen=True):
    """The viewer was too slow, frames were left out: read the page again from the last number."""


Frame: TypeAlias = Fresh | Delivered | RoomChanged | StatusChanged | FellBehind


class Watch(Protocol):
    """A viewer's stream of frames."""

    async def next(self) -> Frame:
        """Wait for the next frame."""
        ...

    async def some(self) -> list[Frame]:
        """Wait for a frame; return all that are there then, in order."""
        ...


class LinkView(msgspec.Struct, frozen=True):
    """A link as a viewer sees it: `address` is what people there call the room."""

    link: Link
    address: str


class RoomSnapshot(msgspec.Struct, frozen=True):
    """A room as it is now, without its log."""

    room: Room
    members: list[Member]
    links: list[LinkView]


class Line(msgspec.Struct, frozen=True):
    """An entry as a viewer gets it: with its author and what became of it on each link."""

    entry: Entry
    who: Member
    deliveries: list[Delivery]


class RoomView(Protocol):
    """What a viewer may see of a room; the page stands on this and has no link, lane or delivery of its own."""

    def watch(self, room: RoomId) -> AbstractAsyncContextManager[Watch]:
        """Follow a room from now on."""
        ...

    async def page(
        self, room: RoomId, *, before: int | None, after: int | None, limit: int, raw: bool, first: int = 1
    ) -> list[Line]:
        """Return a page of the log in rising order; bounds are exclusive, and nothing below `first` is shown."""
        ...

    async def snapshot(self, room: RoomId) -> RoomSnapshot | None:
        """Return the room's present state, or None where there is no such room."""
        ...

    async def person(self, person: PersonId) -> Person | None:
        """Return a person, or None."""
        ...

    def statuses(self) -> list[NetworkStatus]:
        """Return how each network is."""
        ...
