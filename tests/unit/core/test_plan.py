"""What a lane does with a delivery: folding, cancelling, dependents, and parts that grow and shrink."""

from __future__ import annotations

import pytest

from bridge.core.plan import About, Earlier, End, Send, Step, plan
from bridge.model.capabilities import Capabilities
from bridge.model.deliveries import Delivery, DeliveryKey, DeliveryState
from bridge.model.events import Content, Edited, Entry, Joined, Removed, Said, Told
from bridge.model.ids import EventId, LinkId
from tests.unit.core.rules import ANNA, ROOM, event, member

SENDER = member(ANNA, "Anna")
FULL = Capabilities(text_bytes=60_000, html=True, edits=True, removals=True, ids=True, idempotent=True, ghosts=True)
SHORT = Capabilities(text_bytes=20, html=False, edits=True, removals=True, ids=True, idempotent=True, ghosts=True)
POOR = Capabilities(text_bytes=400, html=False, edits=False, removals=False, ids=False, idempotent=False, ghosts=False)


def sent(
    seq: int, part: int = 0, *, state: DeliveryState = "sent", version: int = 0, remote: str | None = ""
) -> Delivery:
    """A delivery with the remote ID `SEQ.PART` unless another is given."""
    known = f"{seq}.{part}" if remote == "" and state == "sent" else remote or None
    return Delivery(DeliveryKey(LinkId("l"), ROOM, seq, part), state, remote_id=known, version=version)


def waiting(seq: int, part: int = 0) -> Delivery:
    return sent(seq, part, state="waiting")


def entry(
    seq: int, content: Content, *, present: Content | None = None, version: int = 0, removed: bool = False
) -> Entry:
    shown = None if removed else present or content
    return Entry(seq, event(content, id=f"e{seq}"), shown, version, removed_at=1 if removed else None)


LINE = entry(1, Said("old"))


def edited(text: str, about: About, part: int = 0, can: Capabilities = FULL) -> Step:
    return plan(waiting(9, part), entry(9, Edited(EventId("e1"), text)), SENDER, can, about)


def removed(about: About, part: int = 0, can: Capabilities = FULL) -> Step:
    return plan(waiting(9, part), entry(9, Removed(EventId("e1"))), SENDER, can, about)


def about(
    *parts: Delivery, number: int = 1, version: int = 1, remote: str | None = None, **more: list[Earlier]
) -> About:
    return About(entry(1, Said("old"), version=version), list(parts), remote, number, more.get("earlier", []))


# lines


def test_a_line_is_sent_as_it_reads_now() -> None:
    line = entry(1, Said("old"), present=Said("new"), version=2)
    step = plan(waiting(1), line, SENDER, FULL, None)
    assert isinstance(step, Send)
    assert step.wording is not None
    assert (step.wording.text, step.version, step.target) == ("new", 2, None)


def test_a_line_that_was_removed_while_it_waited_is_never_sent() -> None:
    assert plan(waiting(1), entry(1, Said("old"), removed=True), SENDER, FULL, None) == End(
        "cancelled", "removed before it was sent"
    )


def test_the_parts_of_a_long_line() -> None:
    line = entry(1, Said("one two three four five six"))
    steps = [plan(waiting(1, part), line, SENDER, SHORT, None) for part in range(3)]
    first, second, third = steps
    assert isinstance(first, Send)
    assert isinstance(second, Send)
    assert first.parts == second.parts == 2
    assert first.wording is not None
    assert second.wording is not None
    assert f"{first.wording.text} {second.wording.text}" == "one two three four five six"
    assert isinstance(third, End)
    assert third.state == "cancelled"


@pytest.mark.parametrize("content", [Joined("Anna"), Told("encrypted")])
def test_nothing_but_lines_goes_out(content: Content) -> None:
    step = plan(waiting(1), entry(1, content), SENDER, FULL, None)
    assert isinstance(step, End)
    assert step.state == "skipped"


# edits


def test_an_edit_of_a_sent_line_replaces_it() -> None:
    step = edited("new", about(sent(1)))
    assert isinstance(step, Send)
    assert step.wording is not None
    assert (step.wording.text, step.target, step.version, step.parts) == ("new", "1.0", 1, 1)


def test_an_edit_that_its_line_contained_when_it_was_sent_is_folded() -> None:
    step = edited("new", about(sent(1, version=1)))
    assert isinstance(step, End)
    assert step.state == "folded"


def test_an_edit_is_not_folded_while_one_part_was_sent_before_it() -> None:
    step = edited("new one two three four", about(sent(1, 0), sent(1, 1, version=1)), can=SHORT)
    assert isinstance(step, Send)
    assert step.target == "1.0"


@pytest.mark.parametrize(
    ("state", "ended"),
    [("dead", "skipped"), ("skipped", "folded"), ("cancelled", "folded"), ("folded", "folded")],
)
def test_a_change_of_what_was_not_sent(state: DeliveryState, ended: str) -> None:
    for step in (edited("new", about(sent(1, state=state))), removed(about(sent(1, state=state)))):
        assert isinstance(step, End)
        assert step.state == ended
        assert (step.reason == "target failed") == (state == "dead")


def test_a_change_of_what_never_had_a_delivery_here() -> None:
    assert isinstance(edited("new", about()), End)
    assert isinstance(removed(about()), End)


def test_an_edit_of_a_line_that_was_removed_is_never_sent() -> None:
    gone = About(entry(1, Said("old"), removed=True), [sent(1)], None, 1)
    step = edited("new", gone)
    assert isinstance(step, End)
    assert step.state == "cancelled"
    erased = plan(waiting(9), entry(9, Edited(EventId("e1"), "new"), removed=True), SENDER, FULL, about(sent(1)))
    assert isinstance(erased, End)
    assert erased.state == "cancelled"


def test_an_old_edit_does_not_bring_old_words_back() -> None:
    """A dead letter that is replayed after the edit that followed it."""
    step = edited("middle", about(sent(1), number=1, version=2))
    assert isinstance(step, End)
    assert step.state == "folded"


def test_an_edit_that_needs_fewer_parts_takes_the_surplus_back() -> None:
    target = about(sent(1, 0), sent(1, 1), sent(1, 2))
    steps = [edited("short", target, part, SHORT) for part in range(4)]
    kept, second, third, beyond = steps
    assert isinstance(kept, Send)
    assert kept.wording is not None
    assert (kept.target, kept.parts) == ("1.0", 3)
    for step, remote in ((second, "1.1"), (third, "1.2")):
        assert isinstance(step, Send)
        assert (step.wording, step.target) == (None, remote)
    assert isinstance(beyond, End)


def test_an_edit_that_needs_more_parts_adds_them() -> None:
    steps = [edited("one two three four five six", about(sent(1, 0)), part, SHORT) for part in range(2)]
    first, second = steps
    assert isinstance(first, Send)
    assert isinstance(second, Send)
    assert (first.target, first.parts) == ("1.0", 2)
    assert second.wording is not None
    assert second.target is None


def test_the_next_edit_changes_what_an_edit_has_added() -> None:
    grown = Earlier(Edited(EventId("e1"), "one two three four five six"), [sent(5, 0), sent(5, 1)])
    target = about(sent(1, 0), number=2, version=2, earlier=[grown])
    steps = [edited("seven eight nine ten eleven", target, part, SHORT) for part in range(2)]
    assert [step.target for step in steps if isinstance(step, Send)] == ["1.0", "5.1"]


def test_the_next_edit_leaves_alone_what_an_edit_has_taken_back() -> None:
    shrunk = Earlier(Edited(EventId("e1"), "short"), [sent(5, 0), sent(5, 1)])
    target = about(sent(1, 0), sent(1, 1), number=2, version=2, earlier=[shrunk])
    short = [edited("brief", target, part, SHORT) for part in range(2)]
    assert isinstance(short[0], Send)
    assert isinstance(short[1], End)
    long = [edited("one two three four five six", target, part, SHORT) for part in range(2)]
    assert [step.target for step in long if isinstance(step, Send)] == ["1.0", None]


def test_a_network_without_edits_gets_a_corrected_line() -> None:
    step = edited("new", about(sent(1, remote=None)), can=POOR)
    assert isinstance(step, Send)
    assert step.wording is not None
    assert (step.wording.text, step.target) == ("<Anna> ✎ new", None)


# removals


def test_a_removal_takes_back_every_part() -> None:
    target = about(sent(1, 0), sent(1, 1, state="dead"), sent(1, 2))
    steps = [removed(target, part) for part in range(3)]
    assert [step.target for step in steps if isinstance(step, Send)] == ["1.0", "1.2"]
    assert isinstance(steps[2], End)


def test_a_removal_takes_back_the_edits_too() -> None:
    """The words of an edit can be read by themselves, and a part that it added would stay for ever."""
    edits = [Earlier(None, [sent(5, 0), sent(5, 1)]), Earlier(None, [sent(6, state="folded")])]
    steps = [removed(about(sent(1, 0), earlier=edits), part) for part in range(4)]
    assert [step.target for step in steps if isinstance(step, Send)] == ["1.0", "5.0", "5.1"]


def test_a_line_that_came_from_this_chat_is_removed_by_its_own_id() -> None:
    from_there = about(remote="$theirs", earlier=[Earlier(None, [], "$their-edit")])
    steps = [removed(from_there, part) for part in range(3)]
    assert [step.target for step in steps if isinstance(step, Send)] == ["$theirs", "$their-edit"]


def test_a_network_without_removals_or_ids() -> None:
    without = removed(about(sent(1)), can=POOR)
    assert without == End("skipped", "the network cannot take lines back")
    nameless = removed(about(sent(1, remote=None)))
    assert nameless == End("skipped", "the network gave the line no ID")
