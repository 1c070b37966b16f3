"""A room whose lines are in the full-text index, and the search in it as the core does it."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection, update

from bridge.model.events import Content, Edited, Removed
from bridge.model.ids import PersonId, RoomId
from bridge.model.search import Asked
from bridge.store import indexing, log, search
from bridge.store.database import Database
from bridge.store.tables import rooms
from bridge.text.words import query, says, words
from tests.unit.store.rows import ANNA, ROOM, event


class Books:
    """Logs of rooms, written as the core writes them, and their index."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.last: dict[RoomId, int] = {}

    async def happen(self, *contents: Content, room: RoomId = ROOM, who: PersonId = ANNA) -> int:
        """Append events; edits and removals take effect. Return the last number."""

        def unit(connection: Connection) -> None:
            for content in contents:
                seq = self.last[room] = self.last.get(room, 0) + 1
                target = None
                if isinstance(content, Edited | Removed):
                    found = log.by_id(connection, content.target)
                    assert found is not None
                    target = found.seq
                log.append(connection, [(event(seq, content, room=room, who=who), seq, target)])
                if isinstance(content, Edited) and target is not None:
                    log.fold_edit(connection, room, target, content, seq)
                elif isinstance(content, Removed) and target is not None:
                    log.fold_removal(connection, room, target, seq)
                    indexing.drop(connection, room, [target])
            connection.execute(update(rooms).where(rooms.c.id == room).values(last_seq=self.last[room]))

        await self.db.write(unit)
        return self.last[room]

    async def index(self, limit: int = 100) -> None:
        """Index what waits, in bites of `limit` entries."""
        while waiting := await self.db.read(lambda c: indexing.behind(c, 10)):
            given: set[int] = set()
            await self.write([await self.read(room, limit, given) for room in waiting])

    async def read(
        self, room: RoomId = ROOM, limit: int = 100, given: set[int] | None = None
    ) -> indexing.Portion:
        """Read a bite."""
        return await self.db.read(lambda c: indexing.read(c, room, limit, set() if given is None else given))

    async def write(self, portions: list[indexing.Portion]) -> None:
        """Write bites."""
        cut = [words(line.text) for portion in portions for line in portion.lines]
        await self.db.write(lambda c: indexing.write(c, portions, cut))

    async def found(
        self,
        text: str,
        *,
        rooms: dict[RoomId, int] | None = None,
        limit: int = 50,
        who: PersonId | None = None,
        link: bool = False,
        below: int | None = None,
    ) -> tuple[list[int], int | None]:
        """Search; return the numbers of the hits and where the next page begins."""
        asked = Asked(query(text), rooms or {ROOM: 1}, who=who, link=link, below=below)
        page = await self.db.read(lambda c: search.find(c, asked, limit, partial(says, asked)))
        return [hit.seq for hit in page.hits], page.next

    async def numbers(self, text: str, **more: object) -> list[int]:
        """Search; return the numbers of the hits, newest first."""
        return (await self.found(text, **more))[0]  # type: ignore[arg-type]
