"""Cuts a long text into pieces that fit a network's limit in bytes, where a reader minds it least."""

from __future__ import annotations

import re

from bridge.text.characters import boundary, is_wide

_LONGEST_CODE_POINT = 4
_BLANK = re.compile(r"\s")


def split(text: str, max_bytes: int) -> list[str]:
    """Return `text` as pieces of at most `max_bytes` UTF-8 bytes each; the empty text gives no piece.

    Cuts fall at line breaks, else between words (Chinese and its like: between characters), else between grapheme
    clusters; a code point is never cut. Joined, the pieces give the text back up to white space at the cuts.
    Linear in the length. Raises ValueError when `max_bytes` is too small for any one code point (under 4).
    """
    if max_bytes < _LONGEST_CODE_POINT:
        raise ValueError(f"max_bytes must be at least {_LONGEST_CODE_POINT}, not {max_bytes}")
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = start + _fitting(text[start : start + max_bytes], max_bytes)
        if end == len(text):
            pieces.append(text[start:])
            break
        cut, resume = _cut(text, start, end)
        piece = text[start:cut].rstrip()
        if piece:
            pieces.append(piece)
        start = resume
    return pieces


def _fitting(window: str, max_bytes: int) -> int:
    """Return how many code points of `window` fit in `max_bytes` bytes."""
    # A lone surrogate has no UTF-8; three bytes are counted for it, and who sends it must scrub it anyway.
    encoded = window.encode("utf-8", "surrogatepass")
    if len(encoded) <= max_bytes:
        return len(window)
    end = max_bytes
    while encoded[end] & 0xC0 == 0x80:
        end -= 1
    return len(encoded[:end].decode("utf-8", "surrogatepass"))


def _cut(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the piece from `start` ends, at `end` or before, and where the next one begins."""
    newline = text.rfind("\n", start + 1, end + 1)
    if newline > start:
        # The indentation of the next line is kept: it may be code.
        return newline, newline + 1
    if _BLANK.match(text[end]):
        return end, _after_blanks(text, end)
    whole = boundary(text, end, start)
    if whole > start and is_wide(text[whole - 1]):
        return whole, whole
    blank = _last_blank(text, start + 1, end)
    if blank > start and text[start:blank].strip():
        return blank, blank + 1
    # A single cluster longer than a piece has to be cut inside.
    return (whole, whole) if whole > start else (end, end)


def _after_blanks(text: str, index: int) -> int:
    """Skip the spaces before the next word; a line break ends them, so that an indented line keeps its look."""
    while index < len(text) and _BLANK.match(text[index]):
        index += 1
        if text[index - 1] == "\n":
            break
    return index


def _last_blank(text: str, start: int, end: int) -> int:
    """Return the last place in `text[start:end]` that holds white space, or -1; it must not part a cluster."""
    for index in range(end - 1, start - 1, -1):
        if _BLANK.match(text[index]) and boundary(text, index + 1, index) == index + 1:
            return index
    return -1
