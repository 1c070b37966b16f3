"""What single characters are and how they join: illegal ones, invisible ones, and grapheme clusters."""

from __future__ import annotations

import re
import unicodedata

ZERO_WIDTH_JOINER = "\u200d"
EMOJI_STYLE = "\ufe0f"

# Control characters other than tab and line feed, and lone surrogates: no database and no wire takes them all.
_ILLEGAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")

# Drawn as nothing (or as an empty box that looks like nothing) though their category says otherwise.
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\U0001d159")
_BLANK_SYMBOLS = frozenset("\u2800")
_VARIATION_SELECTORS = frozenset(
    {0x180B, 0x180C, 0x180D, 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)},
)


def scrub(text: str) -> str:
    """Return `text` with CR LF and CR as line feeds, control characters gone and lone surrogates as U+FFFD.

    Tab and line feed stay. The result can always be encoded as UTF-8. Linear, and scrubbing twice changes nothing.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\ufffd", _ILLEGAL.sub("", text))


def is_space(char: str) -> bool:
    """Say whether a reader sees nothing but room between letters (Unicode spaces, line ends, the blank Braille)."""
    return char.isspace() or char in _BLANK_SYMBOLS or unicodedata.category(char).startswith("Z")


def is_invisible(char: str) -> bool:
    """Say whether a character draws nothing of its own or has no agreed look.

    True for controls, format characters (zero-width, bidirectional, tags), variation selectors, fillers, surrogates,
    private-use characters and noncharacters. Unassigned code points count as visible: new emoji are
    unassigned to an older Python.
    """
    if char < "\x7f":
        return char < " "
    point = ord(char)
    if char in _BLANK_LETTERS or point in _VARIATION_SELECTORS:
        return True
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co"):
        return True
    noncharacter = (point & 0xFFFE) == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    ignorable = point == 0x2065 or 0xFFF0 <= point <= 0xFFF8 or 0xE0000 <= point <= 0xE0FFF
    return noncharacter or ignorable


def is_mark(char: str) -> bool:
    """Say whether a character is drawn on the one before it (a combining or enclosing mark)."""
    return char > "\u02ff" and unicodedata.category(char) in ("Mn", "Me", "Mc")


def is_emoji(char: str) -> bool:
    """Say whether a character is a pictograph that zero-width joiners may tie to another (families, flags, skin)."""
    point = ord(char)
    if 0x1F000 <= point <= 0x1FAFF:
        return True
    symbol = 0x2190 <= point <= 0x2BFF and unicodedata.category(char) in ("So", "Sm")
    return symbol and char not in _BLANK_SYMBOLS


def is_wide(char: str) -> bool:
    """Say whether lines may break beside a character without a space, as between Chinese characters."""
    return char > "\u2e7f" and unicodedata.east_asian_width(char) in ("W", "F")


def inside_cluster(text: str, index: int, start: int = 0) -> bool:
    """Say whether a cut of `text` before `index` would part what is drawn as one character.

    Follows the main rules of Unicode annex 29: CR LF, marks, joiners, skin tones, tags, conjoining Hangul, flags.
    `start` is a known boundary before `index`, from which pairs of flag letters are counted.
    """
    if index <= start or index >= len(text):
        return False
    before, after = text[index - 1], text[index]
    if before < "\x80" and after < "\x80":
        return before == "\r" and after == "\n"
    if is_mark(after) or after in (ZERO_WIDTH_JOINER, "\u200c"):
        return before != "\n"
    if 0x1F3FB <= ord(after) <= 0x1F3FF or 0xE0020 <= ord(after) <= 0xE007F:
        return True
    if before == ZERO_WIDTH_JOINER:
        return is_emoji(after)
    if _is_flag_letter(after):
        return _flag_letters_before(text, index, start) % 2 == 1
    return _hangul_joins(ord(before), ord(after))


def boundary(text: str, index: int, start: int = 0) -> int:
    """Return the last place at or before `index` where `text[start:]` can be cut between clusters; `start` if none."""
    while index > start and inside_cluster(text, index, start):
        index -= 1
    return index


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flag_letters_before(text: str, index: int, start: int) -> int:
    first = index
    while first > start and _is_flag_letter(text[first - 1]):
        first -= 1
    return index - first


def _hangul_joins(before: int, after: int) -> bool:
    if 0x1160 <= after <= 0x11A7:
        return 0x1100 <= before <= 0x11A7 or 0xAC00 <= before <= 0xD7A3
    if 0x11A8 <= after <= 0x11FF:
        return 0x1160 <= before <= 0x11FF or 0xAC00 <= before <= 0xD7A3
    return 0x1100 <= after <= 0x115F and 0x1100 <= before <= 0x115F
