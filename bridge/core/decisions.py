"""What the rules of a room answer, and what they need to know of the one who asks."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import TypeAlias

from bridge.core.rights import Action, refusal, standing
from bridge.core.state import Draft, Target
from bridge.model.errors import Refused
from bridge.model.events import Event, Origin
from bridge.model.ids import WEB, LinkId, NetworkId, PersonId
from bridge.model.people import Member
from bridge.model.rooms import Link


@dataclass(frozen=True, slots=True)
class Rights:
    """What the rules need to know beyond the room: the person's home and standing, and the names of admins."""

    admin: bool = False
    reserved: Container[str] = frozenset()
    hint: str = ""
    home: NetworkId = WEB
    guest: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class Append:
    """Give the event a number. `member` is somebody's new place (the sender's, or of whom it is about), `links`
    where it is relayed to, `described` the links whose chat is already known to show the room's new description."""

    event: Event
    links: tuple[LinkId, ...] = ()
    member: Member | None = None
    target: Target | None = None
    described: tuple[LinkId, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """Take no number; the reason is kept."""

    reason: str


Decision: TypeAlias = Append | Drop | Refused


def forbidden(draft: Draft, action: Action, person: PersonId, rights: Rights) -> Refused | None:
    """Return why a person may not do `action` in the room, or None where they may."""
    return refusal(action, standing(draft.member(person)), draft.room, admin=rights.admin)


def unwanted(draft: Draft, event: Event) -> Drop | None:
    """Return why something new from another network is left out here, or None: there nobody asks before."""
    if draft.room.archived:
        return Drop("the room is archived")
    member = draft.member(event.who)
    if member is not None and member.role == "muted":
        return Drop("muted here")
    return None


def from_web(event: Event) -> bool:
    """Tell whether a person of the page does it, who can be told why not."""
    return event.origin.network == WEB


def is_from(link: Link, origin: Origin) -> bool:
    """Tell whether something comes from the chat of a link."""
    return link.network == origin.network and link.chat == origin.chat


def relayed_to(draft: Draft, event: Event) -> tuple[LinkId, ...]:
    """Return every link but the one that the event came from."""
    return tuple(link.id for link in draft.links.values() if not is_from(link, event.origin))
