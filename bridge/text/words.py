"""Text as the full-text index knows it: the words of a line, and the query that finds them.

Neither database finds Chinese: both split at spaces alone. So words are cut here, alike for lines and for queries, and
the databases only look them up. A run of a script that is written without spaces becomes the overlapping pairs of its
characters and, at its end, the last character alone: then every part of the run is a phrase of pairs that follow one
another, and a single character is the beginning of a pair.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from bridge.model.search import Asked, Part, has_link
from bridge.text.characters import is_invisible

WORD_CHARS = 64
"""A longer word is cut off here, in a line as in a query."""
LINE_WORDS = 16_000
"""What comes later in a line is not found (PostgreSQL counts positions up to 16,383)."""
QUERY_PARTS = 16
QUERY_WORDS = 64
PREFIX_CHARS = 2
"""A last word of fewer characters is no beginning of others: it would be one of half the index."""

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c"  # radicals, marks of repetition, numbers
    "\u3040-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # Hiragana, Katakana, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00016fe0-\U00018cff\U0001aff0-\U0001b16f\U00020000-\U0003ffff"  # Han
)
_RUNS = re.compile(f"([{UNSPACED}]+)|([^{UNSPACED} ]+)")
_ASCII_WORDS = re.compile("[a-z0-9]+")
_PARTS = re.compile(r'"([^"]*)"?|([^"\s]+)')
_QUOTES = str.maketrans("“”„‟〝〞＂", '"' * 7)


def words(text: str) -> list[str]:
    """Return what is indexed of a line, in order: folded words of letters, digits and their marks, without spaces,
    quotes or any other punctuation in them. Linear; at most `LINE_WORDS`."""
    cut: list[str] = []
    for run, unspaced in _runs(text):
        if unspaced:
            cut += _pairs(run)
            cut.append(run[-1])
        else:
            cut.append(run[:WORD_CHARS])
        if len(cut) >= LINE_WORDS:
            break
    return cut[:LINE_WORDS]


def query(text: str) -> list[Part]:
    """Return what a line must contain, all of it: the words of `text`, where quotes hold a phrase together.

    The last word may be the beginning of one, unless it is quoted or a space follows. Words that only punctuation
    parts (`well-known`, `3.14`) are a phrase. What goes beyond `QUERY_WORDS` is not looked for. Empty where there is
    nothing to look for.
    """
    parts: list[Part] = []
    left = QUERY_WORDS
    for match in _PARTS.finditer(text.translate(_QUOTES)):
        typing = match.end() == len(text) and match[2] is not None
        part = _part(match[2] or match[1] or "", typing=typing)
        if len(part.words) > left:
            part = Part(part.words[:left])
        if part.words and len(parts) < QUERY_PARTS:
            parts.append(part)
            left -= len(part.words)
    return parts


def matches(parts: Sequence[Part], line: Sequence[str]) -> bool:
    """Tell whether a line with these words contains all parts, as the index would."""
    return all(any(_begins(part, line, start) for start in range(len(line))) for part in parts)


def says(asked: Asked, said: str) -> bool:
    """Tell whether a line with this text is one of those that are asked for."""
    return matches(asked.parts, words(said)) and (not asked.link or has_link(said))


def _part(text: str, *, typing: bool) -> Part:
    runs = list(_runs(text))
    cut: list[str] = []
    prefix = False
    for index, (run, unspaced) in enumerate(runs):
        last = index == len(runs) - 1
        if not unspaced:
            cut.append(run[:WORD_CHARS])
            prefix = last and typing and len(run) >= PREFIX_CHARS
            continue
        cut += _pairs(run)
        if len(run) == 1 or not last:
            cut.append(run[-1])
            prefix = last
    return Part(tuple(cut), prefix)


def _begins(part: Part, line: Sequence[str], start: int) -> bool:
    """Tell whether the part stands at this place of a line."""
    end = start + len(part.words)
    if end > len(line):
        return False
    if not part.prefix:
        return tuple(line[start:end]) == part.words
    return tuple(line[start : end - 1]) == part.words[:-1] and line[end - 1].startswith(part.words[-1])


def _pairs(run: str) -> Iterator[str]:
    return (run[index : index + 2] for index in range(len(run) - 1))


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Give the runs of letters and digits, folded, each with whether its script is written without spaces."""
    if text.isascii():
        for word in _ASCII_WORDS.findall(text.lower()):
            yield word, False
        return
    for match in _RUNS.finditer(_folded(text).translate(_LETTERS)):
        yield match[0], match[1] is not None


def _folded(text: str) -> str:
    # Folding case may leave a form that is composed once more, and the other way round.
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded)


class _Letters(dict[int, str | None]):
    """Letters, digits and marks stay; what draws nothing goes; everything else is a space. Learned as it is met."""

    def __missing__(self, point: int) -> str | None:
        char = chr(point)
        category = unicodedata.category(char)
        kept: str | None = " "
        if category == "Cf" or (category[0] in "LNM" and is_invisible(char)):
            kept = None
        elif category[0] in "LNM":
            kept = char
        self[point] = kept
        return kept


_LETTERS = _Letters()
