"""Which rooms a visitor may see, and in which shape: the one place that answers 404 for what is private."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection

from bridge.core import rights
from bridge.core.ports import LinkView, RoomSnapshot
from bridge.model.errors import Refused
from bridge.model.ids import LinkId, NetworkId, PersonId, RoomId
from bridge.model.people import Member, Person, Role
from bridge.model.rooms import Link, Room, other_of
from bridge.store import people, rooms
from bridge.store.database import Database, Unit
from bridge.web.api import shapes
from bridge.web.api.shapes import RoomShape
from bridge.web.parts import View


class _Beside(msgspec.Struct):
    """What belongs to a number of rooms: how many are in them, their links, whom direct ones are with."""

    counts: dict[RoomId, int]
    links: dict[RoomId, list[Link]]
    others: dict[PersonId, Person]


class Places:
    """Rooms as visitors see them."""

    def __init__(self, db: Database, view: View) -> None:
        self._db = db
        self._view = view
        self._networks: dict[LinkId, NetworkId] = {}

    async def visible(self, room: RoomId, person: PersonId) -> Member | None:
        """Return the person's place in the room, None for one who is not in it but may see that it is there; else
        raise 404."""
        if not await self._view.sees(room, person):
            raise no_such_room()
        place = await self._view.member(room, person)
        return place if place is not None and place.joined else None

    async def seen(self, room: RoomId, person: PersonId) -> tuple[RoomSnapshot, Member | None]:
        """Return a visible room as it is now, and the person's place in it."""
        place = await self.visible(room, person)
        snapshot = await self._view.snapshot(room)
        if snapshot is None:
            raise no_such_room()
        return snapshot, place

    async def shape(self, room: RoomId, person: PersonId) -> RoomShape:
        """Return a visible room in the API's shape."""
        snapshot, place = await self.seen(room, person)
        made = shapes.room_now(snapshot, place=place)
        made.can = _sorted(await self._view.can(room, person))
        await self._add_badges(person, [made])
        other = other_of(snapshot.room, person)
        return made if other is None else shapes.named_after(made, await self._view.person(other))

    async def mine(self, person: PersonId) -> list[RoomShape]:
        """Return every room that the person is in, by name; read in one go, without waking the rooms."""
        found = await self._listed(person, lambda connection: rooms.of_person(connection, person))
        return sorted(found, key=lambda room: (room.name.casefold(), room.id))

    async def directory(
        self, person: PersonId, *, query: str, after: RoomId | None, limit: int
    ) -> list[RoomShape]:
        """Return a page of the rooms that everybody may come into, by name."""
        return await self._listed(
            person, lambda connection: rooms.directory(connection, query=query, after=after, limit=limit)
        )

    async def _listed(self, person: PersonId, unit: Unit[list[Room]]) -> list[RoomShape]:
        def whole(connection: Connection) -> tuple[list[Room], dict[RoomId, Role], _Beside]:
            found = unit(connection)
            ids = [room.id for room in found]
            return found, rooms.roles_of(connection, person, ids), _beside(connection, person, found, ids)

        found, roles, beside = await self._db.read(whole)
        admin = await self._view.is_admin(person)
        made = [self._shape(room, roles.get(room.id), person, beside, admin=admin) for room in found]
        await self._add_badges(person, made)
        return made

    async def _add_badges(self, person: PersonId, made: Sequence[RoomShape]) -> None:
        """Say of the rooms that the person is in how far they have read them."""
        badges = await self._view.badges.badges(person, [RoomId(room.id) for room in made if room.joined])
        for room in made:
            if (badge := badges.get(RoomId(room.id))) is not None:
                room.last_seq, room.marker = badge.last_seq, badge.marker
                room.unread, room.mentions = badge.unread, badge.mentions

    def _shape(
        self, room: Room, role: Role | None, person: PersonId, beside: _Beside, *, admin: bool
    ) -> RoomShape:
        made = shapes.room(
            room,
            [LinkView(link, self._view.address(link, room)) for link in beside.links.get(room.id, ())],
            joined=role is not None,
            role=role,
            members=beside.counts.get(room.id, 0),
        )
        made.can = _sorted(rights.allowed(role or "stranger", room, admin=admin))
        other = other_of(room, person)
        return made if other is None else shapes.named_after(made, beside.others.get(other))

    async def networks(self, room: RoomId, wanted: set[LinkId]) -> dict[LinkId, NetworkId]:
        """Return the networks of links; a link never changes its network, so each is looked up once."""
        if not wanted <= self._networks.keys():
            snapshot = await self._view.snapshot(room)
            if snapshot is not None:
                self._networks.update({view.link.id: view.link.network for view in snapshot.links})
        return self._networks


def _beside(connection: Connection, person: PersonId, found: Sequence[Room], ids: list[RoomId]) -> _Beside:
    others = [other for room in found if (other := other_of(room, person)) is not None]
    return _Beside(
        rooms.member_counts(connection, ids),
        rooms.links_by_room(connection, ids),
        people.get_many(connection, others) if others else {},
    )


def _sorted(actions: Collection[rights.Action]) -> list[str]:
    return [action for action in rights.ACTIONS if action in actions]


def no_such_room() -> Refused:
    """Return the refusal for a room that is not there, or is nobody's business."""
    return Refused("no_such_room", "There is no such room.", status=404)
