"""The working copy of a room's state, and what of it becomes the state."""

from __future__ import annotations

import msgspec

from bridge.core.state import Draft, Target
from bridge.model.events import Origin, Said
from bridge.model.ids import MATRIX, EventId, PersonId
from bridge.text.names import skeleton
from tests.unit.core.rules import ANNA, BELA, line, member, state

NEW = PersonId("p-new")


def test_a_draft_that_is_thrown_away_leaves_no_trace() -> None:
    base = state()
    draft = Draft(base)
    draft.set_member(member(NEW, "Nora"))
    draft.links.clear()
    assert draft.next_seq() == 6
    assert base.room.last_seq == 5
    assert NEW not in base.members
    assert len(base.links) == 2


def test_numbers_follow_each_other_over_drafts() -> None:
    base = state()
    first = Draft(base)
    assert [first.next_seq(), first.next_seq()] == [6, 7]
    base.apply(first)
    assert Draft(base).next_seq() == 8


def test_a_name_is_free_after_a_leave_and_after_a_rename() -> None:
    base = state()
    draft = Draft(base)
    key = skeleton("Anna")
    assert draft.name_is_taken(key, NEW)
    assert not draft.name_is_taken(key, ANNA)
    draft.set_member(member(ANNA, "Anna", joined=False))
    assert not draft.name_is_taken(key, NEW)
    draft.set_member(member(NEW, "Anna"))
    assert draft.name_is_taken(key, BELA)
    base.apply(draft)
    assert base.names[key] == NEW
    again = Draft(base)
    again.set_member(member(NEW, "Nora"))
    base.apply(again)
    assert key not in base.names
    assert base.names[skeleton("Nora")] == NEW


def test_two_who_swap_names_in_one_batch() -> None:
    base = state()
    draft = Draft(base)
    draft.set_member(member(ANNA, "Tmp"))
    draft.set_member(member(BELA, "Anna"))
    draft.set_member(member(ANNA, "Bela"))
    base.apply(draft)
    assert base.names[skeleton("Anna")] == BELA
    assert base.names[skeleton("Bela")] == ANNA
    assert skeleton("Tmp") not in base.names


def test_who_left_before_holds_no_name() -> None:
    base = state(member(NEW, "Nora", joined=False))
    assert skeleton("Nora") not in base.names
    assert not Draft(base).joined(NEW)


def test_one_target_under_two_names_is_one_target() -> None:
    ours = line(3)
    theirs = msgspec.structs.replace(ours, origin=Origin(MATRIX, "!chat", "$delivered"))
    draft = Draft(state(), [ours, theirs])
    draft.remember(msgspec.structs.replace(ours, removed=True))
    for reference in (ours.id, ours.origin, theirs.origin):
        found = draft.target(reference)
        assert found is not None
        assert found.removed
    assert draft.target(EventId("e77")) is None


def test_what_happens_in_a_batch_can_be_referred_to() -> None:
    draft = Draft(state())
    origin = Origin(MATRIX, "!chat", "$new")
    draft.remember(Target(6, EventId("e6"), ANNA, Said("new"), 0, False, origin))
    assert draft.target(origin) is draft.target(EventId("e6"))
