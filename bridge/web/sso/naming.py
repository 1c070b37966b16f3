"""Names for people who come from elsewhere: made of what they are called there, and distinct here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import count

from bridge.core.native import PERSON_NAME_CHARS
from bridge.text.names import clean

LOGIN_CHARS = 32
NOBODY = "user"
_TRIES = 100_000
_NOT_LOGIN = re.compile(r"[^a-z0-9._-]+")


def logins(wish: str) -> Iterator[str]:
    """Yield login names: the wish in the characters that login names have, then with 2, 3, … behind it."""
    return _numbered(_login(wish) or NOBODY, LOGIN_CHARS, "{name}{number}")


def shown_names(wish: str, login: str) -> Iterator[str]:
    """Yield display names: the wish, or else the login name, then with (2), (3), … behind it."""
    name = clean(wish, limit=PERSON_NAME_CHARS) or clean(login, limit=PERSON_NAME_CHARS) or NOBODY
    return _numbered(name, PERSON_NAME_CHARS, "{name} ({number})")


def _login(wish: str) -> str:
    """Return the part before the @ of what may be an address, in plain small letters."""
    local = wish.strip().lstrip("@").partition("@")[0]
    folded = unicodedata.normalize("NFKD", local).casefold()
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    return _NOT_LOGIN.sub("-", plain).strip("._-")[:LOGIN_CHARS].strip("._-")


def _numbered(name: str, limit: int, form: str) -> Iterator[str]:
    yield name
    for number in count(2):
        if number > _TRIES:
            return
        spare = len(form.format(name="", number=number))
        yield form.format(name=name[: limit - spare].rstrip(), number=number)
