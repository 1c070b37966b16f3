"""What the web face is made of: the ports that it stands on, and its limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bridge.core.badges import Badges
from bridge.core.native import Native
from bridge.core.ports import Fresh, Line, NetworkStatus, RoomView
from bridge.core.rights import Action
from bridge.core.state import RoomState
from bridge.model.events import Entry
from bridge.model.ids import PersonId, RoomId
from bridge.model.people import Member
from bridge.model.rooms import Link, Room
from bridge.store.database import Database
from bridge.web.accounts import Accounts
from bridge.web.sso.options import SignInOptions


class View(RoomView, Protocol):
    """What the page sees of the rooms; the hub is one."""

    @property
    def badges(self) -> Badges:
        """Return what people have not read yet."""
        ...

    def on_status(self, listener: Callable[[NetworkStatus], None]) -> None:
        """Call `listener` when a network's health changes."""
        ...

    def on_room(self, listener: Callable[[Room], None]) -> None:
        """Call `listener` when a room's description, settings or links change."""
        ...

    async def shown(self, room: RoomId, fresh: Sequence[Fresh]) -> list[Line]:
        """Return new entries as a viewer gets them, as they were committed."""
        ...

    async def lines(self, room: RoomId, entries: Sequence[Entry]) -> list[Line]:
        """Return entries as a viewer gets them."""
        ...

    async def line(self, room: RoomId, entry: Entry) -> Line:
        """Return an entry as a viewer gets it."""
        ...

    async def member(self, room: RoomId, person: PersonId) -> Member | None:
        """Return a person's place in a room; raise `Refused` (404) where there is no such room."""
        ...

    async def state(self, room: RoomId) -> RoomState:
        """Return a room's present state, which is only to be read; raise `Refused` (404) where there is none."""
        ...

    async def can(self, room: RoomId, person: PersonId) -> frozenset[Action]:
        """Return what a person may do in a room now."""
        ...

    async def reads_from(self, room: RoomId, person: PersonId | None) -> int:
        """Return the first number of a room's log that a person may read; raise `Refused` where that is nothing."""
        ...

    async def sees(self, room: RoomId, person: PersonId) -> bool:
        """Tell whether somebody may know that a room is there; raise `Refused` (404) where none is."""
        ...

    async def is_admin(self, person: PersonId) -> bool:
        """Tell whether somebody administers the server."""
        ...

    def address(self, link: Link, room: Room) -> str:
        """Return what people on the link's network call the room."""
        ...


class RemoteAvatars(Protocol):
    """Where the pictures of people from other networks come from."""

    async def fetch(self, reference: str) -> tuple[bytes, str]:
        """Return bytes and media type of a reference such as `matrix:mxc://server/id`; raise `RialtoError`."""
        ...


@dataclass(frozen=True, slots=True)
class WebLimits:
    """How much one account, or one address, may do; a rate of 0 sets no limit.

    `changes` are joins, leaves, new rooms, descriptions and profiles; `signups_per_address` are new accounts and
    guests in an hour.
    """

    messages_per_second: float = 5
    burst: int = 20
    logins_per_minute: int = 10
    signups_per_address: float = 20
    changes_per_minute: float = 60
    changes_burst: int = 60
    streams_per_account: int = 20


@dataclass(frozen=True, slots=True)
class WebParts:
    """All that `make_app` needs. `url` is the page's own address (with https, the cookie is `Secure`)."""

    db: Database
    hub: View
    native: Native
    accounts: Accounts
    server_name: str
    avatars: RemoteAvatars
    metrics: Callable[[], Awaitable[str]]
    url: str = "http://127.0.0.1:8090"
    name: str = "Rialto"
    limits: WebLimits = field(default_factory=WebLimits)
    sign_in: SignInOptions = field(default_factory=SignInOptions)
