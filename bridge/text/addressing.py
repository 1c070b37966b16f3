"""Where a line calls somebody: the names after each `@`, outside of code and addresses. Pure text, whoever is meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from bridge.text.words import UNSPACED

LONGEST = 128
"""Names are looked at this far."""
MOST = 100
"""So many calls of one line are looked at."""

_AT = re.compile(r"(?<![a-z0-9_+%-])@")
_TICKS = re.compile("`+")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[^\s<>]+")
# What may not follow a name: more of a word, of a login name, or of somebody's Matrix ID.
_GOES_ON = re.compile(r"\w|[.:-][a-z0-9]")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_PILL = re.compile(r"matrix\.to/#/(?:@|%40)[^\"'<>/:?%]*_(p[0-9a-z]{16})(?::|%3a)", re.IGNORECASE)


def may_call(text: str, html: str = "") -> bool:
    """Tell, cheaply, whether a line can call anybody at all."""
    return "@" in text or "＠" in text or (html != "" and "matrix.to" in html)


def folded(name: str) -> str:
    """Return a name as it is compared: without regard to case and compatibility forms."""
    return unicodedata.normalize("NFKC", name).casefold()


def called(text: str, known: Callable[[str], bool], lengths: Collection[int]) -> Iterator[str]:
    """Give the known name after each `@` of a line, the longest where several fit.

    `known` is asked for folded names, which have one of `lengths`. A name ends where a word ends; in a script without
    spaces anywhere.
    """
    if not may_call(text):
        return
    line = _ADDRESS.sub(" ", _without_code(folded(text)))
    longest_first = sorted((length for length in lengths if length <= LONGEST), reverse=True)
    for match in islice(_AT.finditer(line), MOST):
        start = match.end()
        for length in longest_first:
            end = start + length
            if end <= len(line) and known(line[start:end]) and _ends(line, end):
                yield line[start:end]
                break


def pills(html: str) -> list[str]:
    """Return the IDs of our people to whose ghosts a line's HTML links, as Matrix clients write mentions."""
    return _PILL.findall(html) if "matrix.to" in html else []


def _ends(line: str, end: int) -> bool:
    if _GOES_ON.match(line, end) is None:
        return True
    return _UNSPACED.match(line, end) is not None or _UNSPACED.match(line, end - 1) is not None


def _without_code(text: str) -> str:
    """Take out what stands between two rows of equally many backticks, and behind a fence that nothing closes."""
    rows = list(_TICKS.finditer(text))
    if not rows:
        return text
    partner: dict[int, int] = {}
    seen: dict[int, int] = {}
    for index in range(len(rows) - 1, -1, -1):
        length = rows[index].end() - rows[index].start()
        if length in seen:
            partner[index] = seen[length]
        seen[length] = index
    kept: list[str] = []
    position, index = 0, 0
    while index < len(rows):
        row = rows[index]
        if index in partner:
            kept += (text[position : row.start()], " ")
            index = partner[index]
            position = rows[index].end()
        elif row.end() - row.start() >= 3 and text[: row.start()].rpartition("\n")[2].strip() == "":
            return "".join((*kept, text[position : row.start()]))
        index += 1
    return "".join((*kept, text[position:]))
