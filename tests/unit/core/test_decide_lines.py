"""The rules for lines, edits and removals."""

from __future__ import annotations

import pytest

from bridge.core.decide import MAX_HOPS, TEXT_BYTES
from bridge.model.events import Content, Edited, Event, Joined, Left, Origin, Removed, Said, Told
from bridge.model.ids import MATRIX, WEB, EventId, NetworkId, PersonId
from tests.unit.core.rules import (
    ADMIN,
    ANNA,
    BELA,
    BOT,
    IRC_LINK,
    MARCO,
    MATRIX_LINK,
    appended,
    decided,
    dropped,
    event,
    line,
    member,
    refused,
    state,
)

IRC = NetworkId("irc")
STRANGER = PersonId("p-stranger")


@pytest.mark.parametrize(
    ("network", "links"),
    [
        (WEB, {MATRIX_LINK.id, IRC_LINK.id}),
        (MATRIX, {IRC_LINK.id}),
        (IRC, {MATRIX_LINK.id}),
        (NetworkId("xmpp"), {MATRIX_LINK.id, IRC_LINK.id}),
    ],
)
def test_a_line_goes_to_every_link_but_the_one_it_came_from(network: NetworkId, links: set[str]) -> None:
    assert set(appended(decided(event(Said("hi"), network=network))).links) == links


def test_a_second_chat_of_the_same_network_is_another_link() -> None:
    elsewhere = event(Said("hi"), MARCO, network=MATRIX, chat="!other")
    assert set(appended(decided(elsewhere)).links) == {MATRIX_LINK.id, IRC_LINK.id}


@pytest.mark.parametrize(
    ("who", "text", "code", "field", "status"),
    [
        (STRANGER, "hi", "not_in_room", None, 403),
        (ANNA, "", "empty_text", "content.text", 400),
        (ANNA, " \n\t ", "empty_text", "content.text", 400),
        (ANNA, "x" * (TEXT_BYTES + 1), "text_too_long", "content.text", 413),
        (ANNA, "é" * (TEXT_BYTES // 2 + 1), "text_too_long", "content.text", 413),
    ],
)
def test_a_line_from_the_page_is_refused(who: PersonId, text: str, code: str, field: str | None, status: int) -> None:
    refusal = refused(decided(event(Said(text), who)))
    assert (refusal.reason_code, refusal.field, refusal.status) == (code, field, status)


def test_the_longest_line_is_taken_and_counted_in_bytes() -> None:
    appended(decided(event(Said("é" * (TEXT_BYTES // 2)))))


def test_who_left_may_not_write() -> None:
    gone = state(member(PersonId("p-gone"), "Gone", joined=False))
    assert refused(decided(event(Said("hi"), PersonId("p-gone")), base=gone)).reason_code == "not_in_room"


def test_a_network_is_believed_about_who_may_write_and_how_long() -> None:
    appended(decided(event(Said("x" * 50_000), STRANGER, network=MATRIX)))


def test_an_empty_line_of_a_network_is_nothing() -> None:
    assert dropped(decided(event(Said(""), MARCO, network=MATRIX))) == "an empty line"


@pytest.mark.parametrize("content", [Said("hi"), Edited(EventId("e3"), "new"), Joined("X"), Left()])
def test_what_was_relayed_too_often_is_a_loop(content: Content) -> None:
    assert "loop" in dropped(decided(event(content, MARCO, network=MATRIX, hops=MAX_HOPS + 1), line(3, MARCO)))


def test_the_last_hop_is_still_taken() -> None:
    assert appended(decided(event(Said("hi"), MARCO, network=MATRIX, hops=MAX_HOPS))).event.hops == MAX_HOPS


def test_rialtos_own_line_goes_nowhere_else() -> None:
    told = appended(decided(event(Told("encrypted"), BOT)))
    assert told.links == ()


# edits and removals


def test_the_author_edits_and_everyone_elsewhere_hears_of_it() -> None:
    decision = appended(decided(event(Edited(EventId("e3"), "new")), line(3)))
    assert decision.target is not None
    assert decision.target.seq == 3
    assert set(decision.links) == {MATRIX_LINK.id, IRC_LINK.id}


def test_an_edit_that_names_its_target_by_origin_is_given_our_id() -> None:
    edit = event(Edited(EventId(""), "new"), MARCO, network=MATRIX)
    target = line(3, MARCO, network=MATRIX)
    decision = appended(decided(edit, target, about=target.origin))
    assert isinstance(decision.event.content, Edited)
    assert decision.event.content.target == "e3"
    assert decision.links == (IRC_LINK.id,)


@pytest.mark.parametrize(
    ("who", "content", "code", "status"),
    [
        (BELA, Edited(EventId("e3"), "new"), "not_yours", 403),
        (ADMIN, Edited(EventId("e3"), "new"), "not_yours", 403),
        (BELA, Removed(EventId("e3")), "not_yours", 403),
        (ANNA, Edited(EventId("e77"), "new"), "no_such_event", 404),
        (ANNA, Removed(EventId("e77")), "no_such_event", 404),
        (ANNA, Edited(EventId("e4"), "new"), "not_changeable", 409),
        (ANNA, Removed(EventId("e4")), "not_changeable", 409),
        (ANNA, Edited(EventId("e3"), "  "), "empty_text", 400),
        (ANNA, Edited(EventId("e3"), "x" * (TEXT_BYTES + 1)), "text_too_long", 413),
    ],
)
def test_a_change_from_the_page_is_refused(who: PersonId, content: Content, code: str, status: int) -> None:
    refusal = refused(decided(event(content, who), line(3), line(4, removed=True)))
    assert (refusal.reason_code, refusal.status) == (code, status)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (Edited(EventId("e3"), "new"), "an edit by someone else"),
        (Edited(EventId("e4"), "new"), "target is gone"),
        (Removed(EventId("e4")), "target is gone"),
        (Removed(EventId("e77")), "target unknown"),
    ],
)
def test_a_change_from_a_network_is_dropped(content: Content, reason: str) -> None:
    assert dropped(decided(event(content, MARCO, network=MATRIX), line(3), line(4, removed=True))) == reason


@pytest.mark.parametrize("who", [ANNA, ADMIN, BELA])
def test_who_may_remove_the_line_of_bela(who: PersonId) -> None:
    # Anna is the owner, the admin is in no room, Bela is the author.
    assert appended(decided(event(Removed(EventId("e3")), who), line(3, BELA))).target is not None


def test_a_moderator_may_remove_but_a_former_member_may_not() -> None:
    moderator, plain = PersonId("p-mod"), PersonId("p-plain")
    base = state(member(moderator, "Mod", role="moderator"), member(plain, "Plain", joined=False))
    appended(decided(event(Removed(EventId("e3")), moderator), line(3), base=base))
    refused(decided(event(Removed(EventId("e3")), plain), line(3), base=base))


def test_a_network_is_believed_about_who_may_remove() -> None:
    # The homeserver has checked the power levels of who redacts.
    appended(decided(event(Removed(EventId("e3")), MARCO, network=MATRIX), line(3)))


def test_what_is_no_line_cannot_be_removed() -> None:
    target = line(3, MARCO, network=MATRIX)
    joined = type(target)(3, EventId("e3"), MARCO, Joined("Marco"), 0, False, target.origin)
    assert dropped(decided(event(Removed(EventId("e3")), MARCO, network=MATRIX), joined)) == "target is gone"


def test_an_origin_that_nobody_has_said_is_unknown() -> None:
    edit: Event = event(Edited(EventId(""), "new"), MARCO, network=MATRIX)
    assert dropped(decided(edit, line(3), about=Origin(MATRIX, "!chat", "$other"))) == "target unknown"
