"""Who may do what in a room: one pure table, which the rules, the API and the tests read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from bridge.model.errors import Refused
from bridge.model.people import Member, Role
from bridge.model.rooms import Access, History, Room

Action: TypeAlias = Literal[
    "read",
    "say",
    "edit_own",
    "remove_own",
    "remove_other",
    "describe",
    "configure",
    "invite",
    "invite_guests",
    "kick",
    "rank",
    "archive",
    "delete",
    "join",
    "leave",
]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""`join` is for who is not in the room, without an invite; `configure` is access, history, slow mode and mirroring."""

Standing: TypeAlias = Role | Literal["stranger"]
"""A member's role, or `stranger` for somebody who is not in the room (now)."""
STANDINGS: tuple[Standing, ...] = (*get_args(Role), "stranger")

_MUTED: frozenset[Action] = frozenset({"read", "remove_own", "leave"})
_GUEST: frozenset[Action] = _MUTED | {"say", "edit_own"}
_MEMBER: frozenset[Action] = _GUEST | {"invite"}
_MODERATOR: frozenset[Action] = _MEMBER | {"remove_other", "describe", "invite_guests", "kick", "rank"}
_OWNER: frozenset[Action] = _MODERATOR | {"configure", "archive", "delete"}
_ABOVE: frozenset[Action] = frozenset(
    {"remove_own", "remove_other", "describe", "configure", "kick", "rank", "archive", "delete", "join"}
)
"""What an admin of the server may do in every room but direct conversations, in it or not. To read, to speak and to
invite takes being in it, which everybody there sees."""

ROOM: Mapping[Standing, frozenset[Action]] = MappingProxyType(
    {
        "owner": _OWNER,
        "moderator": _MODERATOR,
        "member": _MEMBER,
        "guest": _GUEST,
        "muted": _MUTED,
        "stranger": frozenset(),
    }
)
"""What each may do in a room that is neither archived nor a direct conversation."""

_DIRECT: frozenset[Action] = frozenset({"read", "say", "edit_own", "remove_own", "leave"})
_ARCHIVED: frozenset[Action] = frozenset({"read", "leave", "archive", "delete"})
"""`archive` is also what it takes to open the room again."""

_HEIGHT: Mapping[Standing, int] = MappingProxyType(
    {"stranger": 0, "muted": 0, "guest": 0, "member": 0, "moderator": 1, "owner": 2}
)


def standing(member: Member | None) -> Standing:
    """Return how a person stands to the room that `member` is their place in."""
    return member.role if member is not None and member.joined else "stranger"


def may(action: Action, who: Standing, room: Room, *, admin: bool = False) -> bool:
    """Tell whether somebody of this standing may do `action` in `room`; `admin` is one of the whole server."""
    return action in allowed(who, room, admin=admin)


def allowed(who: Standing, room: Room, *, admin: bool = False) -> frozenset[Action]:
    """Return everything that somebody of this standing may do in `room`."""
    return _allowed(who, room.access, room.history, room.archived, room.deleted, admin)


@cache  # every line asks, and there are few questions
def _allowed(
    who: Standing, access: Access, history: History, archived: bool, deleted: bool, admin: bool
) -> frozenset[Action]:
    if deleted:
        return frozenset()
    rights = ROOM[who]
    if access == "direct":
        rights = rights & _DIRECT
    elif admin:
        rights = rights | (_ABOVE if who == "stranger" else _OWNER)
    if access == "public" and who == "stranger":
        rights = rights | {"join"} if history == "joined" else rights | {"join", "read"}
    return rights & _ARCHIVED if archived else rights


def may_rank(who: Standing, present: Role, wanted: Role, *, admin: bool = False) -> bool:
    """Tell whether somebody who may rank at all may give a member who is `present` the role `wanted`: owners and
    admins any, others only from and to what is below themselves."""
    if admin or who == "owner":
        return True
    return who != "stranger" and max(_HEIGHT[present], _HEIGHT[wanted]) < _HEIGHT[who]


def may_kick(who: Standing, other: Role, *, admin: bool = False) -> bool:
    """Tell whether somebody who may kick at all may kick a member with the role `other`."""
    return may_rank(who, other, "member", admin=admin)


def sees(who: Standing, room: Room, *, admin: bool = False, guest: bool = False) -> bool:
    """Tell whether a person may know that the room is there: who is in it, everybody else but guests where it is
    public, and admins unless it is a direct conversation."""
    if room.deleted:
        return False
    return who != "stranger" or (room.public and not guest) or (admin and room.access != "direct")


def reads_from(room: Room, member: Member | None) -> int | None:
    """Return the first number of the log that a person may read, None for nothing at all.

    Every way to read (pages, live frames, context, search) asks this; edits, removals and deliveries of lines with a
    lower number are not for that person either.
    """
    who = standing(member)
    if not may("read", who, room):
        return None
    if room.history == "all" or member is None or who == "stranger":
        return 1
    return max(member.joined_seq, 1)


def in_slow_mode(who: Standing, room: Room, *, admin: bool = False) -> bool:
    """Tell whether a person has to wait between two lines: owners, moderators and admins need not."""
    return room.slow_seconds > 0 and not admin and _HEIGHT[who] == 0


def refusal(action: Action, who: Standing, room: Room, *, admin: bool = False) -> Refused | None:
    """Return why somebody may not do `action`, with the remedy; None where they may."""
    if may(action, who, room, admin=admin):
        return None
    if not sees(who, room, admin=admin):
        return Refused("no_such_room", "There is no such room.", status=404)
    if room.access == "direct":
        return Refused("direct_room", "That is not done in a direct conversation.", status=403)
    if room.archived and action not in _ARCHIVED:
        return archived()
    if who == "stranger":
        return _for_stranger(action)
    if who == "muted" and action in _MEMBER:
        return Refused("muted", "You are muted here: a moderator of the room can change that.", status=403)
    if action in _MODERATOR:
        return Refused("not_allowed", "Only the room's owner and moderators may do this.", status=403)
    return Refused("owners_only", "Only the room's owner may do this.", status=403)


def archived() -> Refused:
    """Return the refusal of what is not done in an archived room."""
    return Refused("room_archived", "The room is archived: its owner has to open it again first.", status=403)


def _for_stranger(action: Action) -> Refused:
    if action == "read":
        return Refused("join_to_read", "Join the room to read what is said from then on.", status=403)
    if action == "leave":
        return Refused("not_in_room", "You are not in this room.", status=409)
    return Refused("not_in_room", "Join the room first.", status=403)
