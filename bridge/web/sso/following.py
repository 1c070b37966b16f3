"""Where a visitor goes once signed in."""

from __future__ import annotations

from urllib.parse import urlencode

START = "/"
DOOR = "/login"


def local_path(wanted: str | None) -> str:
    """Return a path on this server, never an address elsewhere."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return START
    return wanted if wanted.isprintable() else START


def door(code: str, following: str) -> str:
    """Return the address of the page's sign-in view, which says what went wrong and goes on from there."""
    more = {} if following == START else {"next": following}
    return f"{DOOR}?{urlencode({'error': code, **more})}"
