"""Reads HTML of any quality as a flat stream of tokens, in time linear in its length.

The standard library's parser takes half a minute over 64 KiB of `<a <a <a`, and an HTML5 tree builder makes
megabytes out of ten kilobytes of misnested tags; an event from a stranger must not be able to do either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape


@dataclass(frozen=True, slots=True)
class Text:
    """Characters between tags, with character references resolved."""

    data: str


@dataclass(frozen=True, slots=True)
class Start:
    """An opening tag; names are lower case, the first of two attributes of one name counts."""

    tag: str
    attrs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class End:
    """A closing tag; the name is lower case."""

    tag: str


Token = Text | Start | End

_TAG_NAME = re.compile(r"[A-Za-z][^\t\n\f\r />]*")
_SPACE = r"[\t\n\f\r ]"  # narrower than \s, as the standard has it
_ATTRIBUTE = re.compile(
    r"""[\t\n\f\r /]*([^\t\n\f\r />][^\t\n\f\r />=]*)"""
    rf"""(?:{_SPACE}*={_SPACE}*("[^"]*"|'[^']*'|[^\t\n\f\r >"'][^\t\n\f\r >]*|(?=>)))?""",
)
_EQUALS = re.compile(rf"{_SPACE}*=")
_TAG_END = re.compile(r"[\t\n\f\r /]*>")
_COMMENT_END = re.compile(r"--!?>")

# Contents that are characters, not tags, up to the closing tag of the same name.
_RAW = {
    tag: re.compile(rf"</{tag}(?=[\t\n\f\r />])", re.IGNORECASE | re.ASCII)
    for tag in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript")
}


def tokens(html: str) -> Iterator[Token]:
    """Yield what `html` holds, as the tokenizer of the HTML standard would; comments and declarations are left out.

    The contents of raw elements (script, style, title, textarea, iframe …) come as one Text, references untouched.
    A tag, comment or raw element that never ends swallows the rest, as it does in a browser. Never raises.
    """
    position = 0
    while position < len(html):
        bracket = html.find("<", position)
        if bracket < 0:
            yield Text(unescape(html[position:]))
            return
        following = html[bracket + 1 : bracket + 3]
        if not _opens_markup(following):
            # A lone "<" is text; it is found again at once, so the text before it goes out with it.
            yield Text(unescape(html[position : bracket + 1]))
            position = bracket + 1
            continue
        if bracket > position:
            yield Text(unescape(html[position:bracket]))
        if following[0] in "!?" or (following[0] == "/" and not _is_letter(following[1:])):
            position = _after_comment(html, bracket)
            continue
        token, position = _tag(html, bracket)
        if token is None:
            return
        yield token
        if isinstance(token, Start) and token.tag in _RAW:
            end = _RAW[token.tag].search(html, position)
            yield Text(html[position : end.start() if end else len(html)])
            position = end.start() if end else len(html)


def _opens_markup(following: str) -> bool:
    if following[:1] == "/":
        return len(following) > 1
    return following[:1] in ("!", "?") or _is_letter(following[:1])


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _after_comment(html: str, bracket: int) -> int:
    """Return where the comment or declaration that begins at `bracket` is over; the end of `html` if it never is."""
    if html.startswith(("<!-->", "<!--->"), bracket):
        return html.index(">", bracket) + 1
    if html.startswith("<!--", bracket):
        end = _COMMENT_END.search(html, bracket + 4)
        return end.end() if end else len(html)
    close = html.find(">", bracket)
    return close + 1 if close >= 0 else len(html)


def _tag(html: str, bracket: int) -> tuple[Start | End | None, int]:
    """Read the tag at `bracket`; None when `html` ends before the tag does. Also returns where the tag is over."""
    closing = html[bracket + 1] == "/"
    name = _TAG_NAME.match(html, bracket + 1 + closing)
    if name is None:
        return None, len(html)
    attrs: dict[str, str] = {}
    position = name.end()
    while (end := _TAG_END.match(html, position)) is None:
        attribute = _ATTRIBUTE.match(html, position)
        if attribute is None:
            return None, len(html)
        if attribute[2] is None and _EQUALS.match(html, attribute.end()):
            # The value opens with a quote that never closes.
            return None, len(html)
        attrs.setdefault(attribute[1].lower(), _value(attribute[2]))
        position = attribute.end()
    tag = name[0].lower()
    return (End(tag) if closing else Start(tag, attrs)), end.end()


def _value(quoted: str | None) -> str:
    if not quoted:
        return ""
    if quoted[0] in "\"'":
        quoted = quoted[1:-1]
    return unescape(quoted)
