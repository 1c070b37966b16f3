"""The rules for coming and going, names, and the description of the room."""

from __future__ import annotations

import msgspec
import pytest

from bridge.core.decide import NAME_CHARS, TOPIC_CHARS, Rights
from bridge.core.state import RoomState
from bridge.model.events import Described, Joined, Left, Profiled
from bridge.model.ids import MATRIX, NetworkId, PersonId
from bridge.text.names import skeleton
from tests.unit.core.rules import (
    ADMIN,
    ANNA,
    BELA,
    BOT,
    IRC_LINK,
    MARCO,
    MATRIX_LINK,
    RESERVED,
    appended,
    decided,
    dropped,
    event,
    member,
    refused,
    rights_of,
    state,
)

NEW = PersonId("p-new")
FOREIGN = Rights(reserved=RESERVED, hint="@new:hs", home=MATRIX)


def come_in(name: str, *, base: RoomState | None = None, rights: Rights = FOREIGN) -> str:
    decision = appended(decided(event(Joined(name), NEW, network=MATRIX), base=base, rights=rights))
    assert decision.member is not None
    assert decision.member.joined
    assert isinstance(decision.event.content, Joined)
    assert decision.event.content.name == decision.member.shown
    return decision.member.shown


def test_a_name_that_nobody_has_is_kept() -> None:
    assert come_in("Nora") == "Nora"


@pytest.mark.parametrize(
    "name",
    [
        "Anna",
        "anna",
        "ANNA ",
        "A\u200bnna",
        "Аnna",  # the first letter is Cyrillic
        "Anna\u202e",
        "\u202eAnna",
        "Ånna\u0301",
        "Ａｎｎａ",
        "A.n.n.a",
        "𝐀𝐧𝐧𝐚",
        "Rialto",
        "Riаlto",
        "admin",
        "Admin\u2060",
        "ADMlN",
    ],
)
def test_names_that_impersonate_are_made_distinct(name: str) -> None:
    shown = come_in(name)
    taken = {skeleton(other) for other in ("Anna", "Bela", "Marco", "Rialto", "admin")}
    assert skeleton(shown) not in taken
    assert "@new:hs" in shown
    assert not any(char in shown for char in "\u200b\u202e\u2060")


def test_a_name_of_nothing_is_the_hint() -> None:
    assert come_in("\u200b\u202e ") == "@new:hs"


def test_two_of_a_name_from_one_place_are_counted() -> None:
    base = state(member(PersonId("p-x"), "Anna (@new:hs)"))
    assert skeleton(come_in("Anna", base=base)) not in base.names


def test_an_admin_may_carry_the_name_of_an_admin() -> None:
    decision = appended(decided(event(Joined("Admin"), ADMIN)))
    assert decision.member is not None
    assert decision.member.shown == "Admin"


def test_an_admin_may_not_carry_the_name_of_a_member() -> None:
    decision = appended(decided(event(Joined("Anna"), ADMIN)))
    assert decision.member is not None
    assert decision.member.shown == "Anna (admin)"


def test_a_name_is_free_once_its_holder_left() -> None:
    assert come_in("Ben", base=state(member(PersonId("p-ben"), "Ben", joined=False))) == "Ben"


def test_the_maker_is_owner_and_others_are_members() -> None:
    empty = RoomState(state().room, {}, {})
    owner = appended(decided(event(Joined("Anna"), ANNA), base=empty)).member
    other = appended(decided(event(Joined("Bela"), BELA), base=empty)).member
    assert owner is not None
    assert other is not None
    assert (owner.role, other.role) == ("owner", "member")


def test_a_role_outlives_leaving() -> None:
    base = state(member(NEW, "Nora", role="moderator", joined=False))
    back = appended(decided(event(Joined("Nora"), NEW), base=base)).member
    assert back is not None
    assert back.role == "moderator"


def test_a_join_of_who_is_here_says_at_most_a_new_name() -> None:
    assert dropped(decided(event(Joined("Marco"), MARCO, network=MATRIX))) == "nothing new"
    renamed = appended(decided(event(Joined("Marco Polo"), MARCO, network=MATRIX)))
    assert renamed.event.content == Profiled("Marco Polo", was="Marco")


def test_a_place_tells_where_its_person_is_at_home() -> None:
    placed = appended(decided(event(Joined("X"), NEW, network=MATRIX), rights=FOREIGN)).member
    assert placed is not None
    assert placed.home == MATRIX


# leaving


def test_leaving_keeps_the_place_for_the_log() -> None:
    left = appended(decided(event(Left(), BELA)))
    assert left.member is not None
    assert not left.member.joined
    assert left.member.shown == "Bela"


def test_who_is_not_here_cannot_leave() -> None:
    assert refused(decided(event(Left(), NEW))).status == 409
    assert dropped(decided(event(Left(), NEW, network=MATRIX))) == "was not in the room"


# names and avatars


def test_a_profile_tells_the_old_name_only_when_it_changed() -> None:
    renamed = appended(decided(event(Profiled("Belana", "blob:1"), BELA)))
    assert renamed.event.content == Profiled("Belana", "blob:1", was="Bela")
    pictured = appended(decided(event(Profiled("Bela", "blob:1"), BELA)))
    assert pictured.event.content == Profiled("Bela", "blob:1")


def test_a_profile_cannot_take_anothers_name() -> None:
    renamed = appended(decided(event(Profiled("Anna"), BELA))).member
    assert renamed is not None
    assert (renamed.name, renamed.shown) == ("Anna", "Anna (bela)")


def test_a_profile_of_nobody_here_or_of_nothing_new_is_dropped() -> None:
    assert dropped(decided(event(Profiled("X"), NEW))) == "not in the room"
    assert dropped(decided(event(Profiled("Bela"), BELA))) == "nothing new"


def test_who_was_called_differently_only_for_anothers_sake_gets_the_name_back() -> None:
    second = msgspec.structs.replace(member(NEW, "Olga"), shown="Olga (new)")
    back = appended(decided(event(Profiled("Olga"), NEW), base=state(second))).member
    assert back is not None
    assert back.shown == "Olga"


# the description


@pytest.mark.parametrize("who", [ANNA, ADMIN])
def test_who_may_describe_the_room(who: PersonId) -> None:
    decision = appended(decided(event(Described(name="Market", topic="news"), who)))
    assert decision.event.content == Described(name="Market", topic="news")
    assert decision.described == ()


def test_a_member_may_not_describe() -> None:
    refusal = refused(decided(event(Described(topic="x"), BELA)))
    assert (refusal.reason_code, refusal.status) == ("not_allowed", 403)


def test_a_name_is_needed() -> None:
    refusal = refused(decided(event(Described(name=" \u200b "), ANNA)))
    assert (refusal.reason_code, refusal.field) == ("empty_name", "name")
    assert dropped(decided(event(Described(name=""), MARCO, network=MATRIX))) == "an empty name"


@pytest.mark.parametrize(
    ("network", "link"), [(MATRIX, MATRIX_LINK.id), (NetworkId("irc"), IRC_LINK.id), (NetworkId("xmpp"), None)]
)
def test_the_chat_that_described_shows_it_already(network: NetworkId, link: str | None) -> None:
    decision = appended(decided(event(Described(name="Market"), MARCO, network=network)))
    assert decision.described == (() if link is None else (link,))


def test_only_what_differs_is_said() -> None:
    both = appended(decided(event(Described(name="Piazza", topic="news"), ANNA)))
    assert both.event.content == Described(topic="news")
    assert dropped(decided(event(Described(name="Piazza", topic="a topic", avatar=""), ANNA))) == "nothing new"


def test_a_topic_can_be_taken_away_and_lengths_are_held() -> None:
    assert appended(decided(event(Described(topic=""), ANNA))).event.content == Described(topic="")
    long = appended(decided(event(Described(name="n" * 500, topic="t" * 5_000), MARCO, network=MATRIX))).event.content
    assert isinstance(long, Described)
    assert len(long.name or "") == NAME_CHARS
    assert len(long.topic or "") == TOPIC_CHARS


def test_the_bot_may_do_what_admins_may() -> None:
    assert rights_of(BOT).admin
    appended(decided(event(Described(name="Market"), BOT)))
