"""Where a line calls somebody: names after `@`, the longest that fits, and not in code or addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.addressing import MOST, called, folded, may_call, pills

NAMES = {folded(name) for name in ("anna", "Anna Maria", "bob", "小明", "小明明", "zoë", "Дима", "a.b", "o'neil")}
LENGTHS = {len(name) for name in NAMES}


def found(text: str) -> list[str]:
    return list(called(text, NAMES.__contains__, LENGTHS))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@anna", ["anna"]),
        ("hello @ANNA!", ["anna"]),
        ("@anna, @bob: come", ["anna", "bob"]),
        ("(@anna)", ["anna"]),
        ("@Anna Maria is here", ["anna maria"]),
        ("@anna marian", ["anna"]),
        ("@annabel", []),
        ("@anna_b", []),
        ("@anna.smith", []),
        ("@anna-lena", []),
        ("thanks @anna.", ["anna"]),
        ("@anna:example.org", []),
        ("@anna: hello", ["anna"]),
        ("@anna's turn", ["anna"]),
        ("me@anna.org", []),
        ("me+x@anna", []),
        ("@ anna", []),
        ("@@anna", ["anna"]),
        ("谢谢@小明你看", ["小明"]),
        ("@小明明在吗", ["小明明"]),
        ("＠小明", ["小明"]),
        ("你好@anna看看", ["anna"]),
        ("@zoe\u0308", ["zoë"]),
        ("@дима", ["дима"]),
        ("@a.b ok", ["a.b"]),
        ("@o'neil", ["o'neil"]),
        ("`@anna`", []),
        ("``@anna ` @bob``", []),
        ("```\n@anna\n``` @bob", ["bob"]),
        ("```\n@anna", []),
        ("it`s @anna", ["anna"]),
        ("`a` @anna `b`", ["anna"]),
        ("https://example.org/@anna", []),
        ("see https://example.org/ @anna", ["anna"]),
        ("https://x.y/@anna) @bob", ["bob"]),
        ("no name", []),
        ("@nobody", []),
    ],
)
def test_who_is_called(text: str, names: list[str]) -> None:
    assert found(text) == names


@given(st.text(alphabet=st.sampled_from("@`\n anb小明.:_"), max_size=60))
def test_only_known_names_are_called_and_only_by_a_line_that_may(text: str) -> None:
    names = found(text)
    assert set(names) <= NAMES
    assert not names or may_call(text)


@given(
    st.sampled_from(sorted(NAMES)),
    st.sampled_from(["", " ", "hello ", "（", "\n"]),
    st.sampled_from(["", " ", "!", "。"]),
)
def test_a_name_alone_is_always_called(name: str, before: str, after: str) -> None:
    assert found(f"{before}@{name}{after}") == [name]


@pytest.mark.timeout(20)  # a second at most; only something quadratic goes beyond
def test_a_line_that_is_made_to_be_slow_is_not() -> None:
    for text in ("@" * 16_000, "`" * 16_000, "`a``" * 4_000, "a://" * 4_000, " ".join("`" * n for n in range(1, 170))):
        assert found(text) == []
    assert found("@anna " * 2_700) == ["anna"] * MOST


def test_links_to_ghosts() -> None:
    one, two = "p0123456789abcdef", "pzzzzzzzzzzzzzzzz"
    html = (
        f'<a href="https://matrix.to/#/@rialto_{one}:example.org">Anna</a>, '
        f'<a href="https://matrix.to/#/%40rialto_{two}%3Aexample.org">Bob</a> and '
        '<a href="https://matrix.to/#/@carl:example.org">Carl</a>'
    )
    assert pills(html) == [one, two]
    assert may_call("Anna, Bob", html)
    assert pills("<b>bold</b>") == []
    assert not may_call("Anna, Bob", "<b>Anna</b>")
