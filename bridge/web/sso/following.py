"""Where a visitor goes once signed in."""

from __future__ import annotations

import re
from urllib.parse import urlencode

START = "/"
DOOR = "/login"
_INVITE = re.compile(r"/invite/([A-Za-z0-9_-]{1,128})")


def local_path(wanted: str | None) -> str:
    """Return a path on this server, never an address elsewhere."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return START
    return wanted if wanted.isprintable() else START


def door(code: str, following: str) -> str:
    """Return the address of the page's sign-in view, which says what went wrong and goes on from there."""
    more = {} if following == START else {"next": following}
    return f"{DOOR}?{urlencode({'error': code, **more})}"


def invite_of(following: str) -> str:
    """Return the token of the invite to which a path leads, or "": whoever is on the way there has it."""
    found = _INVITE.fullmatch(following)
    return found[1] if found else ""
