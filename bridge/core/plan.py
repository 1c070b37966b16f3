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


class Earlier(msgspec.Struct, frozen=True):
    """An edit of the same line that came before: its words (None once erased), its deliveries on this link, and
    its own network's ID when it came from this link's chat."""

    content: Edited | None
    parts: list[Delivery]
    remote: str | None = None


class About(msgspec.Struct, frozen=True):
    """What an edit or removal is about: the target's entry, its deliveries on this link, and its own
    network's ID for it when it came from this link's chat."""

    entry: Entry
    parts: list[Delivery]
    remote: str | None
    edit_number: int = 0
    earlier: list[Earlier] = []


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


def as_line(edit: Edited) -> Said:
    """Return the line that an edit makes of its target."""
    return Said(text=edit.text, html=edit.html, style=edit.style)


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
    if about.entry.version > about.edit_number:
        # Sent after the later one (a dead letter that is replayed) it would bring old words back.
        return End("folded", "a later edit follows")
    old = _shown_parts(about, sender, can) if can.edits else []
    parts = word(as_line(content), sender, can, corrected=not can.edits)
    part = delivery.key.part
    target = old[part] if part < len(old) else None
    if part >= len(parts) and target is None:
        return End("cancelled", "shorter than before")
    return Send(
        parts[part] if part < len(parts) else None,
        about.edit_number,
        target=target,
        parts=max(len(old), len(parts)),
    )


def _removal(delivery: Delivery, can: Capabilities, about: About) -> Step:
    if (refusal := _unsent(about)) is not None:
        return refusal
    if not can.removals:
        return End("skipped", "the network cannot take lines back")
    everything = _all_parts(about)
    if delivery.key.part >= len(everything):
        return End("skipped", "the network gave the line no ID")
    return Send(None, 0, target=everything[delivery.key.part], parts=len(everything))


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


def _shown_parts(about: About, sender: Member, can: Capabilities) -> list[str | None]:
    """Return the messages that the line consists of now, after the edits before this one: an edit that needed more
    parts has added some, one that needed fewer has taken some back (None)."""
    shown: list[str | None] = list(_line_parts(about))
    for edit in about.earlier:
        words = len(word(as_line(edit.content), sender, can)) if edit.content is not None else 0
        for sent in edit.parts:
            part = sent.key.part
            if sent.state != "sent":
                continue
            if part >= len(shown):
                shown.append(sent.remote_id)
            elif part >= words:
                shown[part] = None
            elif shown[part] is None:
                shown[part] = sent.remote_id
    return shown


def _all_parts(about: About) -> list[str]:
    """Return every message that holds words of the line, its edits too: they can be read by themselves."""
    found = _line_parts(about)
    for edit in about.earlier:
        if edit.remote is not None:
            found.append(edit.remote)
        else:
            found += _sent_ids(edit.parts)
    return found


def _line_parts(about: About) -> list[str]:
    return [about.remote] if about.remote is not None else _sent_ids(about.parts)


def _sent_ids(parts: list[Delivery]) -> list[str]:
    return [part.remote_id for part in parts if part.state == "sent" and part.remote_id is not None]
