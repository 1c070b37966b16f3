"""Typed identifiers and how new ones are made."""

from __future__ import annotations

import secrets
from typing import NewType

from bridge.model.clock import now_ms

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
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_MOST = (1 << 80) - 1


def new_id(prefix: str) -> str:
    """Return `prefix` and 16 random characters of lower-case base 32 (80 bits): safe in a Matrix localpart."""
    return prefix + _written(secrets.randbits(80))


def new_room_id() -> RoomId:
    """Return a new room's ID, `r…`."""
    return RoomId(new_id("r"))


def new_event_id() -> EventId:
    """Return a new event's ID, `e…` and 16 characters, of which later ones sort behind earlier ones (to about a
    millisecond): an index of them grows at its end, where random ones would touch a page of it each."""
    return EventId("e" + _written(now_ms() << 38 & _MOST | secrets.randbits(38)))


def _written(number: int) -> str:
    """Return 80 bits in 16 characters that sort as the number does."""
    high, low, pair = number >> 40, number & 0xFFFFFFFFFF, _PAIRS
    return (
        f"{pair[high >> 30]}{pair[high >> 20 & 1023]}{pair[high >> 10 & 1023]}{pair[high & 1023]}"
        f"{pair[low >> 30]}{pair[low >> 20 & 1023]}{pair[low >> 10 & 1023]}{pair[low & 1023]}"
    )


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
