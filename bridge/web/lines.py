"""Lines of the log in the API's shape: pages for the API and the page, single ones for live viewers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.core.ports import Fresh, Line
from bridge.model.deliveries import Delivery
from bridge.model.events import Entry
from bridge.model.ids import EventId, RoomId
from bridge.store import log
from bridge.store.database import Database
from bridge.web.api import shapes
from bridge.web.api.shapes import DeliveryShape, LineShape
from bridge.web.parts import View
from bridge.web.places import Places


class Lines:
    """Reads lines and shapes them."""

    def __init__(self, db: Database, view: View, places: Places) -> None:
        self._db = db
        self._view = view
        self._places = places

    async def page(
        self,
        room: RoomId,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        raw: bool = False,
        first: int = 1,
    ) -> list[LineShape]:
        """Return a page of the log in rising `seq`; bounds are exclusive, and nothing below `first` is shown."""
        found = await self._view.page(room, before=before, after=after, limit=limit, raw=raw, first=first)
        return await self.shaped(room, found, raw=raw)

    async def shaped(self, room: RoomId, found: Iterable[Line], *, raw: bool = False) -> list[LineShape]:
        """Return lines in their shape."""
        listed = list(found)
        links = {delivery.key.link for line in listed for delivery in line.deliveries}
        networks = await self._places.networks(room, links)
        return [shapes.line(line, networks, raw=raw) for line in listed]

    async def some(self, room: RoomId, entries: Sequence[Entry]) -> list[LineShape]:
        """Return entries as they read now, with one look at the database for all of them."""
        return await self.shaped(room, await self._view.lines(room, entries))

    async def new(self, room: RoomId, fresh: Sequence[Fresh]) -> list[LineShape]:
        """Return new entries as they were committed, without a look at the database."""
        return await self.shaped(room, await self._view.shown(room, fresh))

    async def numbered(self, room: RoomId, numbers: Iterable[int]) -> list[LineShape]:
        """Return the lines with these numbers as they read now, in rising `seq`."""
        wanted = sorted(numbers)
        entries = await self._db.read(lambda c: log.entries(c, room, wanted))
        return await self.some(room, [entries[seq] for seq in wanted if seq in entries])

    async def by_ids(self, room: RoomId, wanted: Iterable[EventId]) -> list[LineShape]:
        """Return the lines of these events as they read now, in rising `seq`."""
        ids = list(wanted)
        entries = await self._db.read(lambda c: log.by_ids(c, room, ids))
        return await self.some(room, sorted(entries, key=lambda entry: entry.seq))

    async def delivery(self, of: Delivery) -> DeliveryShape:
        """Return a delivery with the number of its line."""
        networks = await self._places.networks(of.key.room, {of.key.link})
        return shapes.delivery(of, networks, numbered=True)
