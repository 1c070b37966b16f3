"""What a lane reads for each delivery, and the request that it makes of it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from bridge.core.plan import About, Earlier, Send
from bridge.model.deliveries import Delivery, DeliveryKey, Outgoing
from bridge.model.events import Edited, Entry, Removed, Said
from bridge.model.people import Member
from bridge.model.rooms import Link
from bridge.store import log, outbox


class LaneRow(msgspec.Struct):
    """A delivery with what is needed to plan it; `marked` tells that this process wrote it as sending, `left` that a
    request of it may have left since."""

    delivery: Delivery
    entry: Entry
    about: About | None
    marked: bool = False
    left: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """Return the number of the event and of the part: the delivery's name within its lane."""
        return self.delivery.key.seq, self.delivery.key.part

    def concerns(self, numbers: set[int]) -> bool:
        """Tell whether the row's own event, or the one that it is about, is among these numbers."""
        return self.entry.seq in numbers or (self.about is not None and self.about.entry.seq in numbers)


def load(connection: Connection, link: Link, limit: int) -> list[LaneRow]:
    """Return the first pending deliveries of a link, in order."""
    waiting = outbox.pending(connection, link.id, limit=limit)
    entries = log.entries(connection, link.room, {delivery.key.seq for delivery in waiting})
    return [LaneRow(d, entries[d.key.seq], _about(connection, link, entries[d.key.seq])) for d in waiting]


def load_one(connection: Connection, link: Link, key: DeliveryKey) -> LaneRow:
    """Return one delivery as it is now."""
    delivery = next(part for part in outbox.parts(connection, link.id, key.seq) if part.key.part == key.part)
    entry = log.entry(connection, link.room, key.seq)
    assert entry is not None
    return LaneRow(delivery, entry, _about(connection, link, entry))


def _about(connection: Connection, link: Link, entry: Entry) -> About | None:
    content = entry.event.content
    if not isinstance(content, Edited | Removed):
        return None
    target = log.by_id(connection, content.target)
    if target is None or target.seq == entry.seq:
        return None
    number = log.version_of_edit(connection, link.room, target.seq, entry.seq) if isinstance(content, Edited) else 0
    earlier = [
        Earlier(
            content=edit.event.content if isinstance(edit.event.content, Edited) else None,
            parts=outbox.parts(connection, link.id, edit.seq),
            remote=_id_there(link, edit),
        )
        for edit in log.edits_before(connection, link.room, target.seq, entry.seq)
    ]
    return About(
        entry=target,
        parts=outbox.parts(connection, link.id, target.seq),
        remote=_id_there(link, target),
        edit_number=number,
        earlier=earlier,
    )


def _id_there(link: Link, entry: Entry) -> str | None:
    """Return what the link's chat calls an event that came from it, None for every other event."""
    origin = entry.event.origin
    return origin.id if origin.network == link.network and origin.chat == link.chat else None


def outgoing(link: Link, row: LaneRow, sender: Member, step: Send) -> Outgoing:
    """Return the request for one step."""
    event = row.entry.event
    content = event.content
    if not isinstance(content, Edited | Removed):
        content = row.entry.present if isinstance(row.entry.present, Said) else Said(text="")
    return Outgoing(
        key=row.delivery.key,
        link=link,
        sender=sender,
        at=event.at,
        origin=event.origin,
        hops=event.hops + 1,
        version=step.version,
        content=content,
        wording=step.wording,
        target=step.target,
    )


def probe(link: Link, row: LaneRow, sender: Member) -> Outgoing:
    """Return a request without words, good only to look for whether the real one arrived."""
    return outgoing(link, row, sender, Send(None, row.delivery.version))
