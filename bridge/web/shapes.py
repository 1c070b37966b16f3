"""The JSON shapes of the API: rooms, members, lines, deliveries, accounts (see docs/api.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from bridge.core.ports import Line, LinkView, NetworkStatus, RoomSnapshot
from bridge.model.deliveries import Delivery
from bridge.model.events import Content, Described, Edited, Entry, Joined, Profiled, Said, kind_of
from bridge.model.ids import MATRIX, LinkId, NetworkId, PersonId, RoomId
from bridge.model.people import Member, Person
from bridge.model.rooms import Room
from bridge.store.accounts import Account


def account(of: Account, person: Person) -> dict[str, Any]:
    """Return an account as its owner sees it; `avatar` is a path on this server, or empty."""
    return {
        "id": of.id,
        "name": of.name,
        "display_name": person.name,
        "person": person.id,
        "admin": of.admin,
        "avatar": f"/api/v1/account/avatar?v={version(person.avatar)}" if person.avatar else "",
    }


def room(of: Room, links: Iterable[LinkView], *, joined: bool, members: int) -> dict[str, Any]:
    """Return a room as one visitor sees it; `alias` is its whole Matrix alias, or empty."""
    views = list(links)
    return {
        "id": of.id,
        "name": of.name,
        "alias": next((view.address for view in views if view.link.network == MATRIX), ""),
        "topic": of.topic,
        "joined": joined,
        "public": of.public,
        "members": members,
        "links": [{"network": view.link.network, "state": view.link.state, "address": view.address} for view in views],
    }


def room_now(snapshot: RoomSnapshot, *, joined: bool) -> dict[str, Any]:
    """Return a room as it is now."""
    return room(snapshot.room, snapshot.links, joined=joined, members=len(snapshot.members))


def member(of: Member, place: RoomId) -> dict[str, Any]:
    """Return someone in a room; `avatar` is a path on this server, or empty."""
    return {
        "id": of.person,
        "name": of.shown,
        "network": of.home,
        "role": of.role,
        "avatar": _member_avatar(place, of.person, of.avatar),
    }


def _member_avatar(place: RoomId, person: PersonId, reference: str) -> str:
    return f"/api/v1/rooms/{place}/members/{person}/avatar?v={version(reference)}" if reference else ""


def line(of: Line, networks: dict[LinkId, NetworkId], *, raw: bool = False) -> dict[str, Any]:
    """Return a line of the log: as it reads now, or with `raw` as it was said."""
    entry = of.entry
    kind, content = _content(entry, raw=raw)
    made: dict[str, Any] = {
        "seq": entry.seq,
        "id": entry.event.id,
        "kind": kind,
        "who": {"id": of.who.person, "name": of.who.shown, "network": of.who.home},
        "at": entry.event.at,
        "content": content,
    }
    if entry.edited_at is not None and not raw:
        made["edited_at"] = entry.edited_at
    if entry.removed_at is not None:
        made["removed"] = True
    made["deliveries"] = [delivery(each, networks) for each in of.deliveries]
    return made


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


def delivery(of: Delivery, networks: dict[LinkId, NetworkId]) -> dict[str, Any]:
    """Return what became of a line (or a part of it) on one link."""
    made: dict[str, Any] = {
        "link": of.key.link,
        "network": networks.get(of.key.link, ""),
        "part": of.key.part,
        "state": of.state,
    }
    if of.reason:
        made["reason"] = of.reason
    if of.remote_id is not None:
        made["remote_id"] = of.remote_id
    return made


def status(of: NetworkStatus) -> dict[str, Any]:
    """Return how a network is, without what is for operators only."""
    return {"network": of.network, "health": of.health, "since": of.since}


def version(reference: str) -> str:
    """Return a short name for one state of a picture: addresses that hold it may be cached for long."""
    return hashlib.sha256(reference.encode()).hexdigest()[:12]
