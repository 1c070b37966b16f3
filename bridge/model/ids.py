"""Typed identifiers and how new ones are made."""

from __future__ import annotations

import secrets
from typing import NewType

RoomId = NewType("RoomId", str)
EventId = NewType("EventId", str)
PersonId = NewType("PersonId", str)
AccountId = NewType("AccountId", str)
LinkId = NewType("LinkId", str)
SessionId = NewType("SessionId", str)
InviteId = NewType("InviteId", str)
NetworkId = NewType("NetworkId", str)

WEB = NetworkId("web")
MATRIX = NetworkId("matrix")
RIALTO = NetworkId("rialto")
"""The origin of what Rialto itself says in a room."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """Return `prefix` and 16 random characters of lower-case base 32 (80 bits): safe in a Matrix localpart."""
    number = secrets.randbits(80)
    return prefix + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(0, 80, 5))


def new_room_id() -> RoomId:
    """Return a new room's ID, `r…`."""
    return RoomId(new_id("r"))


def new_event_id() -> EventId:
    """Return a new event's ID, `e…`."""
    return EventId(new_id("e"))


def new_person_id() -> PersonId:
    """Return a new person's ID, `p…`; the ghost's localpart carries it for ever."""
    return PersonId(new_id("p"))


def new_account_id() -> AccountId:
    """Return a new account's ID, `a…`."""
    return AccountId(new_id("a"))


def new_link_id() -> LinkId:
    """Return a new link's ID, `l…`."""
    return LinkId(new_id("l"))


def new_session_id() -> SessionId:
    """Return a new session's public ID, `s…`: it names the session and opens nothing."""
    return SessionId(new_id("s"))


def new_invite_id() -> InviteId:
    """Return a new invite's public ID, `i…`: it names the invite and opens nothing."""
    return InviteId(new_id("i"))
