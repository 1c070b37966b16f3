"""One batch of a room: items are decided in order, then all that follows is written in one unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from bridge.core.decide import Append, Drop, Rights, decide
from bridge.core.decide_settings import deletable
from bridge.core.decisions import forbidden, from_web
from bridge.core.items import (
    Deletion,
    Dropped,
    Echo,
    Failed,
    Item,
    LinkAdd,
    LinkChange,
    Placed,
    Result,
    Skip,
    Submission,
)
from bridge.core.mentions import Addressed
from bridge.core.ports import Fresh
from bridge.core.state import Draft, Target
from bridge.model.clock import now_ms
from bridge.model.deliveries import Delivery, DeliveryKey
from bridge.model.errors import Refused
from bridge.model.events import (
    Configured,
    Described,
    Edited,
    Entry,
    Event,
    Joined,
    Left,
    Origin,
    Profiled,
    Ranked,
    Removed,
    Said,
)
from bridge.model.ids import LinkId, PersonId
from bridge.model.people import Member
from bridge.model.rooms import Link
from bridge.store import inbox, indexing, invites, log, outbox, rooms, seats
from bridge.store.seats import Seat

ENCRYPTED = "the chat is encrypted"
DELETED = "the room was deleted"


class Fold(msgspec.Struct, frozen=True):
    """An edit or a removal that its target takes in."""

    target: int
    event: Event


class Batch:
    """What a number of items do to a room. `write` is the unit; the draft is applied after its commit."""

    def __init__(
        self,
        draft: Draft,
        rights: Callable[[PersonId], Rights],
        known: Mapping[Origin, Placed],
        *,
        seat_all: bool = True,
    ) -> None:
        self.draft = draft
        self.appended: list[tuple[Event, int, int | None]] = []
        self.folds: list[Fold] = []
        self.addressed = Addressed()
        self.deliveries: list[DeliveryKey] = []
        self.barred: list[DeliveryKey] = []
        self.echoes: list[Echo] = []
        self.new_links: list[Link] = []
        self.added_links: list[Link] = []
        self.described: list[tuple[LinkId, str, str]] = []
        self.seats: dict[tuple[LinkId, PersonId], Seat] = {}
        self.disinvited: list[PersonId] = []
        self.evicted: dict[tuple[LinkId, PersonId], Seat] = {}
        self._shown_anew: set[tuple[LinkId, PersonId]] = set()
        self.seen: list[tuple[Origin, str, str]] = []
        self.inbox: list[int] = []
        self._rights = rights
        self._seat_all = seat_all
        self._known = dict(known)

    def take(self, item: Item) -> Result:
        """Decide one item; whatever a rule raises by mistake fails this item alone."""
        try:
            return self._take(item)
        except Exception as error:  # a rule's bug must not stop the room: the item stays where it came from
            return Failed(error)

    def _take(self, item: Item) -> Result:
        match item:
            case Submission():
                return self._submission(item)
            case Echo():
                self.echoes.append(item)
                self._done(item.inbox)
                return Dropped("echo")
            case Skip():
                self._see(item.origin, item.reason, item.inbox)
                return Dropped(item.reason)
            case LinkChange():
                return self._change_link(item.link)
            case LinkAdd():
                return self._add_link(item)
            case Deletion():
                return self._delete(item)

    def _change_link(self, link: Link) -> Result:
        if self.draft.room.deleted and link.state not in ("closed", "gone"):
            # A chat that was still being made when its room was deleted.
            link = msgspec.structs.replace(link, state="closed")
        self.draft.links[link.id] = link
        self.new_links.append(link)
        return Dropped("link")

    def _add_link(self, item: LinkAdd) -> Result:
        refusal = forbidden(self.draft, "configure", item.who, self._rights(item.who))
        if refusal is not None:
            return refusal
        if any(link.network == item.link.network for link in self.draft.links.values()):
            return Dropped("linked already")
        self.draft.links[item.link.id] = item.link
        self.added_links.append(item.link)
        for member in self.draft.everyone():
            if member.joined:
                self._seat(item.link, member, "joined")
        return self._append(Append(item.told))

    def _delete(self, item: Deletion) -> Result:
        refusal = deletable(self.draft, item.who, self._rights(item.who))
        if refusal is not None:
            return refusal
        self.draft.room = msgspec.structs.replace(self.draft.room, deleted_at=item.at)
        self.draft.empty()
        for link in list(self.draft.links.values()):
            self._change_link(msgspec.structs.replace(link, state="closed"))
        return Dropped("deleted")

    def _submission(self, item: Submission) -> Result:
        before = self._known.get(item.event.origin)
        if before is not None:
            self._done(item.inbox)
            return before
        decision = decide(self.draft, item, self._rights(item.actor))
        match decision:
            case Append():
                self._done(item.inbox)
                return self._append(decision)
            case Drop(reason):
                if item.inbox is not None:
                    self._see(item.event.origin, reason, item.inbox)
                return Dropped(reason)
            case Refused():
                if item.inbox is not None:
                    self._see(item.event.origin, decision.message, item.inbox)
                return decision

    def _append(self, decision: Append) -> Placed:
        event = decision.event
        seq = self.draft.next_seq()
        target = decision.target
        self.appended.append((event, seq, None if target is None else target.seq))
        self._known[event.origin] = Placed(seq, event.id, fresh=False)
        for link in decision.links:
            key = DeliveryKey(link=link, room=event.room, seq=seq)
            (self.barred if self.draft.links[link].state == "encrypted" else self.deliveries).append(key)
        if decision.member is not None:
            came = isinstance(event.content, Joined)
            self._place(event, msgspec.structs.replace(decision.member, joined_seq=seq) if came else decision.member)
        self._change_room(event, decision.described)
        self._remember(event, seq, target)
        return Placed(seq, event.id)

    def _remember(self, event: Event, seq: int, target: Target | None) -> None:
        content = event.content
        if isinstance(content, Said):
            self.addressed.said(seq, event.who, content)
        elif target is not None and isinstance(content, Edited | Removed):
            self.folds.append(Fold(target.seq, event))
            self.addressed.changes(target.seq, event, target.content)
            self.draft.remember(
                msgspec.structs.replace(
                    target,
                    version=target.version + isinstance(content, Edited),
                    removed=target.removed or isinstance(content, Removed),
                )
            )
        self.draft.remember(
            Target(seq=seq, id=event.id, who=event.who, content=content, version=0, removed=False, origin=event.origin)
        )

    def _place(self, event: Event, member: Member) -> None:
        """Change somebody's place, and say who is to be where on the links that the person is not from."""
        self.draft.set_member(member)
        content = event.content
        kicked = isinstance(content, Left) and content.how != "left"
        if kicked or member.role == "muted":
            # What they have invited others with is not to bring them back, or others in their place.
            self.disinvited.append(member.person)
        if isinstance(content, Ranked):
            return
        wanted = "joined" if isinstance(content, Joined | Profiled) else "left"
        for link in self.draft.links.values():
            if link.network == member.home:
                if isinstance(content, Left) and from_web(event):
                    self._evict(link, member, content)
                continue
            self._seat(link, member, wanted)
            if isinstance(content, Profiled) and member.shown != member.name:
                # A network may put the new profile over the name that the ghost has in this chat alone.
                self._shown_anew.add((link.id, member.person))

    def _seat(self, link: Link, member: Member, wanted: str) -> None:
        # Where ghosts come in when they first speak, they take a new name then too. Guests have none.
        if link.network == member.home or member.guest or (wanted == "joined" and not self._seat_all):
            return
        self.seats[link.id, member.person] = Seat(
            link=link.id, person=member.person, wanted=wanted, shown=member.shown
        )

    def _evict(self, link: Link, member: Member, content: Left) -> None:
        """Have somebody of the chat's own network sent out of it, who was sent away here."""
        seat = Seat(
            link=link.id,
            person=member.person,
            wanted="left",
            actual="joined",
            shown=member.shown,
            reason=content.reason,
        )
        self.evicted[link.id, member.person] = seat

    def _change_room(self, event: Event, described: tuple[LinkId, ...]) -> None:
        """Let the room be as a description or settings say; `described` are the chats that show it already."""
        content, before = event.content, self.draft.room
        if isinstance(content, Described):
            names: tuple[str, ...] = ("name", "topic", "avatar")
        elif isinstance(content, Configured):
            names = ("access", "history", "slow_seconds")
        else:
            if isinstance(content, Said) and before.slow_seconds and from_web(event):
                self.draft.spoke[event.who] = event.at
            return
        fields = {name: value for name in names if (value := getattr(content, name)) is not None}
        if isinstance(content, Configured) and content.archived is not None:
            fields["archived_at"] = event.at if content.archived else None
        self.draft.room = msgspec.structs.replace(before, **fields)
        self.described += [(link, before.description, self.draft.room.description) for link in described]

    def fresh(self) -> list[Fresh]:
        """Return the new entries as viewers are told of them."""
        begun: dict[int, list[Delivery]] = {}
        for key in self.deliveries:
            begun.setdefault(key.seq, []).append(Delivery(key, "waiting"))
        for key in self.barred:
            begun.setdefault(key.seq, []).append(Delivery(key, "skipped", reason=ENCRYPTED))
        return [
            Fresh(Entry(seq=seq, event=event, present=event.content), tuple(begun.get(seq, ())), target)
            for event, seq, target in self.appended
        ]

    def _see(self, origin: Origin, reason: str, row: int | None) -> None:
        self.seen.append((origin, "dropped", reason))
        self._done(row)

    def _done(self, row: int | None) -> None:
        if row is not None:
            self.inbox.append(row)

    def may_call_everybody(self, person: PersonId) -> bool:
        """Tell whether somebody's `@room` counts: that of owners, moderators and admins does."""
        member = self.draft.member(person)
        moderates = member is not None and member.joined and member.role in ("owner", "moderator")
        return moderates or self._rights(person).admin

    def write(self, connection: Connection) -> None:
        """Write everything; raise `OriginConflict` where an event is in the log already."""
        write_together(connection, [self])

    def write_own(self, connection: Connection) -> None:
        """Write what few batches have: all but events, deliveries and the inbox, which `write_together` writes for
        many."""
        room = self.draft.room
        if self.draft.changed:
            rooms.save_members(connection, room.id, self.draft.changed.values())
        for link in self.new_links:
            rooms.save_link(connection, link)
        for link_id, before, after in self.described:
            rooms.move_described(connection, link_id, before, after)
        if self.seats:
            anew = [seat for key, seat in self.seats.items() if key in self._shown_anew]
            seats.want(connection, [seat for key, seat in self.seats.items() if key not in self._shown_anew])
            seats.want_anew(connection, anew)
        if self.evicted:
            seats.evict(connection, self.evicted.values())
        for person in self.disinvited:
            invites.revoke_of(connection, person, now_ms(), room.id)
        outbox.add(connection, self.barred, state="skipped", reason=ENCRYPTED)
        for link in self.new_links:
            if link.state == "encrypted":
                outbox.bar(connection, link.id, ENCRYPTED)
            elif link.state == "closed":
                outbox.bar(connection, link.id, DELETED)
                seats.empty(connection, link.id)
        if self.draft.emptied:
            rooms.empty(connection, room.id)
        for fold in self.folds:
            self._write_fold(connection, fold)
        self.addressed.write(connection, room.id)
        for echo in self.echoes:
            if not outbox.bind(connection, echo.key, echo.origin.id, echo.version):
                self.seen.append((echo.origin, "dropped", "an echo of a delivery that is not known here"))

    def _write_fold(self, connection: Connection, fold: Fold) -> None:
        room, content = self.draft.room.id, fold.event.content
        if isinstance(content, Edited):
            log.fold_edit(connection, room, fold.target, content, fold.event.at)
        else:
            log.fold_removal(connection, room, fold.target, fold.event.at)
            indexing.drop(connection, room, [fold.target])


def write_together(connection: Connection, batches: Sequence[Batch]) -> None:
    """Write the batches of different rooms: what most of them have goes into one statement for all of them.

    Raises `OriginConflict` where an event of any of them is in the log already.
    """
    log.append(connection, [entry for batch in batches for entry in batch.appended])
    rooms.save_rooms(connection, [batch.draft.room for batch in batches if batch.appended or batch.draft.emptied])
    for link in (link for batch in batches for link in batch.added_links):
        rooms.add_link(connection, link)
    # Before the deliveries that a newly encrypted link bars are barred.
    outbox.add(connection, [key for batch in batches for key in batch.deliveries])
    for batch in batches:
        batch.write_own(connection)
    inbox.note_seen(connection, [one for batch in batches for one in batch.seen])
    inbox.remove(connection, [row for batch in batches for row in batch.inbox])
