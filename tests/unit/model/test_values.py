"""Values that are written to the database and the wire, and read back."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from bridge.model.events import (
    KINDS,
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
    content_as_dict,
    decode_content,
    encode_content,
    kind_of,
)
from bridge.model.ids import EventId, PersonId, new_id, new_person_id

CONTENTS: list[Content] = [
    Said("hi"),
    Said("hi \N{PILE OF POO} \u202e", "<b>hi</b>", "emote"),
    Edited(EventId("e1"), "new", style="notice"),
    Removed(EventId("e1"), "why"),
    Joined("Anna", "blob:1"),
    Left(),
    Left("banned", PersonId("p1"), "spam"),
    Profiled("Anna", was="Ann"),
    Described(topic=""),
    Described(name="x"),
    Configured(access="invite", history="joined", slow_seconds=0, archived=False),
    Configured(archived=True),
    Ranked(PersonId("p1"), "muted"),
    Told("failed", {"network": "matrix"}),
]


@pytest.mark.parametrize("content", CONTENTS, ids=repr)
def test_contents_come_back_as_they_were(content: Content) -> None:
    assert decode_content(encode_content(content)) == content
    assert "kind" not in content_as_dict(content)


def test_the_list_of_kinds_is_the_union() -> None:
    assert set(KINDS) == {kind_of(content) for content in CONTENTS}


@pytest.mark.parametrize("text", ["", "{}", '{"kind": "shouted"}', '{"kind": "said"}', '{"kind": "said", "text": 7}'])
def test_anything_else_is_no_content(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_content(text)


def test_ids_are_short_plain_and_new() -> None:
    made = {new_id("x") for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(len(one) == 17 and one.isalnum() and one.islower() for one in made)
    assert new_person_id().startswith("p")


def crash(target: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines of Python with a crash point armed."""
    environment = {**os.environ, "RIALTO_CRASH_AT": target}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


PASS_TWICE = "from bridge.model.crash import crash_point as c; c('appended'); print('once', flush=True); c('appended')"


@pytest.mark.parametrize(
    ("target", "code", "printed"),
    [("appended", -9, ""), ("appended:2", -9, "once\n"), ("inbox_committed", 0, "once\n"), ("", 0, "once\n")],
)
def test_a_crash_point_kills_at_the_named_passage(target: str, code: int, printed: str) -> None:
    ended = crash(target, PASS_TWICE)
    assert (ended.returncode, ended.stdout) == (code, printed)


def test_a_crash_point_that_does_not_exist_is_said() -> None:
    ended = crash("apended", "import bridge.model.crash")
    assert ended.returncode == 1
    assert "appended" in ended.stderr
