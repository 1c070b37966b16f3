"""Which rooms a visitor may see, and in which shape: the one place that answers 404 for what is private."""

from __future__ import annotations

from sqlalchemy import Connection

from bridge.core.ports import LinkView, RoomSnapshot
from bridge.model.errors import Refused
from bridge.model.ids import LinkId, NetworkId, PersonId, RoomId
from bridge.model.people import Member, Role
from bridge.model.rooms import Link, Room
from bridge.store import rooms
from bridge.store.database import Database
from bridge.web.api import shapes
from bridge.web.api.shapes import RoomShape
from bridge.web.parts import View


class Places:
    """Rooms as visitors see them."""

    def __init__(self, db: Database, view: View) -> None:
        self._db = db
        self._view = view
        self._networks: dict[LinkId, NetworkId] = {}

    async def visible(self, room: RoomId, person: PersonId) -> Member | None:
        """Return the person's place in the room, None for one who is not in a public room; else raise 404."""
        place = await self._view.member(room, person)
        if place is not None and place.joined:
            return place
        snapshot = await self._view.snapshot(room)
        if snapshot is None or not snapshot.room.public:
            raise no_such_room()
        return None

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
        return shapes.room_now(snapshot, place=place)

    async def all(self, person: PersonId) -> list[RoomShape]:
        """Return every room that the person may see, by name; read in one go, without waking the rooms."""

        def unit(connection: Connection) -> tuple[
            list[tuple[Room, Role | None]], dict[RoomId, int], dict[RoomId, list[Link]]
        ]:
            return (
                rooms.visible_to(connection, person),
                rooms.member_counts(connection),
                rooms.links_by_room(connection),
            )

        found, counts, links = await self._db.read(unit)
        return [
            shapes.room(
                room,
                [LinkView(link, self._view.address(link, room)) for link in links.get(room.id, ())],
                joined=role is not None,
                role=role,
                members=counts.get(room.id, 0),
            )
            for room, role in found
        ]

    async def networks(self, room: RoomId, wanted: set[LinkId]) -> dict[LinkId, NetworkId]:
        """Return the networks of links; a link never changes its network, so each is looked up once."""
        if not wanted <= self._networks.keys():
            snapshot = await self._view.snapshot(room)
            if snapshot is not None:
                self._networks.update({view.link.id: view.link.network for view in snapshot.links})
        return self._networks


def no_such_room() -> Refused:
    """Return the refusal for a room that is not there, or is nobody's business."""
    return Refused("no_such_room", "There is no such room.", status=404)
