"""The rules for people: coming, going, being sent away, names, roles."""

from __future__ import annotations

import msgspec

from bridge.core.decisions import Append, Decision, Drop, Rights, forbidden, from_web
from bridge.core.items import Submission
from bridge.core.rights import archived, may_kick, may_rank, standing
from bridge.core.state import Draft
from bridge.model.errors import Refused
from bridge.model.events import Event, Joined, Left, Profiled, Ranked
from bridge.model.ids import PersonId
from bridge.model.people import Member, Role
from bridge.text.names import clean, distinct, skeleton

DIGITS = "0123456789"


def joined(draft: Draft, submission: Submission, content: Joined, rights: Rights) -> Decision:
    """Decide that somebody comes in. What another network says of its own chat is a fact."""
    event = submission.event
    before = draft.member(event.who)
    if before is not None and before.joined:
        # A join of someone who is here already says at most a new name.
        profile = Profiled(content.name, content.avatar)
        return profiled(draft, msgspec.structs.replace(event, content=profile), profile, rights)
    if from_web(event) and (refusal := _may_come(draft, submission, before, rights)) is not None:
        return refusal
    role = _first_role(draft, event.who, before, rights)
    member = _place(draft, event.who, content.name, content.avatar, role, rights)
    return Append(
        msgspec.structs.replace(event, content=Joined(member.shown, member.avatar)),
        member=member,
    )


def _may_come(draft: Draft, submission: Submission, before: Member | None, rights: Rights) -> Refused | None:
    room, who = draft.room, submission.event.who
    if not rights.active:
        return Refused("no_such_person", "There is no such person.", status=404)
    if room.archived:
        # Who holds an invite may know that the room is there.
        return archived() if submission.admitted else forbidden(draft, "join", who, rights)
    founding = before is None and room.last_seq == 0 and room.creator == who
    if submission.admitted or founding:
        return None
    if rights.guest:
        return Refused("guests_invited_only", "A guest comes in with an invite that takes guests.", status=403)
    return forbidden(draft, "join", who, rights)


def _first_role(draft: Draft, person: PersonId, before: Member | None, rights: Rights) -> Role:
    """Return the role of somebody who comes in: the one that they had, so that leaving unmutes nobody."""
    if rights.guest:
        return "muted" if before is not None and before.role == "muted" else "guest"
    if before is not None:
        return "member" if before.role == "guest" else before.role
    room = draft.room
    return "owner" if room.creator == person and room.access != "direct" else "member"


def _place(draft: Draft, person: PersonId, name: str, avatar: str, role: Role, rights: Rights) -> Member:
    cleaned = clean(name)
    taken, hint = _Taken(draft, person, rights), rights.hint or person
    if _borrows_a_hint(cleaned, hint, taken):
        cleaned_and_own = f"{cleaned} ({hint})"
        shown = distinct(cleaned_and_own, taken, hint)
    else:
        shown = distinct(cleaned, taken, hint)
    return Member(
        person=person, home=rights.home, name=cleaned, shown=shown, avatar=avatar, role=role, guest=rights.guest
    )


def _borrows_a_hint(name: str, hint: str, taken: _Taken) -> bool:
    """Tell whether a name ends like one that was made distinct for somebody else: `Ada (ada)` beside Ada, or
    any `… (@someone:server)`."""
    bare, opened, mark = name.removesuffix(")").rpartition("(")
    own = mark.rstrip(DIGITS).rstrip()  # `distinct` puts a number behind the hint where that is taken too
    if not opened or not name.endswith(")") or skeleton(hint) in (skeleton(mark), skeleton(own)):
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


def left(draft: Draft, event: Event, content: Left, rights: Rights) -> Decision:
    """Decide that somebody goes, or is sent away by `content.by`."""
    member = draft.member(event.who)
    web = from_web(event)
    if web and content.by is not None and content.by != event.who:
        return _kicked(draft, event, content.by, member, rights)
    if member is None or not member.joined:
        if web:
            return Refused("not_in_room", "You are not in this room.", status=409)
        return Drop("was not in the room")
    if web and (refusal := forbidden(draft, "leave", event.who, rights)) is not None:
        return refusal
    return Append(event, member=msgspec.structs.replace(member, joined=False))


def _kicked(draft: Draft, event: Event, by: PersonId, member: Member | None, rights: Rights) -> Decision:
    if (refusal := forbidden(draft, "kick", by, rights)) is not None:
        return refusal
    if member is None or not member.joined:
        return _not_here()
    if not may_kick(standing(draft.member(by)), member.role, admin=rights.admin):
        return _too_high()
    # Who comes back is nobody special, and muted as before.
    role: Role = member.role if member.role in ("muted", "guest") else "member"
    return Append(event, member=msgspec.structs.replace(member, joined=False, role=role))


def ranked(draft: Draft, event: Event, content: Ranked, rights: Rights) -> Decision:
    """Decide that `event.who` gives somebody another role."""
    if not from_web(event):
        return Drop("roles are given here")
    if (refusal := forbidden(draft, "rank", event.who, rights)) is not None:
        return refusal
    member = draft.member(content.person)
    if member is None or not member.joined:
        return _not_here()
    if member.role == content.role:
        return Drop("nothing new")
    if member.guest != (content.role == "guest") and content.role != "muted":
        return Refused("bad_field", "A guest is `guest` or `muted`, and nobody else is `guest`.", field="role")
    if not may_rank(standing(draft.member(event.who)), member.role, content.role, admin=rights.admin):
        return _too_high()
    if member.role == "owner" and not draft.another_owner(member.person):
        return Refused("last_owner", "Make somebody else an owner of the room first.", field="role", status=409)
    told = msgspec.structs.replace(content, name=member.shown)
    return Append(
        msgspec.structs.replace(event, content=told), member=msgspec.structs.replace(member, role=content.role)
    )


def _not_here() -> Refused:
    return Refused("no_such_member", "This person is not in the room.", field="person", status=404)


def _too_high() -> Refused:
    return Refused(
        "outranked", "Only people and roles below your own are yours to change.", field="role", status=403
    )


def profiled(draft: Draft, event: Event, content: Profiled, rights: Rights) -> Decision:
    """Decide that somebody has a new name or picture."""
    before = draft.member(event.who)
    if before is None or not before.joined:
        return Drop("not in the room")
    if draft.room.archived:
        return Drop("the room is archived")
    placed = _place(draft, event.who, content.name, content.avatar, before.role, rights)
    member = msgspec.structs.replace(placed, joined_seq=before.joined_seq)
    if member == before:
        return Drop("nothing new")
    told = Profiled(member.shown, member.avatar, was=before.shown if before.shown != member.shown else "")
    return Append(msgspec.structs.replace(event, content=told), member=member)
