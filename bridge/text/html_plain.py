"""Reads Matrix HTML out as plain text, for networks, logs and readers that have no formatting."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from bridge.text.html_balance import balanced
from bridge.text.html_policy import HEADINGS
from bridge.text.html_tokens import Start, Text

# Deeper quotes and lists are drawn at this depth, so that a line never becomes mostly margin.
_DEEPEST_MARGIN = 8
_PARAGRAPHS = HEADINGS | {"p", "blockquote", "pre", "table", "ul", "ol"}
_LINES = frozenset({"li", "div", "tr", "caption", "details", "summary"})
_BLANKS = re.compile(r"[\t\n\r ]+")
_MENTION = re.compile(r"(?:https://matrix\.to/#/|matrix:(?:u|user|r|roomid)/).+", re.IGNORECASE)


def to_text(html: str) -> str:
    """Return what `html` says as readable lines, without white space at either end.

    Paragraphs are parted by an empty line, list items begin with `- ` or their number, quotes with `> `, cells are
    parted by ` | `; a link is its text, with the URL after it in brackets where that says more; spoilers stand in
    `||`; code keeps its spaces. Linear in the length, never raises.
    """
    page = _Page()
    for token in balanced(html):
        match token:
            case Text(data):
                page.write(data)
            case Start(tag, attrs):
                page.start(tag, attrs)
            case _:
                page.end(token.tag)
    return page.text()


@dataclass(slots=True)
class _Margin:
    """What stands before the lines inside one quote or list item; `first` once, `rest` before each later line."""

    first: str
    rest: str


@dataclass(slots=True)
class _Link:
    href: str
    text: list[str] = field(default_factory=list)


class _Page:
    """The lines written so far, and the one being written."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._margins: list[_Margin] = []
        self._numbers: list[int | None] = []
        self._links: list[_Link] = []
        self._spoilers: list[bool] = []
        self._verbatim = 0
        self._gap: int | None = None  # an empty line is due, with this many margins
        self._space = False

    def text(self) -> str:
        self._end_line()
        return "\n".join(self._lines).strip("\n")

    def write(self, data: str) -> None:
        if self._verbatim:
            for number, part in enumerate(data.split("\n")):
                if number:
                    self._end_line(force=True)
                self._put(part)
            return
        for number, word in enumerate(_BLANKS.split(data)):
            # Space is held back until a word follows, so that none ends a line or is doubled.
            self._space = self._space or number > 0
            self._put(word)

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        self._break_before(tag)
        match tag:
            case "br":
                self._end_line(force=True)
            case "hr":
                self._put("---")
                self._end_line()
            case "ul" | "ol":
                self._numbers.append(int(attrs.get("start", "1")) if tag == "ol" else None)
            case "li":
                self._margins.append(self._bullet())
            case "blockquote":
                self._margins.append(_Margin("> ", "> "))
            case "pre" | "code":
                self._verbatim += 1
            case "a":
                self._links.append(_Link(attrs["href"]))
            case "span":
                self._spoilers.append("data-mx-spoiler" in attrs)
                self._put("||" if self._spoilers[-1] else "")
            case "td" | "th" if self._line:
                self._space = False
                self._put(" | ")

    def end(self, tag: str) -> None:
        match tag:
            case "a":
                self._end_link(self._links.pop())
            case "span":
                if self._spoilers.pop():
                    self._put_close("||")
            case "pre" | "code":
                self._verbatim -= 1
            case "ul" | "ol":
                self._numbers.pop()
        self._end_block(tag)

    def _end_block(self, tag: str) -> None:
        if tag in _PARAGRAPHS or tag in _LINES:
            self._end_line()
        if tag in ("li", "blockquote"):
            self._margins.pop()
        self._leave_gap(tag)

    def _break_before(self, tag: str) -> None:
        if tag in _PARAGRAPHS or tag in _LINES or tag == "hr":
            self._end_line()
        self._leave_gap(tag)

    def _leave_gap(self, tag: str) -> None:
        # Lists stay tight. The gap belongs to the outermost of the blocks that begin or end here.
        if tag in _PARAGRAPHS and not self._numbers:
            depth = len(self._margins)
            self._gap = depth if self._gap is None else min(self._gap, depth)

    def _bullet(self) -> _Margin:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return _Margin("- ", "  ")
        self._numbers[-1] = number + 1
        first = f"{number}. "
        return _Margin(first, " " * len(first))

    def _put(self, data: str) -> None:
        """Add to the line, after the space that was held back; nothing happens for an empty `data`."""
        if not data:
            return
        if self._space and self._line:
            data = " " + data
        for link in self._links:
            link.text.append(data)
        self._line.append(data)
        self._space = False

    def _put_close(self, data: str) -> None:
        """Add right behind the last word, so that held-back space comes after `data`."""
        held, self._space = self._space, False
        self._put(data)
        self._space = held

    def _end_link(self, link: _Link) -> None:
        said = "".join(link.text).strip()
        if not said:
            self._put(link.href)
        elif not _MENTION.fullmatch(link.href) and _plain_url(said) != _plain_url(link.href):
            self._put_close(f" ({link.href})")

    def _end_line(self, *, force: bool = False) -> None:
        """Finish the line being written; an empty one counts only when `force` is given."""
        self._space = False
        if not self._line and not force:
            return
        if self._gap is not None and self._lines:
            margins = self._margins[: min(self._gap, _DEEPEST_MARGIN)]
            self._lines.append("".join(margin.rest for margin in margins).rstrip())
        self._gap = None
        self._lines.append((self._next_margin() + "".join(self._line)).rstrip())
        self._line = []

    def _next_margin(self) -> str:
        """Return the margin of the next line, and use up the bullets that are due."""
        parts: list[str] = []
        for margin in self._margins[:_DEEPEST_MARGIN]:
            parts.append(margin.first)
            margin.first = margin.rest
        return "".join(parts)


def _plain_url(url: str) -> str:
    """Return what two spellings of one address share, so that a link which shows its address is not told twice."""
    plain = unquote(url).lower()
    for scheme in ("https://", "http://", "mailto:"):
        plain = plain.removeprefix(scheme)
    return plain.removeprefix("www.").rstrip("/")
