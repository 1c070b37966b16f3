"""What a lane sees of its room, the member scheduler and the viewers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.core.items import Submission
from bridge.core.ports import Delivered
from bridge.core.room import RoomActor
from bridge.core.seats import SeatScheduler
from bridge.model.clock import now_ms
from bridge.model.deliveries import Delivery
from bridge.model.events import Event, Origin, Told
from bridge.model.ids import RIALTO, LinkId, PersonId, new_event_id
from bridge.model.people import Member, Person
from bridge.model.rooms import Link

if TYPE_CHECKING:
    from bridge.core.hub import Hub


def as_member(person: PersonId, found: Person | None) -> Member:
    """Return a place for someone who never was in the room, such as Rialto itself."""
    if found is None:
        return Member(person=person, home=RIALTO, name=person, shown=person, joined=False)
    return Member(person=person, home=found.home, name=found.name, shown=found.name, avatar=found.avatar, joined=False)


class RoomSurroundings:
    """Implements `lanes.Surroundings` for one link of one room."""

    def __init__(self, actor: RoomActor, scheduler: SeatScheduler | None, hub: Hub) -> None:
        self._actor = actor
        self._scheduler = scheduler
        self._hub = hub
        self._heard: set[tuple[LinkId, PersonId]] = set()

    def link(self, link: LinkId) -> Link:
        """Return the link as it is now."""
        return self._actor.state.links[link]

    async def sender(self, person: PersonId) -> Member:
        """Return the sender's place in the room, or one for somebody who never came in."""
        member = self._actor.state.members.get(person)
        return member or as_member(person, await self._hub.people.get(person))

    async def ensure_seated(self, link: Link, member: Member) -> None:
        """Return when the sender's ghost is in the chat; the bot, guests (for whom it speaks) and the chat's own
        people need none."""
        if self._scheduler is not None and not member.guest and member.home not in (RIALTO, link.network):
            self._heard.add((link.id, member.person))
            await self._scheduler.ensure(link.id, member)

    def unseated(self, link: Link, person: PersonId) -> None:
        """Note that the chat says that the sender is not in it."""
        if self._scheduler is not None:
            self._scheduler.unseated(link.id, person)

    def rested(self) -> None:
        """Let the ghosts of those go again who had left the room before their last lines were sent."""
        if self._scheduler is not None:
            for link, person in self._heard:
                member = self._actor.state.members.get(person)
                if member is None or not member.joined:
                    self._scheduler.changed(link, person)
        self._heard.clear()

    def delivered(self, delivery: Delivery) -> None:
        """Let viewers see a delivery's new state."""
        self._hub.show_delivery(self._actor.id, Delivered(delivery))

    def told(self, link: Link, delivery: Delivery, cause: str) -> None:
        """Tell the room once of each cause for which lines fail on a link."""
        room = self._actor.id
        event = Event(
            id=new_event_id(),
            room=room,
            who=self._hub.people.bot,
            at=now_ms(),
            origin=Origin(RIALTO, room, f"failed:{link.id}:{cause}"),
            content=Told("delivery_failed", {"network": link.network, "reason": delivery.reason}),
        )
        self._hub.aside(lambda: self._actor.submit([Submission(event)]))
