"""The readable part of a room's alias: made from the room's name, or checked when a person writes it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# What follows such a beginning names a chat on that network, so no room of ours may begin like it.
RESERVED: Final[tuple[str, ...]] = ("irc_", "xmpp_")

_LONGEST = 40
_SLUG = re.compile(r"[a-z0-9._-]{1,64}")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc`]")

# Letters that Unicode does not decompose although every reader of Latin script knows their plain form.
_PLAIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ħ": "h", "ı": "i", "ŋ": "n", "ŧ": "t"},
)


def slugify(name: str) -> str:
    """Return `name` as at most 40 characters of a-z, 0-9 and `-`, accents folded; "" when nothing is left.

    No network's reserved beginning can come out, since `_` never does. Slugging a slug changes nothing.
    """
    folded = unicodedata.normalize("NFKD", name).casefold().translate(_PLAIN)
    folded = "".join(char for char in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(char))
    slug = _NOT_SLUG.sub("-", _APOSTROPHES.sub("", folded)).strip("-")
    return slug[:_LONGEST].strip("-")


def is_slug(s: str) -> bool:
    """Say whether `s` may stand after `rialto_` in an alias: 1 to 64 of a-z 0-9 . _ -, no reserved beginning."""
    return _SLUG.fullmatch(s) is not None and not s.startswith(RESERVED)
