"""Display names: what may be shown of them, when two look alike, and how to keep people apart who share one."""

from __future__ import annotations

import unicodedata
from collections.abc import Container
from itertools import count

from bridge.text.characters import (
    EMOJI_STYLE,
    ZERO_WIDTH_JOINER,
    boundary,
    is_emoji,
    is_invisible,
    is_mark,
    is_space,
)
from bridge.text.confusables import LETTERS, PAIRS

# More marks on one letter than any script needs are there to smear over the lines above and below.
_MOST_MARKS = 4
# Room for any shown name with its hint after the widest compatibility forms are written out.
_LONGEST_SKELETON = 4096
# A name may hold this many times its limit in characters that are not shown; what comes later is not looked at.
_LOOK_AHEAD = 64


def clean(name: str, *, limit: int = 64) -> str:
    """Return `name` as it may be shown: NFC, at most `limit` code points, or "" when nothing readable remains.

    Controls, zero-width and bidirectional characters, tags, variation selectors and private-use characters go, except
    joiners and colour selectors inside emoji; white space becomes single spaces, none at the ends; marks without a
    letter and heaps of marks are cut. A cut falls between grapheme clusters. Cleaning twice changes nothing.
    """
    text = unicodedata.normalize("NFC", name[: limit * _LOOK_AHEAD])
    kept: list[str] = []
    marks = 0
    for index, char in enumerate(text):
        if is_mark(char) and not is_invisible(char):
            marks += 1
            if kept and kept[-1] != " " and marks <= _MOST_MARKS:
                kept.append(char)
        elif char in (ZERO_WIDTH_JOINER, EMOJI_STYLE):
            if _joins_emoji(text, index, kept):
                kept.append(char)
        elif is_space(char):
            marks = 0
            if kept and kept[-1] != " ":
                kept.append(" ")
        elif not is_invisible(char):
            marks = 0
            kept.append(char)
    cleaned = _trimmed(unicodedata.normalize("NFC", "".join(kept)))
    if len(cleaned) <= limit:
        return cleaned
    return _trimmed(cleaned[: boundary(cleaned, limit) or limit])


def skeleton(name: str) -> str:
    """Return what is left of `name` when all that a reader may overlook is taken off: equal means "looks alike".

    Case, accents, spaces, punctuation, compatibility forms and the letters of other scripts that look Latin are
    folded. Only for comparing, never shown. It is "" only for a name that `clean` empties; a name of nothing but
    punctuation stands for itself. The skeleton of a skeleton is the same.
    """
    cleaned = clean(name, limit=_LONGEST_SKELETON)
    return _folded(cleaned) or cleaned.casefold()


def distinct(name: str, taken: Container[str], hint: str) -> str:
    """Return `name`, cleaned, or with `hint` behind it (and a number from 2) until its skeleton is not in `taken`.

    `taken` holds skeletons. An empty name becomes the hint, and then only numbers follow. The result may be longer
    than `clean` allows by the length of the hint.
    """
    cleaned, note = clean(name), clean(hint)
    first = cleaned or note
    if first and skeleton(first) not in taken:
        return first
    for number in count(1):
        words = [note] if cleaned and note else []
        if number > 1:
            words.append(str(number))
        candidate = f"{first} ({' '.join(words)})".strip()
        if words and skeleton(candidate) not in taken:
            return candidate
    raise AssertionError("unreachable: the numbers never end")


def _joins_emoji(text: str, index: int, kept: list[str]) -> bool:
    before = kept[-1] if kept else ""
    if text[index] == EMOJI_STYLE:
        return before != "" and (is_emoji(before) or text[index + 1 : index + 2] == "\u20e3")
    after = text[index + 1 : index + 2]
    return (before == EMOJI_STYLE or (before != "" and is_emoji(before))) and after != "" and is_emoji(after)


def _trimmed(text: str) -> str:
    """Take off spaces at the end, and a joiner that a cut has left there."""
    return text.rstrip(" " + ZERO_WIDTH_JOINER)


def _folded(text: str) -> str:
    # A letter of the table may stand for one that folds again (ſ, K), and marks come off before and after.
    folded = _without_marks(unicodedata.normalize("NFKD", text)).translate(LETTERS).casefold()
    folded = _without_marks(unicodedata.normalize("NFKD", folded)).translate(LETTERS)
    solid = "".join(char for char in folded if unicodedata.category(char)[0] not in "PZC")
    for pair, single in PAIRS:
        solid = solid.replace(pair, single)
    return unicodedata.normalize("NFC", solid)


def _without_marks(text: str) -> str:
    """Take off the marks of alphabets; those that make another letter of a syllable (か, が; Indic vowels) stay."""
    kept: list[str] = []
    for char in text:
        if is_mark(char) and (not kept or ord(kept[-1]) < 0x0700 or ord(char) < 0x0700 or _general(char)):
            continue
        kept.append(char)
    return "".join(kept)


def _general(mark: str) -> bool:
    return "\u1ab0" <= mark <= "\u1aff" or "\u1dc0" <= mark <= "\u20ff" or "\ufe00" <= mark <= "\ufe2f"
