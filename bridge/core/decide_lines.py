"""The rules for lines: who may write, edit and remove what, and how soon after the last one."""

from __future__ import annotations

import math

import msgspec

from bridge.core.decisions import Append, Decision, Drop, Rights, forbidden, from_web, relayed_to, unwanted
from bridge.core.items import Submission
from bridge.core.rights import in_slow_mode, standing
from bridge.core.state import Draft, Target
from bridge.model.errors import Refused
from bridge.model.events import Edited, Event, Removed, Said
from bridge.text.names import clean

TEXT_BYTES = 16_384


def said(draft: Draft, event: Event, content: Said, rights: Rights) -> Decision:
    """Decide a new line."""
    if from_web(event):
        if (refusal := _may_say(draft, event, content, rights)) is not None:
            return refusal
    elif (drop := unwanted(draft, event)) is not None:
        return drop
    if not content.text and not content.html:
        return Drop("an empty line")
    return Append(event, links=relayed_to(draft, event))


def _may_say(draft: Draft, event: Event, content: Said, rights: Rights) -> Refused | None:
    refusal = forbidden(draft, "say", event.who, rights) or check_text(content.text)
    if refusal is not None:
        return refusal
    if draft.room.access == "direct" and not draft.somebody_else_here(event.who):
        return Refused("person_gone", "Nobody is there any more who could read this.", status=409)
    return _slowed(draft, event, rights)


def check_text(text: str) -> Refused | None:
    """Return why a text is no line, or None."""
    # A name and a line are empty alike: nothing in it can be seen.
    if not clean(text):
        return Refused("empty_text", "Write something before you send.", field="content.text")
    if len(text.encode()) > TEXT_BYTES:
        return Refused(
            "text_too_long", f"A line may have {TEXT_BYTES} bytes: send it in parts.", field="content.text", status=413
        )
    return None


def _slowed(draft: Draft, event: Event, rights: Rights) -> Refused | None:
    """Refuse a line that comes too soon after the sender's last one, in a room where that counts."""
    room = draft.room
    if not room.slow_seconds or not in_slow_mode(standing(draft.member(event.who)), room, admin=rights.admin):
        return None
    last = draft.last_line_at(event.who)
    # A clock that was set back makes nobody wait longer than the room says.
    wait = 0 if last is None else min(last, event.at) + room.slow_seconds * 1_000 - event.at
    if wait <= 0:
        return None
    seconds = math.ceil(wait / 1_000)
    return Refused(
        "slow_mode",
        f"This room takes a line every {room.slow_seconds} seconds: write again in {seconds} s.",
        status=429,
        retry_after=seconds,
    )


def about_another(draft: Draft, submission: Submission, rights: Rights) -> Decision:
    """Decide an edit or a removal."""
    event, content = submission.event, submission.event.content
    assert isinstance(content, Edited | Removed)
    target = draft.target(submission.target or content.target)
    web = from_web(event)
    if target is None:
        return Refused("no_such_event", "There is no such line here.", status=404) if web else Drop("target unknown")
    if not isinstance(target.content, Said) or target.removed:
        return Refused("not_changeable", "That line cannot be changed.", status=409) if web else Drop("target is gone")
    against = _no_edit(draft, event, content, target, rights) if isinstance(content, Edited) else None
    if isinstance(content, Removed) and web:
        against = _no_removal(draft, event, target, rights)
    if against is not None:
        return against
    event = msgspec.structs.replace(event, content=msgspec.structs.replace(content, target=target.id))
    return Append(event, links=relayed_to(draft, event), target=target)


def _no_edit(draft: Draft, event: Event, content: Edited, target: Target, rights: Rights) -> Refused | Drop | None:
    own = target.who == event.who
    if not from_web(event):
        return unwanted(draft, event) if own else Drop("an edit by someone else")
    if not own:
        return Refused("not_yours", "Only its author may edit a line.", status=403)
    return forbidden(draft, "edit_own", event.who, rights) or check_text(content.text)


def _no_removal(draft: Draft, event: Event, target: Target, rights: Rights) -> Refused | None:
    """A removal that comes from another network is a fact: it is taken even where nothing new is."""
    if target.who == event.who:
        return forbidden(draft, "remove_own", event.who, rights)
    refusal = forbidden(draft, "remove_other", event.who, rights)
    if refusal is None or refusal.reason_code != "not_allowed":
        return refusal
    return Refused("not_yours", "Only its author or a moderator may remove a line.", status=403)
