"""What a lane does with its next delivery, as one pure function: every rule of folding and dependents."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from bridge.core.wording import word
from bridge.model.capabilities import Capabilities
from bridge.model.deliveries import Delivery, DeliveryState, Wording
from bridge.model.events import Edited, Entry, Removed, Said
from bridge.model.people import Member


class Send(msgspec.Struct, frozen=True):
    """Send this part. `parts` are the wordings of the whole event, where it takes more than one."""

    wording: Wording | None
    version: int
    target: str | None = None
    parts: int = 1


class End(msgspec.Struct, frozen=True):
    """There is nothing to send: the delivery ends in this state."""

    state: DeliveryState
    reason: str


Step: TypeAlias = Send | End


class About(msgspec.Struct, frozen=True):
    """What an edit or removal is about: the target's entry, its deliveries on this link, and its own
    network's ID for it when it came from this link's chat."""

    entry: Entry
    parts: list[Delivery]
    remote: str | None
    edit_number: int = 0


def plan(
    delivery: Delivery, entry: Entry, sender: Member, can: Capabilities, about: About | None
) -> Step:
    """Decide what becomes of one delivery now. Pure."""
    content = entry.event.content
    if isinstance(content, Edited) and about is not None:
        return _edit(delivery, content, entry, sender, can, about)
    if isinstance(content, Removed) and about is not None:
        return _removal(delivery, can, about)
    if entry.removed_at is not None:
        return End("cancelled", "removed before it was sent")
    if isinstance(entry.present, Said):
        return _line(delivery, entry.present, entry.version, sender, can)
    return End("skipped", "not for other networks")


def _line(delivery: Delivery, line: Said, version: int, sender: Member, can: Capabilities) -> Step:
    parts = word(line, sender, can)
    if delivery.key.part >= len(parts):
        return End("cancelled", "an edit made the line shorter")
    return Send(parts[delivery.key.part], version, parts=len(parts))


def _edit(
    delivery: Delivery, content: Edited, entry: Entry, sender: Member, can: Capabilities, about: About
) -> Step:
    if entry.removed_at is not None or about.entry.removed_at is not None:
        return End("cancelled", "the line was removed")
    if (refusal := _unsent(about)) is not None:
        return refusal
    if about.parts and all(part.version >= about.edit_number for part in about.parts if part.state == "sent"):
        return End("folded", "contained in the line as it was sent")
    line = Said(text=content.text, html=content.html, style=content.style)
    if not can.edits:
        parts = word(line, sender, can, corrected=True)
        if delivery.key.part >= len(parts):
            return End("cancelled", "shorter than before")
        return Send(parts[delivery.key.part], about.edit_number, parts=len(parts))
    old = _remote_parts(about)
    parts = word(line, sender, can)
    part = delivery.key.part
    if part >= max(len(old), len(parts)):
        return End("cancelled", "shorter than before")
    return Send(
        parts[part] if part < len(parts) else None,
        about.edit_number,
        target=old[part] if part < len(old) else None,
        parts=max(len(old), len(parts)),
    )


def _removal(delivery: Delivery, can: Capabilities, about: About) -> Step:
    if (refusal := _unsent(about)) is not None:
        return refusal
    if not can.removals:
        return End("skipped", "the network cannot take lines back")
    old = _remote_parts(about)
    if delivery.key.part >= len(old):
        return End("skipped", "the network gave the line no ID")
    return Send(None, 0, target=old[delivery.key.part], parts=len(old))


def _unsent(about: About) -> End | None:
    """Return how a dependent ends whose target is not there, or None when it is."""
    if about.remote is not None:
        return None
    states = {part.state for part in about.parts}
    if "sent" in states:
        return None
    if "dead" in states:
        return End("skipped", "target failed")
    return End("folded", "its line was not sent")


def _remote_parts(about: About) -> list[str]:
    if about.remote is not None:
        return [about.remote]
    return [part.remote_id for part in about.parts if part.state == "sent" and part.remote_id is not None]
