"""A name cannot borrow the mark that makes somebody else's name distinct, and nobody speaks with nothing to be seen."""

from __future__ import annotations

import pytest

from bridge.core.decide import Rights
from bridge.model.events import Described, Joined, Said
from bridge.model.ids import MATRIX, PersonId
from tests.unit.core.rules import ANNA, RESERVED, appended, decided, event, member, refused, state

STRANGER = PersonId("p-stranger")


def shown_as(name: str, hint: str = "@stranger:hs") -> str:
    """Return how someone new from Matrix is shown who comes in under `name`."""
    joining = event(Joined(name), STRANGER, network=MATRIX)
    placed = appended(decided(joining, rights=Rights(reserved=RESERVED, hint=hint, home=MATRIX))).member
    assert placed is not None
    return placed.shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Anna (anna)", "Anna (anna) (@stranger:hs)"),
        ("Аnna (work)", "Аnna (work) (@stranger:hs)"),
        ("Nina (@nina:hs)", "Nina (@nina:hs) (@stranger:hs)"),
        ("Nina (she/her)", "Nina (she/her)"),
        ("Nina (@stranger:hs)", "Nina (@stranger:hs)"),
        ("(nobody)", "(nobody)"),
        ("Anna", "Anna (@stranger:hs)"),
    ],
)
def test_a_borrowed_mark_does_not_count(name: str, shown: str) -> None:
    assert shown_as(name) == shown


@pytest.mark.parametrize("name", ["Anna (guest)", "Anna (guest 2)", "Anna (guest 12)"])
def test_the_mark_of_ones_own_counts_with_its_number(name: str) -> None:
    assert shown_as(name, hint="guest") == name
    assert shown_as(name) == f"{name} (@stranger:hs)"


@pytest.mark.parametrize("text", ["", "   ", "\u200b\u200b", "\u202e\u2066", "\n\n"])
def test_a_line_in_which_nothing_can_be_seen_is_refused(text: str) -> None:
    assert refused(decided(event(Said(text)))).field == "content.text"


@pytest.mark.parametrize("text", ["🌉", "中文", ".", "\u200bx"])
def test_a_line_in_which_something_can_be_seen_is_taken(text: str) -> None:
    appended(decided(event(Said(text))))


def test_an_owner_who_left_describes_nothing() -> None:
    gone = state(member(ANNA, "Anna", role="owner", joined=False))
    assert refused(decided(event(Described(name="Mine")), base=gone)).status == 403
