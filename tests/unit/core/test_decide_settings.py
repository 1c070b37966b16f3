"""The rules for settings, roles, sending people away, slow mode, guests, and rooms that are archived or deleted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bridge.core.decide import SLOW_MOST, decide
from bridge.core.decisions import Decision, Rights
from bridge.core.items import Submission
from bridge.core.state import Draft, RoomState
from bridge.model.events import (
    Configured,
    Content,
    Described,
    Edited,
    Joined,
    Left,
    Profiled,
    Ranked,
    Removed,
    Said,
    Told,
)
from bridge.model.ids import MATRIX, RIALTO, EventId, PersonId
from bridge.model.people import Member, Role
from tests.unit.core.rules import (
    ADMIN,
    ANNA,
    BELA,
    BOT,
    MARCO,
    appended,
    decided,
    dropped,
    event,
    line,
    member,
    refused,
    rights_of,
    room,
    state,
)

NEW = PersonId("p-new")
GUEST = Rights(hint="guest", guest=True)


def of(*members: Member, **changes: Any) -> RoomState:
    """The usual room with other people or settings."""
    base = state(*members)
    base.room = room(**changes)
    return base


def admitted(content: Content, who: PersonId, base: RoomState, rights: Rights | None = None) -> Decision:
    return decide(Draft(base), Submission(event(content, who), admitted=True), rights or rights_of(who))


def test_only_what_changes_is_told() -> None:
    decision = appended(decided(event(Configured(access="public", history="joined", slow_seconds=0))))
    assert decision.event.content == Configured(history="joined")
    assert dropped(decided(event(Configured(access="public", archived=False)))) == "nothing new"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (Configured(access="direct"), "access"),
        (Configured(slow_seconds=-1), "slow_seconds"),
        (Configured(slow_seconds=SLOW_MOST + 1), "slow_seconds"),
    ],
)
def test_settings_out_of_bounds_name_their_field(content: Configured, field: str) -> None:
    assert refused(decided(event(content))).field == field


def test_other_networks_have_no_word_in_settings_and_roles() -> None:
    for content in (Configured(access="invite"), Ranked(MARCO, "owner")):
        assert dropped(decided(event(content, MARCO, network=MATRIX)))


def test_an_archived_room_takes_nothing_new_from_anywhere() -> None:
    base = of(archived_at=1)
    for content in (Said("hi"), Described(name="x"), Profiled("Marc"), Edited(EventId("e1"), "x")):
        target = line(1, MARCO, network=MATRIX)
        assert dropped(decided(event(content, MARCO, network=MATRIX), target, base=base)) == "the room is archived"
    for who, ours in (
        (ANNA, Said("hi")),
        (ANNA, Described(name="x")),
        (NEW, Joined("Nora")),
        (ANNA, Configured(slow_seconds=1)),
    ):
        assert refused(decided(event(ours, who), base=base)).reason_code == "room_archived"
    assert refused(admitted(Joined("Nora"), NEW, base)).reason_code == "room_archived"


def test_what_happened_elsewhere_is_a_fact_in_an_archived_room_too() -> None:
    base = of(archived_at=1)
    appended(decided(event(Removed(EventId("e1")), MARCO, network=MATRIX), line(1, MARCO, network=MATRIX), base=base))
    appended(decided(event(Left(), MARCO, network=MATRIX), base=base))
    appended(decided(event(Told("x"), BOT, network=RIALTO), base=base))


def test_an_archived_room_is_opened_by_its_owner_alone() -> None:
    base = of(archived_at=1)
    assert appended(decided(event(Configured(archived=False)), base=base)).event.content == Configured(archived=False)
    assert refused(decided(event(Configured(archived=False), BELA), base=base)).reason_code == "owners_only"


def test_a_deleted_room_is_no_room() -> None:
    base = of(deleted_at=1)
    assert refused(decided(event(Said("hi")), base=base)).status == 404
    assert dropped(decided(event(Said("hi"), MARCO, network=MATRIX), base=base)) == "the room is deleted"


# roles


@pytest.mark.parametrize("role", ["owner", "moderator", "member", "muted"])
def test_an_owner_gives_roles(role: Role) -> None:
    base = state(member(NEW, "Nora", role="muted" if role != "muted" else "member"))
    decision = appended(decided(event(Ranked(NEW, role), ANNA), base=base))
    assert decision.member is not None
    assert (decision.member.person, decision.member.role) == (NEW, role)


def test_a_room_keeps_an_owner() -> None:
    assert refused(decided(event(Ranked(ANNA, "member")))).reason_code == "last_owner"
    second = state(member(NEW, "Nora", role="owner"))
    appended(decided(event(Ranked(ANNA, "member")), base=second))
    gone = state(member(NEW, "Nora", role="owner", joined=False))
    assert refused(decided(event(Ranked(ANNA, "member")), base=gone)).reason_code == "last_owner"
    assert refused(decided(event(Ranked(ANNA, "member"), ADMIN))).reason_code == "last_owner"


def test_a_moderator_mutes_and_appoints_nobody() -> None:
    base = state(member(NEW, "Nora", role="moderator"))
    appended(decided(event(Ranked(BELA, "muted"), NEW), base=base))
    for content in (
        Ranked(BELA, "moderator"),
        Ranked(ANNA, "member"),
        Ranked(NEW, "owner"),
        Ranked(NEW, "member"),
    ):
        assert refused(decided(event(content, NEW), base=base)).reason_code == "outranked"


def test_roles_are_for_who_is_here() -> None:
    gone = state(member(NEW, "Nora", joined=False))
    for person in (NEW, PersonId("p-nobody")):
        assert refused(decided(event(Ranked(person, "muted")), base=gone)).field == "person"
    assert dropped(decided(event(Ranked(BELA, "member")))) == "nothing new"


def test_a_guest_stays_a_guest() -> None:
    guest = msgspec.structs.replace(member(NEW, "Nora", role="guest"), guest=True)
    base = state(guest)
    roles: tuple[Role, ...] = ("owner", "moderator", "member")
    for role in roles:
        assert refused(decided(event(Ranked(NEW, role)), base=base)).field == "role"
    appended(decided(event(Ranked(NEW, "muted")), base=base))
    muted = state(msgspec.structs.replace(guest, role="muted"))
    appended(decided(event(Ranked(NEW, "guest")), base=muted))
    assert refused(decided(event(Ranked(BELA, "guest")))).field == "role"


# muted


def test_a_muted_person_of_another_network_is_not_heard() -> None:
    muted = state()
    muted.members[MARCO] = msgspec.structs.replace(muted.members[MARCO], role="muted")
    own = line(1, MARCO, network=MATRIX)
    for content in (Said("hi"), Edited(EventId("e1"), "x"), Described(topic="x")):
        assert dropped(decided(event(content, MARCO, network=MATRIX), own, base=muted)) == "muted here"
    appended(decided(event(Removed(EventId("e1")), MARCO, network=MATRIX), own, base=muted))
    appended(decided(event(Left(), MARCO, network=MATRIX), base=muted))


def test_to_leave_and_come_back_unmutes_nobody() -> None:
    base = state(member(NEW, "Nora", role="muted", joined=False))
    for rights, role in ((None, "muted"), (GUEST, "muted")):
        back = appended(admitted(Joined("Nora"), NEW, base, rights)).member
        assert back is not None
        assert back.role == role


# coming in


def test_a_private_room_is_entered_with_an_invite() -> None:
    base = of(access="invite")
    assert refused(decided(event(Joined("Nora"), NEW), base=base)).status == 404
    come = appended(admitted(Joined("Nora"), NEW, base)).member
    assert come is not None
    assert come.role == "member"
    left = of(member(NEW, "Nora", joined=False), access="invite")
    assert refused(decided(event(Joined("Nora"), NEW), base=left)).status == 404


def test_its_maker_enters_a_new_room_once() -> None:
    new = RoomState(room(access="invite", last_seq=0), {}, {})
    assert appended(decided(event(Joined("Anna"), ANNA), base=new)).member is not None
    later = RoomState(room(access="invite"), {ANNA: member(ANNA, "Anna", role="owner", joined=False)}, {})
    assert refused(decided(event(Joined("Anna"), ANNA), base=later)).status == 404


def test_guests_come_where_they_are_let_in() -> None:
    assert refused(decided(event(Joined("Gast"), NEW), rights=GUEST)).reason_code == "guests_invited_only"
    come = appended(admitted(Joined("Gast"), NEW, state(), GUEST)).member
    assert come is not None
    assert (come.role, come.guest) == ("guest", True)


def test_who_was_deactivated_comes_nowhere() -> None:
    assert refused(admitted(Joined("Nora"), NEW, state(), Rights(active=False))).status == 404


def test_nobody_owns_a_direct_conversation() -> None:
    base = RoomState(room(access="direct", direct=f"{ANNA}:{BELA}", last_seq=0), {}, {})
    come = appended(admitted(Joined("Anna"), ANNA, base)).member
    assert come is not None
    assert come.role == "member"


def test_nobody_writes_to_nobody() -> None:
    alone = RoomState(room(access="direct", direct=f"{ANNA}:{BELA}"), {ANNA: member(ANNA, "Anna")}, {})
    assert refused(decided(event(Said("hi"), ANNA), base=alone)).reason_code == "person_gone"
    alone.members[BELA] = member(BELA, "Bela")
    appended(decided(event(Said("hi"), ANNA), base=alone))


# sending away


def test_who_is_sent_away_comes_back_as_a_member() -> None:
    base = state(member(NEW, "Nora", role="moderator"))
    decision = appended(decided(event(Left("kicked", ANNA, "enough"), NEW), base=base, rights=rights_of(ANNA)))
    assert decision.member is not None
    assert (decision.member.joined, decision.member.role) == (False, "member")


def test_a_moderator_sends_no_moderator_away() -> None:
    base = state(member(NEW, "Nora", role="moderator"))
    for who in (ANNA, NEW):
        by = PersonId("p-mod")
        both = state(member(NEW, "Nora", role="moderator"), member(by, "Mod", role="moderator"))
        assert refused(decided(event(Left("kicked", by), who), base=both)).reason_code == "outranked"
    assert refused(decided(event(Left("kicked", ANNA), PersonId("p-x")), base=base)).field == "person"


def test_the_one_who_sends_away_is_the_one_who_acts() -> None:
    kick = Submission(event(Left("kicked", ANNA), BELA))
    assert kick.actor == ANNA
    assert Submission(event(Left(), BELA)).actor == BELA
    # On another network they have rights of their own, which are none of our business.
    assert Submission(event(Left("kicked", ANNA), MARCO, network=MATRIX)).actor == MARCO


# slow mode


def said_at(at: int, base: RoomState, who: PersonId = BELA, rights: Rights | None = None) -> Decision:
    happening = msgspec.structs.replace(event(Said("hi"), who), at=at)
    return decided(happening, base=base, rights=rights)


def test_slow_mode_says_how_long_to_wait() -> None:
    base = of(slow_seconds=10)
    appended(said_at(5_000, base))
    base.spoke = {BELA: 5_000}
    against = refused(said_at(8_500, base))
    assert (against.reason_code, against.status, against.retry_after) == ("slow_mode", 429, 7)
    assert "7 s" in against.message
    assert refused(said_at(14_999, base)).retry_after == 1
    appended(said_at(15_000, base))


def test_slow_mode_counts_everybody_alone_and_some_not_at_all() -> None:
    base = of(member(NEW, "Nora"), slow_seconds=10)
    base.spoke = dict.fromkeys((ANNA, BELA, ADMIN, MARCO), 5_000)
    appended(said_at(5_001, base, NEW))
    appended(said_at(5_001, base, ANNA))
    appended(said_at(5_001, base, BELA, Rights(admin=True)))
    appended(decided(event(Said("hi"), MARCO, network=MATRIX), base=base))


def test_a_clock_that_was_set_back_makes_nobody_wait_longer() -> None:
    base = of(slow_seconds=10)
    base.spoke = {BELA: 1 << 40}
    assert refused(said_at(5_000, base)).retry_after == 10


def test_an_empty_line_is_not_called_too_soon() -> None:
    base = of(slow_seconds=10)
    base.spoke = {BELA: 900}
    assert refused(decided(event(Said(" "), BELA), base=base)).reason_code == "empty_text"
