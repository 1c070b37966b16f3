"""The rules for the room itself: how it is described and configured, and that it may be deleted."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.core.decisions import Append, Decision, Drop, Rights, forbidden, from_web, is_from, unwanted
from bridge.core.state import Draft
from bridge.model.errors import Refused
from bridge.model.events import Configured, Described, Event, Origin
from bridge.model.ids import LinkId, PersonId
from bridge.text.names import clean

NAME_CHARS = 80
TOPIC_CHARS = 1_000
SLOW_MOST = 6 * 3_600
"""The longest time between two lines that a room may ask for, in seconds."""


def described(draft: Draft, event: Event, content: Described, rights: Rights) -> Decision:
    """Decide a new name, topic or picture."""
    room = draft.room
    web = from_web(event)
    against = forbidden(draft, "describe", event.who, rights) if web else unwanted(draft, event)
    if against is not None:
        return against
    name = None if content.name is None else clean(content.name, limit=NAME_CHARS)
    topic = None if content.topic is None else content.topic.strip()[:TOPIC_CHARS]
    if name == "":
        return Refused("empty_name", "A room needs a name.", field="name") if web else Drop("an empty name")
    changes = {
        key: value
        for key, value in (("name", name), ("topic", topic), ("avatar", content.avatar))
        if value is not None and value != getattr(room, key)
    }
    if not changes:
        return Drop("nothing new")
    told = msgspec.structs.replace(event, content=Described(**changes))
    return Append(told, described=_showing(draft, event.origin))


def _showing(draft: Draft, origin: Origin) -> tuple[LinkId, ...]:
    return tuple(link.id for link in draft.links.values() if is_from(link, origin))


def configured(draft: Draft, event: Event, content: Configured, rights: Rights) -> Decision:
    """Decide new settings; other networks have no word in them."""
    if not from_web(event):
        return Drop("settings are made here")
    settings = content.access, content.history, content.slow_seconds
    refusal = forbidden(draft, "archive", event.who, rights) if content.archived is not None else None
    if refusal is None and any(each is not None for each in settings):
        refusal = forbidden(draft, "configure", event.who, rights)
    if refusal is None:
        refusal = _out_of_bounds(content)
    if refusal is not None:
        return refusal
    changes: dict[str, Any] = {
        key: value
        for key in ("access", "history", "slow_seconds", "archived")
        if (value := getattr(content, key)) is not None and value != getattr(draft.room, key)
    }
    if not changes:
        return Drop("nothing new")
    return Append(msgspec.structs.replace(event, content=Configured(**changes)))


def _out_of_bounds(content: Configured) -> Refused | None:
    if content.access == "direct":
        return Refused("bad_field", "access must be public or invite.", field="access")
    if content.slow_seconds is not None and not 0 <= content.slow_seconds <= SLOW_MOST:
        return Refused("bad_field", f"slow_seconds must be from 0 to {SLOW_MOST}.", field="slow_seconds")
    return None


def deletable(draft: Draft, person: PersonId, rights: Rights) -> Refused | None:
    """Return why a person may not delete the room, or None where they may."""
    return forbidden(draft, "delete", person, rights)
