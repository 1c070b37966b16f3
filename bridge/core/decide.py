"""Every rule of the room, as one pure function from a draft and a submission to a decision."""

from __future__ import annotations

from bridge.core.decide_lines import TEXT_BYTES, about_another, said
from bridge.core.decide_people import joined, left, profiled, ranked
from bridge.core.decide_settings import NAME_CHARS, SLOW_MOST, TOPIC_CHARS, configured, described
from bridge.core.decisions import Append, Decision, Drop, Rights, from_web
from bridge.core.items import Submission
from bridge.core.state import Draft
from bridge.model.errors import Refused
from bridge.model.events import (
    Configured,
    Described,
    Edited,
    Joined,
    Left,
    Profiled,
    Ranked,
    Removed,
    Said,
    Told,
)

__all__ = [
    "MAX_HOPS",
    "NAME_CHARS",
    "SLOW_MOST",
    "TEXT_BYTES",
    "TOPIC_CHARS",
    "Append",
    "Decision",
    "Drop",
    "Rights",
    "decide",
]
MAX_HOPS = 8


def decide(draft: Draft, submission: Submission, rights: Rights) -> Decision:
    """Decide one submission on `draft`, which is not changed. `rights` are those of the one who does it
    (`submission.actor`). Pure; raises nothing for any event."""
    event = submission.event
    if event.hops > MAX_HOPS:
        return Drop("relayed too often: a loop")
    if draft.room.deleted:
        if from_web(event):
            return Refused("no_such_room", "There is no such room.", status=404)
        return Drop("the room is deleted")
    content = event.content
    match content:
        case Said():
            return said(draft, event, content, rights)
        case Edited() | Removed():
            return about_another(draft, submission, rights)
        case Joined():
            return joined(draft, submission, content, rights)
        case Left():
            return left(draft, event, content, rights)
        case Profiled():
            return profiled(draft, event, content, rights)
        case Described():
            return described(draft, event, content, rights)
        case Configured():
            return configured(draft, event, content, rights)
        case Ranked():
            return ranked(draft, event, content, rights)
        case Told():
            return Append(event)
