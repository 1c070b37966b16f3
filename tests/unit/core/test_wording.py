"""How a line is put to a network that can do less than ours."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.wording import word
from bridge.model.capabilities import Capabilities
from bridge.model.deliveries import Wording
from bridge.model.events import Said, Style
from tests.unit.core.rules import ANNA, member

SENDER = member(ANNA, "Anna")
FULL = Capabilities(text_bytes=60_000, html=True, edits=True, removals=True, ids=True, idempotent=True, ghosts=True)
POOR = Capabilities(text_bytes=400, html=False, edits=False, removals=False, ids=False, idempotent=False, ghosts=False)


@pytest.mark.parametrize("style", ["text", "notice", "emote"])
def test_ghosts_and_html_need_nothing_else(style: Style) -> None:
    line = Said("hi *you*", "hi <em>you</em>", style)
    assert word(line, SENDER, FULL) == [Wording("hi *you*", "hi <em>you</em>", style)]


@pytest.mark.parametrize(("style", "text"), [("text", "<Anna> hi"), ("notice", "<Anna> hi"), ("emote", "* Anna hi")])
def test_without_ghosts_the_name_stands_before_the_line(style: Style, text: str) -> None:
    assert word(Said("hi", "<b>hi</b>", style), SENDER, POOR) == [Wording(text)]


def test_a_correction_is_marked() -> None:
    assert word(Said("hi"), SENDER, POOR, corrected=True) == [Wording("<Anna> ✎ hi")]
    assert word(Said("hi"), SENDER, FULL, corrected=True) == [Wording("✎ hi")]


def test_html_that_is_too_long_goes_as_text() -> None:
    small = msgspec.structs.replace(FULL, text_bytes=40)
    assert word(Said("hi there", "<p>" + "x" * 40), SENDER, small) == [Wording("hi there")]
    assert word(Said("hi there", "<p>" + "x" * 10), SENDER, small)[0].html


def test_a_line_without_text_still_has_one_part() -> None:
    assert len(word(Said("", "<img>"), SENDER, POOR)) == 1


@given(
    text=st.text(min_size=1, max_size=2_000),
    name=st.text(min_size=1, max_size=320),
    style=st.sampled_from(["text", "notice", "emote"]),
    corrected=st.booleans(),
    size=st.integers(min_value=60, max_value=600),
)
def test_every_part_fits_whatever_the_name(text: str, name: str, style: Style, corrected: bool, size: int) -> None:
    can = msgspec.structs.replace(POOR, text_bytes=size)
    parts = word(Said(text, style=style), member(ANNA, name), can, corrected=corrected)
    assert parts
    assert max(len(part.text.encode("utf-8", "surrogatepass")) for part in parts) <= size


@given(st.text(alphabet="ab é中\n", min_size=1, max_size=1_500))
def test_nothing_but_white_space_is_lost_at_the_cuts(text: str) -> None:
    parts = word(Said(text), SENDER, POOR)
    pieces = [part.text.removeprefix("<Anna> ") for part in parts]
    assert "".join("".join(pieces).split()) == "".join(text.split())
