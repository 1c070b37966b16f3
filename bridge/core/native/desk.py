"""Hands what people do to their rooms, and brings back a number or a refusal."""

from __future__ import annotations

from bridge.core.hub import Hub
from bridge.core.items import Dropped, Failed, Item, Placed, Result, Submission
from bridge.model.clock import now_ms
from bridge.model.errors import Refused
from bridge.model.events import Content, Event, Origin
from bridge.model.ids import WEB, EventId, PersonId, RoomId, new_event_id
from bridge.model.people import Member, Person
from bridge.model.rooms import Room
from bridge.store import log


class Desk:
    """What all that people do has in common."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def person(self, person: PersonId) -> Person:
        """Return somebody; raise `Refused` where there is no such person."""
        who = await self.hub.people.get(person)
        if who is None:
            raise Refused("no_such_person", "There is no such person.", status=404)
        return who

    async def room(self, room: RoomId) -> tuple[Room, dict[PersonId, Member]]:
        """Return a room as it is now, with everybody who is or was in it; raise `Refused` where there is none."""
        state = await self.hub.state(room)
        return state.room, state.members

    async def is_guest(self, person: PersonId) -> bool:
        """Tell whether somebody is a guest."""
        await self.hub.people.load([person])
        return self.hub.people.rights(person).guest

    @staticmethod
    def submission(
        room: RoomId, who: PersonId, content: Content, key: str, *, admitted: bool = False
    ) -> Submission:
        """Return what somebody does as an item; the same `key` is the same act for ever."""
        # PostgreSQL has no U+0000 in its texts, and what is looked up has to be what was written.
        origin = Origin(WEB, room, key.replace("\0", "\ufffd"))
        event = Event(id=new_event_id(), room=room, who=who, at=now_ms(), origin=origin, content=content)
        return Submission(event, admitted=admitted)

    async def submit(
        self, room: RoomId, who: PersonId, content: Content, key: str, *, admitted: bool = False
    ) -> Placed:
        """Do one thing; return its number, or raise `Refused`. What changes nothing has the number 0."""
        return await self.send(room, self.submission(room, who, content, key, admitted=admitted))

    async def send(self, room: RoomId, *items: Item) -> Placed:
        """Hand items to a room at once; return what became of the last one, or raise `Refused`."""
        result = (await self.hub.submit(room, list(items)))[-1]
        return await self._placed(items[-1], result)

    async def _placed(self, item: Item, result: Result) -> Placed:
        match result:
            case Placed():
                return result
            case Refused():
                # A repeat is answered as before, even if it would break a rule by now: its author has left, or
                # the line that it removed is gone.
                if isinstance(item, Submission) and (before := await self._before(item.event.origin)) is not None:
                    return before
                raise result
            case Failed(error):
                raise error
            case Dropped():
                return Placed(0, item.event.id if isinstance(item, Submission) else EventId(""), fresh=False)

    async def _before(self, origin: Origin) -> Placed | None:
        found = await self.hub.db.read(lambda connection: log.by_origins(connection, [origin]))
        return Placed(found[0].seq, found[0].event.id, fresh=False) if found else None
