"""A room's present state, and the working copy on which a batch is decided before it is committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from bridge.model.events import Content, Origin
from bridge.model.ids import EventId, LinkId, PersonId
from bridge.model.people import Member
from bridge.model.rooms import Link, Room
from bridge.text.names import skeleton


class Target(msgspec.Struct, frozen=True):
    """What an edit or a removal needs to know of the event that it is about."""

    seq: int
    id: EventId
    who: PersonId
    content: Content | None
    version: int
    removed: bool
    origin: Origin


@dataclass(slots=True)
class RoomState:
    """What a room is now; only its actor changes it, by applying a draft that was committed."""

    room: Room
    members: dict[PersonId, Member]
    links: dict[LinkId, Link]
    names: dict[str, PersonId] = field(init=False)
    spoke: dict[PersonId, int] | None = None
    """When each person of the page wrote last (UTC milliseconds), as far back as slow mode looks; None until that
    is read, which no room without slow mode needs."""

    def __post_init__(self) -> None:
        self.names = {skeleton(m.shown): m.person for m in self.members.values() if m.joined}

    def apply(self, draft: Draft) -> None:
        """Take over what `draft` changed."""
        self.room = draft.room
        self.links = draft.links
        if draft.emptied:
            self.members, self.names, self.spoke = {}, {}, None
            return
        if draft.spoke and self.spoke is not None:
            self.spoke.update(draft.spoke)
        for member in draft.changed.values():
            before = self.members.get(member.person)
            if before is not None and self.names.get(skeleton(before.shown)) == member.person:
                del self.names[skeleton(before.shown)]
            self.members[member.person] = member
        for member in draft.changed.values():
            if member.joined:
                self.names[skeleton(member.shown)] = member.person


class Draft:
    """A working copy that remembers only what differs, so that a batch costs nothing per member."""

    def __init__(self, base: RoomState, targets: Iterable[Target] = ()) -> None:
        self.room = base.room
        self.links = dict(base.links)
        self.changed: dict[PersonId, Member] = {}
        self.spoke: dict[PersonId, int] = {}
        self.emptied = False
        self._base = base
        self._targets: dict[int, Target] = {}
        self._numbers: dict[EventId | Origin, int] = {}
        for target in targets:
            self.remember(target)

    def member(self, person: PersonId) -> Member | None:
        """Return the person's place in the room, or None for one who never was here."""
        return self.changed.get(person) or self._base.members.get(person)

    def joined(self, person: PersonId) -> bool:
        """Tell whether the person is in the room now."""
        member = self.member(person)
        return member is not None and member.joined

    def everyone(self) -> Iterator[Member]:
        """Go through everybody who is or was in the room."""
        yield from self.changed.values()
        for person, member in self._base.members.items():
            if person not in self.changed:
                yield member

    def somebody_else_here(self, person: PersonId) -> bool:
        """Tell whether anybody but this person is in the room; slow where many are."""
        return any(member.joined and member.person != person for member in self.everyone())

    def another_owner(self, person: PersonId) -> bool:
        """Tell whether somebody else in the room is its owner; slow where many are in it."""
        return any(m.joined and m.role == "owner" and m.person != person for m in self.everyone())

    def last_line_at(self, person: PersonId) -> int | None:
        """Return when somebody of the page wrote last, None where that is longer ago than slow mode looks."""
        at = self.spoke.get(person)
        return at if at is not None or self._base.spoke is None else self._base.spoke.get(person)

    def empty(self) -> None:
        """Let nobody be in the room any more, nor ever have been."""
        self.emptied = True

    def set_member(self, member: Member) -> None:
        """Change a place."""
        self.changed[member.person] = member

    def name_is_taken(self, key: str, by_other_than: PersonId) -> bool:
        """Tell whether another member is shown under a name with the skeleton `key`."""
        for member in self.changed.values():
            if member.joined and member.person != by_other_than and skeleton(member.shown) == key:
                return True
        holder = self._base.names.get(key)
        return holder is not None and holder != by_other_than and holder not in self.changed

    def next_seq(self) -> int:
        """Give the next number of the room's log."""
        self.room = msgspec.structs.replace(self.room, last_seq=self.room.last_seq + 1)
        return self.room.last_seq

    def remember(self, target: Target) -> None:
        """Make an event known as a possible target for what follows in this batch; one number is one target,
        under however many names it was loaded."""
        self._targets[target.seq] = target
        self._numbers[target.id] = self._numbers[target.origin] = target.seq

    def target(self, reference: EventId | Origin) -> Target | None:
        """Return the event that a reference means, if it was loaded or happened in this batch."""
        seq = self._numbers.get(reference)
        return None if seq is None else self._targets[seq]
