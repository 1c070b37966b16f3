"""`split`: every piece fits, nothing is lost, and cuts fall where they hurt least."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.text.characters import boundary, inside_cluster, scrub
from bridge.text.splitting import split


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 10, []),
        ("hello", 10, ["hello"]),
        ("hello", 5, ["hello"]),
        ("hello world", 10, ["hello", "world"]),
        ("hello world", 11, ["hello world"]),
        ("hello   world", 6, ["hello", "world"]),
        ("one two three", 8, ["one two", "three"]),
        ("one\ntwo three", 10, ["one", "two three"]),
        ("one\n  two", 7, ["one", "  two"]),
        ("a\r\nb c d", 5, ["a", "b c d"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("short https://example.org/abc", 25, ["short", "https://example.org/abc"]),
        # Chinese has no spaces: three bytes a character, any place will do.
        ("你好世界", 7, ["你好", "世界"]),
        ("ok 你好世界", 10, ["ok 你好", "世界"]),
        # Clusters stay whole: a letter with its accent, a family, a flag, a skin tone, Hangul parts.
        ("abce\u0301f", 5, ["abc", "e\u0301f"]),
        ("x👨‍👩‍👧", 18, ["x", "👨‍👩‍👧"]),
        ("a🇫🇷🇩🇪", 13, ["a🇫🇷", "🇩🇪"]),
        ("abc👍🏽", 8, ["abc", "👍🏽"]),
        ("ab\u1112\u1161\u11ab", 10, ["ab", "\u1112\u1161\u11ab"]),
        # Where it cannot be helped, code points stay whole.
        ("👨‍👩‍👧", 8, ["👨\u200d", "👩\u200d", "👧"]),
    ],
)
def test_known_cases(text: str, limit: int, pieces: list[str]) -> None:
    assert split(text, limit) == pieces


@pytest.mark.parametrize("limit", [3, 0, -1])
def test_a_limit_that_fits_no_code_point_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="at least 4"):
        split("x", limit)


texts = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("ab \n你👩\u200d\u0301🇫🇷🏽")), max_size=300)


@given(texts, st.integers(4, 60))
def test_pieces_fit_and_hold_everything_in_order(text: str, limit: int) -> None:
    position = 0
    for piece in split(text, limit):
        assert piece
        assert len(piece.encode("utf-8", "surrogatepass")) <= limit
        found = text.index(piece, position)
        assert not text[position:found].strip()
        position = found + len(piece)
    assert not text[position:].strip()


@given(texts)
def test_what_fits_stays_whole(text: str) -> None:
    assert split(text, 4096) == ([text] if text else [])


@given(texts.map(scrub), st.integers(64, 120))
def test_clusters_that_fit_are_never_parted(text: str, limit: int) -> None:
    clusters = _clusters(text)
    assume(all(len(cluster.encode()) * 2 <= limit for cluster in clusters))
    edges = {0}
    for cluster in clusters:
        edges.add(max(edges) + len(cluster))
    position = 0
    for piece in split(text, limit):
        position = text.index(piece, position)
        assert position in edges
        position += len(piece)
        # White space taken off the end of a piece may have carried a mark, which is then still inside its cluster.
        assert position in edges or text[position].isspace()


@pytest.mark.parametrize("char", ["x", " ", "\n", "你", "\u0301", "🇫", "👩\u200d", "a\n", "a "])
def test_bulk_is_no_trouble(char: str) -> None:
    text = char * (65_536 // len(char))
    pieces = split(text, 400)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_boundaries() -> None:
    assert not inside_cluster("ab", 1)
    assert not inside_cluster("ab", 0)
    assert not inside_cluster("ab", 2)
    assert inside_cluster("\r\n", 1)
    assert boundary("ae\u0301\u0302", 3) == 1
    assert boundary("🇫🇷🇩🇪", 3) == 2
    assert boundary("🇫🇷🇩🇪", 2) == 2
    assert boundary("\u0301\u0301\u0301", 2) == 0


@given(st.text())
def test_scrubbed_text_can_be_stored_and_sent(text: str) -> None:
    clean = scrub(text)
    clean.encode()
    assert "\x00" not in clean
    assert "\r" not in clean
    assert scrub(clean) == clean


def _clusters(text: str) -> list[str]:
    clusters: list[str] = []
    start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or not inside_cluster(text, index, start):
            clusters.append(text[start:index])
            start = index
    return clusters
