"""Turns any HTML into a well-nested, bounded stream of the tags that Matrix allows, ready to be written or read out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from bridge.text.characters import scrub
from bridge.text.html_policy import (
    ALIASES,
    BLOCKS,
    CELLS,
    DROPPED,
    HEADINGS,
    MAX_DEPTH,
    TABLE_ROWS,
    TAGS,
    VOID,
    allowed_attributes,
)
from bridge.text.html_tokens import End, Start, Text, Token, tokens

_HTML_SPACE = "\t\n\f\r "
_TABLE_PARTS = CELLS | TABLE_ROWS - {"table"}
_PARENT = {"td": "tr", "th": "tr", "tr": "tbody", "thead": "table", "tbody": "table", "caption": "table"}
_LISTS = frozenset({"ul", "ol"})
_CELL_SCOPE = CELLS | {"table"}
_TABLE_LEVELS = 4  # table, tbody, tr, td


def balanced(html: str) -> Iterator[Token]:
    """Yield allowed tags and text: each Start has its End (br and hr have none), in order, at most 100 deep.

    The nesting is one that an HTML5 parser leaves as it is: no block in a paragraph, no link in a link, list items in
    lists, cells in rows. Left out with their contents: `mx-reply`, script, style and their like; an image is
    replaced by its alternative text; tags that are unknown or too deep vanish and their contents stay. Linear.
    """
    balancer = _Balancer()
    for token in tokens(html):
        yield from balancer.take(token)
    yield from balancer.finish()


class _Balancer:
    """The open elements, and what was left out and still waits for its closing tag."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._too_deep: Counter[str] = Counter()
        self._dropping = ""
        self._drop_depth = 0
        self._out: list[Token] = []
        self._fresh_pre = False

    def take(self, token: Token) -> list[Token]:
        self._out = []
        match token:
            case Text(data):
                if not self._dropping:
                    self._text(data)
            case Start(tag, attrs):
                self._start(ALIASES.get(tag, tag), attrs)
            case End(tag):
                self._end(ALIASES.get(tag, tag))
        return self._out

    def finish(self) -> list[Token]:
        self._out = []
        self._close_to(0)
        return self._out

    def _text(self, data: str) -> None:
        data = scrub(data)
        if self._fresh_pre:
            # A parser drops one line feed here each time that it reads the text again.
            data = data.lstrip("\n")
        if not data:
            return
        if data.strip(_HTML_SPACE):
            self._leave_rows()
        self._fresh_pre = False
        self._out.append(Text(data))

    def _start(self, tag: str, attrs: dict[str, str]) -> None:
        if self._dropping:
            self._drop_depth += tag == self._dropping
        elif tag in DROPPED:
            self._dropping, self._drop_depth = tag, 1
        elif tag == "img":
            self._text(attrs.get("alt") or attrs.get("title") or "")
        elif tag in _TABLE_PARTS:
            self._start_table_part(tag)
        elif tag == "li":
            self._start_item()
        elif tag in TAGS:
            self._start_element(tag, allowed_attributes(tag, attrs))

    def _start_element(self, tag: str, attrs: dict[str, str]) -> None:
        if tag == "a":
            self._close("a", frozenset())
            if "href" not in attrs:
                return
        self._leave_rows()
        if tag in BLOCKS:
            self._close("p", _CELL_SCOPE)
        if tag in HEADINGS:
            for heading in HEADINGS:
                self._close(heading, _CELL_SCOPE)
        self._push(tag, attrs)

    def _start_item(self) -> None:
        self._leave_rows()
        parent = self._find(_LISTS, _CELL_SCOPE)
        if parent < 0:
            self._close("p", _CELL_SCOPE)
            self._push("ul")
        else:
            self._close_to(parent + 1)
        self._push("li")

    def _start_table_part(self, tag: str) -> None:
        if self._too_deep["table"] or self._find({"table"}, ()) < 0:
            return
        parents = {"thead", "tbody"} if tag == "tr" else {_PARENT[tag]}
        parent = self._find(parents, {"table"} - parents)
        if parent < 0:
            self._start_table_part(_PARENT[tag])
        else:
            self._close_to(parent + 1)
        self._push(tag)

    def _leave_rows(self) -> None:
        """Open the cell that contents need when they come right inside a table or row."""
        if self._open and self._open[-1] in TABLE_ROWS:
            self._start_table_part("td")

    def _end(self, tag: str) -> None:
        if self._dropping:
            self._drop_depth -= tag == self._dropping
            if not self._drop_depth:
                self._dropping = ""
        elif tag == "br":
            self._start_element("br", {})
        elif self._too_deep[tag]:
            self._too_deep[tag] -= 1
        elif tag in TAGS:
            self._close(tag, _end_scope(tag))

    def _push(self, tag: str, attrs: dict[str, str] | None = None) -> None:
        levels = _TABLE_LEVELS if tag == "table" else 1
        if tag not in VOID:
            if len(self._open) + levels > MAX_DEPTH:
                self._too_deep[tag] += 1
                return
            self._open.append(tag)
        self._fresh_pre = tag == "pre"
        self._out.append(Start(tag, attrs or {}))

    def _close(self, tag: str, scope: Container[str]) -> None:
        index = self._find({tag}, scope)
        if index >= 0:
            self._close_to(index)

    def _find(self, tags: Container[str], scope: Container[str]) -> int:
        """Return the place of the innermost open element of `tags`, or -1 when one of `scope` encloses us first."""
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index] in tags:
                return index
            if self._open[index] in scope:
                return -1
        return -1

    def _close_to(self, depth: int) -> None:
        while len(self._open) > depth:
            self._out.append(End(self._open.pop()))
            self._fresh_pre = False


def _end_scope(tag: str) -> frozenset[str]:
    """Return the elements that a closing tag cannot reach through."""
    if tag == "table":
        return frozenset()
    if tag in _TABLE_PARTS:
        return frozenset({"table"})
    if tag == "li":
        return _CELL_SCOPE | _LISTS
    return _CELL_SCOPE if tag in BLOCKS else BLOCKS
