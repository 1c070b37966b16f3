"""The page's languages: which one a visitor wants, and its strings."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
from aiohttp import web

from bridge.model.errors import Refused

FOR_FAILURES = "error."
"""Begins the key of the string for a refusal; its code follows."""

COOKIE = "rialto_lang"
CODES = ("en", "zh")
_FOLDER = Path(__file__).parent / "strings"


class Language:
    """One language, as the server speaks it: the document around the page, and failures without it."""

    def __init__(self, code: str, strings: dict[str, str]) -> None:
        self.code = code
        self.strings = strings

    def t(self, key: str) -> str:
        """Return a string; raise `KeyError` for a key that is not there."""
        return self.strings[key]

    def failure(self, refusal: Refused) -> str:
        """Return what went wrong in this language, or as the server says it where there is no string for it."""
        return self.strings.get(FOR_FAILURES + refusal.reason_code, refusal.message)


@cache
def language(code: str) -> Language:
    """Return a language, read once."""
    raw = (_FOLDER / f"{code}.json").read_bytes()
    return Language(code, msgspec.json.decode(raw, type=dict[str, str]))


def wanted(request: web.Request) -> Language:
    """Return the visitor's language: the one chosen on the page, else the browser's, else English."""
    chosen = request.cookies.get(COOKIE, "")
    return language(chosen if chosen in CODES else _accepted(request.headers.get("Accept-Language", "")))


def _accepted(header: str) -> str:
    best, weight = CODES[0], 0.0
    for part in header.split(","):
        name, _, parameter = part.partition(";")
        code = name.strip().lower().partition("-")[0]
        try:
            quality = float(parameter.strip().removeprefix("q=") or "1")
        except ValueError:
            continue
        if code in CODES and quality > weight:
            best, weight = code, quality
    return best
