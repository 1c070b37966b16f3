"""Takes the quoted copy of the answered message (the legacy rich-reply fallback) off a Matrix reply."""

from __future__ import annotations

import re

# Only the quote that clients made by themselves names a user ID first; a quote without one was typed by a person.
_FALLBACK = re.compile(r"> (?:\* )?<@[^>\n]*>")
_MX_REPLY = re.compile(r"\s*<mx-reply(?:\s[^>]*)?>.*?</mx-reply\s*>", re.DOTALL | re.IGNORECASE)


def strip_fallback(body: str, html: str | None) -> tuple[str, str | None]:
    """Return the body and the formatted body of a reply without the fallback of the specification before v1.13.

    Call it only for an event that is known to be a reply. A body that holds nothing but the fallback is returned as
    it came, so that it never becomes empty; HTML of which nothing is left becomes None. Linear in the length.
    """
    return _strip_body(body), None if html is None else _strip_html(html)


def _strip_body(body: str) -> str:
    if _FALLBACK.match(body) is None:
        return body
    lines = body.split("\n")
    end = 0
    while end < len(lines) and lines[end].startswith(">"):
        end += 1
    if end < len(lines) and not lines[end].strip():
        end += 1
    rest = "\n".join(lines[end:])
    return rest if rest.strip() else body


def _strip_html(html: str) -> str | None:
    fallback = _MX_REPLY.match(html)
    if fallback is None:
        return html
    rest = html[fallback.end() :].lstrip()
    return rest or None
