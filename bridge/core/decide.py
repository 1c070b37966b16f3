"""Every rule of the room, as one pure function from a draft and a submission to a decision."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from bridge.core.items import Submission
from bridge.core.state import Draft, Target
from bridge.model.errors import Refused
from bridge.model.events import Described, Edited, Event, Joined, Left, Origin, Profiled, Removed, Said, Told
from bridge.model.ids import WEB, LinkId, NetworkId, PersonId
from bridge.model.people import Member, Role
from bridge.model.rooms import Link
from bridge.text.names import clean, distinct, skeleton

MAX_HOPS = 8
TEXT_BYTES = 16_384
NAME_CHARS = 80
TOPIC_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Rights:
    """What the rules need to know beyond the room: the person's home and standing, and the names of admins."""

    admin: bool = False
    reserved: Container[str] = frozenset()
    hint: str = ""
    home: NetworkId = WEB


@dataclass(frozen=True, slots=True)
class Append:
    """Give the event a number. `member` is the sender's new place, `links` where it is relayed to,
    `described` the links whose chat is already known to show the room's new description."""

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


def decide(draft: Draft, submission: Submission, rights: Rights) -> Decision:
    """Decide one submission on `draft`, which is not changed. Pure; raises nothing for any event."""
    event = submission.event
    if event.hops > MAX_HOPS:
        return Drop("relayed too often: a loop")
    content = event.content
    match content:
        case Said():
            return _said(draft, event, content)
        case Edited() | Removed():
            return _about_another(draft, submission, rights)
        case Joined():
            return _joined(draft, event, content, rights)
        case Left():
            return _left(draft, event, content)
        case Profiled():
            return _profiled(draft, event, content, rights)
        case Described():
            return _described(draft, event, content, rights)
        case Told():
            return Append(event)


def _said(draft: Draft, event: Event, content: Said) -> Decision:
    if event.origin.network == WEB:
        if not draft.joined(event.who):
            return Refused("not_in_room", "Join the room before you write in it.", status=403)
        if (refusal := _check_text(content.text)) is not None:
            return refusal
    if not content.text and not content.html:
        return Drop("an empty line")
    return Append(event, links=_relayed_to(draft, event))


def _check_text(text: str) -> Refused | None:
    # A name and a line are empty alike: nothing in it can be seen.
    if not clean(text):
        return Refused("empty_text", "Write something before you send.", field="content.text")
    if len(text.encode()) > TEXT_BYTES:
        return Refused(
            "text_too_long", f"A line may have {TEXT_BYTES} bytes: send it in parts.", field="content.text", status=413
        )
    return None


def _about_another(draft: Draft, submission: Submission, rights: Rights) -> Decision:
    event = submission.event
    content = event.content
    assert isinstance(content, Edited | Removed)
    target = draft.target(submission.target or content.target)
    web = event.origin.network == WEB
    if target is None:
        return Refused("no_such_event", "There is no such line here.", status=404) if web else Drop("target unknown")
    if not isinstance(target.content, Said) or target.removed:
        return Refused("not_changeable", "That line cannot be changed.", status=409) if web else Drop("target is gone")
    if isinstance(content, Edited):
        if target.who != event.who:
            return (
                Refused("not_yours", "Only its author may edit a line.", status=403)
                if web
                else Drop("an edit by someone else")
            )
        if web and (refusal := _check_text(content.text)) is not None:
            return refusal
    elif web and target.who != event.who and not _moderates(draft, event.who, rights):
        return Refused("not_yours", "Only its author or a moderator may remove a line.", status=403)
    event = msgspec.structs.replace(event, content=msgspec.structs.replace(content, target=target.id))
    return Append(event, links=_relayed_to(draft, event), target=target)


def _moderates(draft: Draft, person: PersonId, rights: Rights) -> bool:
    member = draft.member(person)
    return rights.admin or (member is not None and member.joined and member.role in ("owner", "moderator"))


def _joined(draft: Draft, event: Event, content: Joined, rights: Rights) -> Decision:
    before = draft.member(event.who)
    if before is not None and before.joined:
        # A join of someone who is here already says at most a new name.
        profiled = Profiled(content.name, content.avatar)
        return _profiled(draft, msgspec.structs.replace(event, content=profiled), profiled, rights)
    role: Role = before.role if before is not None else ("owner" if draft.room.creator == event.who else "member")
    member = _place(draft, event.who, content.name, content.avatar, role, rights)
    return Append(
        msgspec.structs.replace(event, content=Joined(member.shown, member.avatar)),
        member=member,
    )


def _place(draft: Draft, person: PersonId, name: str, avatar: str, role: Role, rights: Rights) -> Member:
    cleaned = clean(name)
    taken, hint = _Taken(draft, person, rights), rights.hint or person
    if _borrows_a_hint(cleaned, hint, taken):
        cleaned_and_own = f"{cleaned} ({hint})"
        shown = distinct(cleaned_and_own, taken, hint)
    else:
        shown = distinct(cleaned, taken, hint)
    return Member(person=person, home=rights.home, name=cleaned, shown=shown, avatar=avatar, role=role)


def _borrows_a_hint(name: str, hint: str, taken: _Taken) -> bool:
    """Tell whether a name ends like one that was made distinct for somebody else: `Ada (ada)` beside Ada, or
    any `… (@someone:server)`."""
    bare, opened, mark = name.removesuffix(")").rpartition("(")
    if not opened or not name.endswith(")") or skeleton(mark) == skeleton(hint):
        return False
    return ("@" in mark and ":" in mark) or skeleton(clean(bare)) in taken


class _Taken:
    """The names that a person may not be shown under: those of other members and of admins."""

    def __init__(self, draft: Draft, person: PersonId, rights: Rights) -> None:
        self._draft = draft
        self._person = person
        self._rights = rights

    def __contains__(self, key: object) -> bool:
        assert isinstance(key, str)
        if not self._rights.admin and key in self._rights.reserved:
            return True
        return self._draft.name_is_taken(key, self._person)


def _left(draft: Draft, event: Event, content: Left) -> Decision:
    member = draft.member(event.who)
    if member is None or not member.joined:
        if event.origin.network == WEB:
            return Refused("not_in_room", "You are not in this room.", status=409)
        return Drop("was not in the room")
    return Append(event, member=msgspec.structs.replace(member, joined=False))


def _profiled(draft: Draft, event: Event, content: Profiled, rights: Rights) -> Decision:
    before = draft.member(event.who)
    if before is None or not before.joined:
        return Drop("not in the room")
    placed = _place(draft, event.who, content.name, content.avatar, before.role, rights)
    member = msgspec.structs.replace(placed, joined_seq=before.joined_seq)
    if member == before:
        return Drop("nothing new")
    told = Profiled(member.shown, member.avatar, was=before.shown if before.shown != member.shown else "")
    return Append(msgspec.structs.replace(event, content=told), member=member)


def _described(draft: Draft, event: Event, content: Described, rights: Rights) -> Decision:
    room = draft.room
    web = event.origin.network == WEB
    if web and not _moderates(draft, event.who, rights):
        return Refused("not_allowed", "Only the room's owner and moderators may change this.", status=403)
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
    return tuple(link.id for link in draft.links.values() if _is_from(link, origin))


def _is_from(link: Link, origin: Origin) -> bool:
    return link.network == origin.network and link.chat == origin.chat


def _relayed_to(draft: Draft, event: Event) -> tuple[LinkId, ...]:
    """Return every link but the one that the event came from."""
    return tuple(link.id for link in draft.links.values() if not _is_from(link, event.origin))
