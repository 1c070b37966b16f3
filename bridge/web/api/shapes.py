"""The JSON shapes of the API: rooms, members, lines, deliveries, accounts (see docs/api.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.ports import Health, Line, LinkView, NetworkStatus, RoomSnapshot
from bridge.model.deliveries import Delivery, DeliveryState
from bridge.model.events import Content, Described, Edited, Entry, Joined, Profiled, Said, kind_of
from bridge.model.ids import MATRIX, LinkId, NetworkId, PersonId, RoomId
from bridge.model.people import Member, Person, Role
from bridge.model.rooms import Access, History, LinkState, Room
from bridge.store.accounts import Account


class AccountShape(msgspec.Struct):
    """An account as its owner sees it; a guest has no `name`. `avatar` is a path on this server, or empty."""

    id: str
    name: str
    display_name: str
    person: str
    kind: str
    admin: bool
    avatar: str


class LinkShape(msgspec.Struct):
    """A chat on another network that is the room too; `address` is what people there call it."""

    network: str
    state: LinkState
    address: str


class OtherShape(msgspec.Struct):
    """Somebody with an account here, whom one can write to; `avatar` is a path on this server, or empty."""

    id: str
    name: str
    avatar: str


class RoomShape(msgspec.Struct, kw_only=True):
    """A room as one visitor sees it; `alias` is its whole Matrix alias, or empty, `avatar` a path or empty."""

    id: str
    slug: str
    name: str
    topic: str
    avatar: str
    alias: str
    access: Access
    history: History
    slow_seconds: int
    archived: bool
    joined: bool
    role: Role | None = None
    members: int
    links: list[LinkShape]
    last_seq: int
    marker: int = 0
    unread: int = 0
    mentions: int = 0
    can: list[str] = []
    direct_with: OtherShape | UnsetType = UNSET


class MemberShape(msgspec.Struct):
    """Someone in a room; `network` is where they come from, `avatar` a path on this server, or empty."""

    id: str
    name: str
    network: str
    role: Role
    avatar: str


class AuthorShape(msgspec.Struct):
    """Who did something: the person, the name that is shown now, and where the person comes from."""

    id: str
    name: str
    network: str


class DeliveryShape(msgspec.Struct, kw_only=True):
    """What became of a line, or a part of it, on one other network."""

    seq: int | UnsetType = UNSET
    link: str
    network: str
    part: int
    state: DeliveryState
    reason: str | UnsetType = UNSET
    remote_id: str | UnsetType = UNSET


class LineShape(msgspec.Struct, kw_only=True):
    """An event of the log; what `content` holds depends on `kind`."""

    seq: int
    id: str
    kind: str
    who: AuthorShape
    at: int
    content: dict[str, Any]
    edited_at: int | UnsetType = UNSET
    removed: bool | UnsetType = UNSET
    deliveries: list[DeliveryShape]


class StatusShape(msgspec.Struct):
    """How a network is, since when."""

    network: str
    health: Health
    since: int


def account(of: Account, person: Person) -> AccountShape:
    """Return an account as its owner sees it."""
    return AccountShape(
        id=of.id,
        name="" if of.kind == "guest" else of.name,
        display_name=person.name,
        person=person.id,
        kind=of.kind,
        admin=of.admin,
        avatar=f"/api/v1/account/avatar?v={version(person.avatar)}" if person.avatar else "",
    )


def room(
    of: Room, links: Iterable[LinkView], *, members: int, joined: bool = False, role: Role | None = None
) -> RoomShape:
    """Return a room as one visitor sees it; `role` is theirs in it, None for one who is not there."""
    views = list(links)
    return RoomShape(
        id=of.id,
        slug=of.slug,
        name=of.name,
        topic=of.topic,
        avatar=f"/api/v1/rooms/{of.id}/avatar?v={version(of.avatar)}" if of.avatar else "",
        alias=next((view.address for view in views if view.link.network == MATRIX), ""),
        access=of.access,
        history=of.history,
        slow_seconds=of.slow_seconds,
        archived=of.archived_at is not None,
        joined=joined,
        role=role,
        members=members,
        links=[LinkShape(view.link.network, view.link.state, view.address) for view in views],
        last_seq=of.last_seq,
    )


def room_now(snapshot: RoomSnapshot, *, place: Member | None) -> RoomShape:
    """Return a room as it is now."""
    return room(
        snapshot.room,
        snapshot.links,
        members=len(snapshot.members),
        joined=place is not None,
        role=None if place is None else place.role,
    )


def named_after(of: RoomShape, person: Person | None) -> RoomShape:
    """Return a direct conversation under the name of the other one."""
    if person is not None:
        of.name, of.direct_with = person.name, other(person)
    return of


def other(of: Person) -> OtherShape:
    """Return somebody with an account here."""
    avatar = f"/api/v1/people/{of.id}/avatar?v={version(of.avatar)}" if of.avatar else ""
    return OtherShape(of.id, of.name, avatar)


def member(of: Member, place: RoomId) -> MemberShape:
    """Return someone in a room."""
    return MemberShape(of.person, of.shown, of.home, of.role, _member_avatar(place, of.person, of.avatar))


def _member_avatar(place: RoomId, person: PersonId, reference: str) -> str:
    return f"/api/v1/rooms/{place}/members/{person}/avatar?v={version(reference)}" if reference else ""


def line(of: Line, networks: dict[LinkId, NetworkId], *, raw: bool = False) -> LineShape:
    """Return a line of the log: as it reads now, or with `raw` as it was said."""
    entry = of.entry
    kind, content = _content(entry, raw=raw)
    return LineShape(
        seq=entry.seq,
        id=entry.event.id,
        kind=kind,
        who=AuthorShape(of.who.person, of.who.shown, of.who.home),
        at=entry.event.at,
        content=content,
        edited_at=entry.edited_at if entry.edited_at is not None and not raw else UNSET,
        removed=True if entry.removed_at is not None else UNSET,
        deliveries=[delivery(each, networks) for each in of.deliveries],
    )


def _content(entry: Entry, *, raw: bool) -> tuple[str, dict[str, Any]]:
    if entry.erased:
        return entry.erased, {"text": "", "style": "text"}
    original = entry.event.content
    present = original if raw or entry.present is None else entry.present
    fields = _fields(present)
    # References to pictures mean nothing outside: a person's becomes an address, the room's a mark.
    if isinstance(present, Joined | Profiled) and present.avatar:
        fields["avatar"] = _member_avatar(entry.event.room, entry.event.who, present.avatar)
    elif isinstance(present, Described) and present.avatar is not None:
        fields["avatar"] = bool(present.avatar)
    return kind_of(original), fields


def _fields(content: Content) -> dict[str, Any]:
    """Return what a content says; what is empty is left out, but for the text, its style and names."""
    fields: dict[str, Any] = msgspec.structs.asdict(content)
    always = ("text", "style") if isinstance(content, Said | Edited) else ("name", "topic", "how", "key", "values")
    return {name: value for name, value in fields.items() if value is not None and (value != "" or name in always)}


def delivery(of: Delivery, networks: dict[LinkId, NetworkId], *, numbered: bool = False) -> DeliveryShape:
    """Return what became of a line (or a part of it) on one link; `numbered` adds the line's number."""
    return DeliveryShape(
        seq=of.key.seq if numbered else UNSET,
        link=of.key.link,
        network=networks.get(of.key.link, ""),
        part=of.key.part,
        state=of.state,
        reason=of.reason or UNSET,
        remote_id=UNSET if of.remote_id is None else of.remote_id,
    )


def status(of: NetworkStatus) -> StatusShape:
    """Return how a network is, without what is for operators only."""
    return StatusShape(of.network, of.health, of.since)


def version(reference: str) -> str:
    """Return a short name for one state of a picture: addresses that hold it may be cached for long."""
    return hashlib.sha256(reference.encode()).hexdigest()[:12]
