"""Why: what became of one event, told from the tables; and dead letters, listed, replayed, dropped."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from bridge.core.hub import Hub
from bridge.model.deliveries import Delivery, DeliveryKey
from bridge.model.events import Entry, Origin
from bridge.model.ids import LinkId, RoomId
from bridge.model.rooms import Link
from bridge.store import inbox, log, outbox, rooms


class Fate(msgspec.Struct, frozen=True):
    """What became of an event on one link."""

    network: str
    chat: str
    part: int
    state: str
    reason: str
    remote_id: str | None
    attempts: int
    lane_waits_for: str


class Account(msgspec.Struct, frozen=True):
    """All that is known of an event: `where` is `log`, `inbox`, `quarantine` or `dropped`."""

    where: str
    origin: Origin
    room: str = ""
    seq: int = 0
    id: str = ""
    kind: str = ""
    detail: str = ""
    fates: list[Fate] = []


class DeadLetter(msgspec.Struct, frozen=True):
    """A delivery that failed for good; `letter` names it in commands."""

    letter: str
    room: str
    network: str
    kind: str
    reason: str
    at: int


async def why(hub: Hub, reference: str) -> list[Account]:
    """Return what is known of `reference`: an event's ID here or on a network, or `ROOM:SEQ`."""

    def unit(connection: Connection) -> list[Account]:
        found = [_in_log(connection, hub, entry) for entry in _entries(connection, reference)]
        rows, dropped = inbox.find(connection, reference)
        for network, row in rows:
            where = "quarantine" if row.quarantined else "inbox"
            detail = row.quarantined or f"begun {row.attempts} times"
            found.append(Account(where, Origin(network, row.chat, row.origin), detail=detail))
        found += [Account("dropped", origin, detail=reason) for origin, _, reason in dropped]
        return found

    return await hub.db.read(unit)


def _entries(connection: Connection, reference: str) -> list[Entry]:
    room, _, seq = reference.rpartition(":")
    if room and seq.isdigit():
        entry = log.entry(connection, RoomId(room), int(seq))
        if entry is not None:
            return [entry]
    found = log.search_reference(connection, reference)
    for delivery in outbox.by_any_remote(connection, reference):
        entry = log.entry(connection, delivery.key.room, delivery.key.seq)
        if entry is not None:
            found.append(entry)
    return found


def _in_log(connection: Connection, hub: Hub, entry: Entry) -> Account:
    event = entry.event
    links = {link.id: link for link in rooms.links_of(connection, event.room)}
    parts = outbox.of_page(connection, event.room, entry.seq, entry.seq).get(entry.seq, [])
    detail = "removed" if entry.removed_at is not None else ("edited" if entry.edited_at is not None else "")
    return Account(
        where="log",
        origin=event.origin,
        room=event.room,
        seq=entry.seq,
        id=event.id,
        kind=event.kind,
        detail=detail,
        fates=[_fate(hub, part, links[part.key.link]) for part in parts],
    )


def _fate(hub: Hub, part: Delivery, link: Link) -> Fate:
    return Fate(
        network=link.network,
        chat=link.chat,
        part=part.key.part,
        state=part.state,
        reason=part.reason,
        remote_id=part.remote_id,
        attempts=part.attempts,
        lane_waits_for=hub.lane_waits_for(link.id) if part.state in ("waiting", "sending") else "",
    )


async def dead_letters(hub: Hub, room: RoomId | None = None) -> list[DeadLetter]:
    """Return the dead letters, oldest first."""

    def unit(connection: Connection) -> list[DeadLetter]:
        letters = []
        for delivery in outbox.dead(connection, room):
            key = delivery.key
            entry, link = log.entry(connection, key.room, key.seq), rooms.link(connection, key.link)
            letters.append(
                DeadLetter(
                    letter=f"{key.link}:{key.seq}:{key.part}",
                    room=key.room,
                    network=link.network if link else "",
                    kind=entry.event.kind if entry else "",
                    reason=delivery.reason,
                    at=delivery.updated_at,
                )
            )
        return letters

    return await hub.db.read(unit)


def parse_letter(letter: str) -> tuple[LinkId, int, int] | None:
    """Return the link, number and part that a dead letter's name means, or None."""
    link, _, rest = letter.partition(":")
    seq, _, part = rest.partition(":")
    return (LinkId(link), int(seq), int(part or "0")) if link and seq.isdigit() and (part or "0").isdigit() else None


async def replay(hub: Hub, letter: str) -> bool:
    """Put a dead letter back into its lane, with its present content; return whether there is one."""
    key = await _key(hub, letter)
    if key is None or not await hub.db.write(lambda connection: outbox.revive(connection, key)):
        return False
    await hub.wake_room(key.room)
    return True


async def drop(hub: Hub, letter: str) -> bool:
    """Give a dead letter up for good; return whether there is one."""
    key = await _key(hub, letter)
    return key is not None and await hub.db.write(lambda connection: outbox.give_up(connection, key))


async def _key(hub: Hub, letter: str) -> DeliveryKey | None:
    parsed = parse_letter(letter)
    if parsed is None:
        return None
    link_id, seq, part = parsed
    link = await hub.db.read(lambda connection: rooms.link(connection, link_id))
    return None if link is None else DeliveryKey(link_id, link.room, seq, part)
