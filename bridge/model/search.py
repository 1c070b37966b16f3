"""What is searched for, and what is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from bridge.model.events import Entry
from bridge.model.ids import PersonId, RoomId


class Part(msgspec.Struct, frozen=True):
    """Words that must follow one another; with `prefix` the last of them is only a word's beginning."""

    words: tuple[str, ...]
    prefix: bool = False


class Asked(msgspec.Struct, frozen=True):
    """What is searched for: `parts` as `text.words.query` gives them, `rooms` with the first number that may be read
    in each, `who` wrote it, `link` where it must have one, `below` the row (exclusive) under which the page begins."""

    parts: Sequence[Part]
    rooms: Mapping[RoomId, int]
    who: PersonId | None = None
    link: bool = False
    below: int | None = None


class Found(msgspec.Struct, frozen=True):
    """A page of hits as they read now, newest first; `next` is the row under which the following page begins, None
    where there are no more."""

    hits: list[Entry]
    next: int | None = None


def has_link(said: str) -> bool:
    """Tell whether a line's text holds an address of the web."""
    return "http://" in said or "https://" in said
