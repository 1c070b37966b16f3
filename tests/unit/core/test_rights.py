"""The permission matrix: the table of rights, and the rules that ask it, say what is written down cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, get_args

import pytest

from bridge.core.decide_settings import deletable
from bridge.core.decisions import Rights
from bridge.core.rights import (
    ACTIONS,
    STANDINGS,
    Action,
    Standing,
    allowed,
    in_slow_mode,
    may,
    may_kick,
    may_rank,
    reads_from,
    refusal,
)
from bridge.core.state import Draft, RoomState
from bridge.model.errors import Refused
from bridge.model.events import Configured, Content, Described, Edited, Joined, Left, Ranked, Removed, Said
from bridge.model.ids import EventId, PersonId
from bridge.model.people import Role
from bridge.model.rooms import Room
from tests.rigs.permissions import CELLS, PEOPLE, ROOMS, Cell
from tests.unit.core.rules import ANNA, BELA, decided, event, line, member, room

IN_A_ROOM = [cell for cell in CELLS if cell.who != "signed_out"]
WHO, OTHER = PersonId("p-who"), PersonId("p-other")
KINDS: dict[str, dict[str, Any]] = {
    "public": {},
    "members_history": {"history": "joined"},
    "invite": {"access": "invite"},
    "direct": {"access": "direct", "direct": f"{OTHER}:{WHO}"},
    "archived": {"archived_at": 1},
    "archived_invite": {"access": "invite", "archived_at": 1},
    "deleted": {"deleted_at": 1},
}


def name(cell: Cell) -> str:
    return f"{cell.room}-{cell.action}-{cell.who}"


def of_kind(kind: str) -> Room:
    return room(creator=PersonId("p-founder"), **KINDS[kind])


def standing_of(cell: Cell) -> Standing:
    return next((each for each in STANDINGS if each == cell.who), "stranger")


def test_no_cell_is_empty() -> None:
    """A new action, role or kind of room has to be answered for everybody."""
    assert {(cell.room, cell.action, cell.who) for cell in CELLS} == set(product(ROOMS, ACTIONS, PEOPLE))
    assert len(CELLS) == len(ROOMS) * len(ACTIONS) * len(PEOPLE)
    assert set(KINDS) == set(ROOMS)
    assert set(STANDINGS) <= set(PEOPLE)


@pytest.mark.parametrize("cell", IN_A_ROOM, ids=name)
def test_the_table_of_rights(cell: Cell) -> None:
    place, who, admin = of_kind(cell.room), standing_of(cell), cell.who == "admin"
    assert may(cell.action, who, place, admin=admin) is cell.allowed
    assert (cell.action in allowed(who, place, admin=admin)) is cell.allowed
    against = refusal(cell.action, who, place, admin=admin)
    assert (against is None) is cell.allowed
    if against is not None:
        assert against.status in (403, 404, 409)
        assert against.message.endswith(".")


def _content(content: Content) -> Callable[[RoomState, Rights], object]:
    return lambda base, rights: decided(
        event(content, WHO), line(3, WHO), line(4, OTHER), base=base, rights=rights
    )


ACTS: dict[Action, Callable[[RoomState, Rights], object]] = {
    "say": _content(Said("hi")),
    "edit_own": _content(Edited(EventId("e3"), "new")),
    "remove_own": _content(Removed(EventId("e3"))),
    "remove_other": _content(Removed(EventId("e4"))),
    "describe": _content(Described(topic="another")),
    "configure": _content(Configured(slow_seconds=7)),
    "kick": lambda base, rights: decided(event(Left("kicked", WHO), OTHER), base=base, rights=rights),
    "rank": _content(Ranked(OTHER, "muted")),
    "archive": lambda base, rights: decided(
        event(Configured(archived=not base.room.archived), WHO), base=base, rights=rights
    ),
    "delete": lambda base, rights: deletable(Draft(base), WHO, rights),
    "join": _content(Joined("Who")),
    "leave": _content(Left()),
}
ELSEWHERE = {"read", "invite", "invite_guests"}
"""What is no event: `reads_from` is tested below, invites with the API."""


def test_every_action_is_acted() -> None:
    assert set(ACTS) | ELSEWHERE == set(ACTIONS)


def acted(cell: Cell) -> bool:
    """Tell whether the action is an event that this person can send: who is here cannot come in."""
    return cell.action in ACTS and (cell.action != "join" or cell.who in ("stranger", "admin"))


@pytest.mark.parametrize("cell", [cell for cell in IN_A_ROOM if acted(cell)], ids=name)
def test_the_rules_ask_the_table(cell: Cell) -> None:
    here = cell.who not in ("stranger", "admin")
    role: Role = next((each for each in get_args(Role) if each == cell.who), "member")
    members = [member(OTHER, "Other")] + ([member(WHO, "Who", role=role)] if here else [])
    base = RoomState(of_kind(cell.room), {each.person: each for each in members}, {})
    outcome = ACTS[cell.action](base, Rights(admin=cell.who == "admin", hint="who"))
    assert isinstance(outcome, Refused) is not cell.allowed, outcome


@pytest.mark.parametrize("cell", [cell for cell in IN_A_ROOM if cell.action == "read"], ids=name)
def test_what_may_be_read_begins_somewhere_or_not_at_all(cell: Cell) -> None:
    role: Role | None = next((each for each in get_args(Role) if each == cell.who), None)
    place = None if role is None else member(WHO, "Who", role=role)
    assert (reads_from(of_kind(cell.room), place) is not None) is cell.allowed


def test_history_for_members_begins_where_they_came_in() -> None:
    came = member(BELA, "Bela")
    for seq, first in ((0, 1), (1, 1), (4, 4)):
        since = type(came)(came.person, came.home, came.name, came.shown, joined_seq=seq)
        assert reads_from(room(history="joined"), since) == first
        assert reads_from(room(), since) == 1


def test_whoever_left_reads_what_strangers_read() -> None:
    gone = member(BELA, "Bela", joined=False)
    assert reads_from(room(), gone) == 1
    assert reads_from(room(history="joined"), gone) is None
    assert reads_from(room(access="invite"), gone) is None


RANKS = """
              owner  moderator  member  muted  guest
owner         ok     ok         ok      ok     ok
moderator     no     no         ok      ok     ok
"""


def test_nobody_reaches_above_themself() -> None:
    (*roles,), *rows = [row.split() for row in RANKS.strip().splitlines()]
    assert set(roles) == set(get_args(Role))
    for who, *answers in rows:
        for role, answer in zip(roles, answers, strict=True):
            by, other = (next(each for each in get_args(Role) if each == word) for word in (who, role))
            assert may_kick(by, other) is (answer == "ok"), (by, other)
            assert may_rank(by, other, "member") is (answer == "ok"), (by, other)
            assert may_rank(by, "member", other) is (answer == "ok"), (by, other)
    for role in get_args(Role):
        assert may_rank("stranger", role, "owner", admin=True)
        assert not may_rank("stranger", role, "muted")


def test_slow_mode_is_for_those_who_do_not_keep_the_room() -> None:
    slow = room(slow_seconds=5)
    waiting = {who for who in STANDINGS if in_slow_mode(who, slow)}
    assert waiting == {"member", "muted", "guest", "stranger"}
    assert not in_slow_mode("member", room())
    assert not in_slow_mode("member", slow, admin=True)


def test_a_muted_admin_may_speak() -> None:
    assert may("say", "muted", room(), admin=True)
    assert not may("say", "stranger", room(), admin=True)
    assert may("say", "member", room(access="direct"), admin=True)
    assert room().creator == ANNA
