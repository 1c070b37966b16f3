"""What chat Markdown has beside CommonMark: spoilers, bare URLs that stay whole, quotes that end with their line."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

_SCHEME = re.compile(r"(?<![A-Za-z0-9])(?:https?|ftp|matrix)\Z")
_REST_OF_URL = re.compile(r":(?://|r/|u/|roomid/)[^\s<>\[\]`|\\]+")
_NOT_AT_THE_END = "*_~.,;:!?'\")"
_LONGEST_SCHEME = 7

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_QUOTE = re.compile(r" {0,3}>(?=[\s>]|$)")
_NO_QUOTE = re.compile(r"\A( {0,3})>")


def install(md: MarkdownIt) -> None:
    """Add the inline rules of chat to a parser."""
    md.inline.add_terminator_char("|")
    md.inline.ruler.before("escape", "bare_url", bare_url)
    md.inline.ruler.before("escape", "spoiler", spoiler)


def bare_url(state: StateInline, silent: bool) -> bool:
    """Take a URL in running text as it is, so that `_` and `*` in it are not read as emphasis."""
    if state.src[state.pos] != ":":
        return False
    # The scheme first: looking ahead is dear, and done at every colon it would be quadratic.
    if _SCHEME.search(state.src[max(0, state.pos - _LONGEST_SCHEME) : state.pos]) is None:
        return False
    rest = _REST_OF_URL.match(state.src, state.pos, state.posMax)
    if rest is None:
        return False
    url = rest[0].rstrip(_NOT_AT_THE_END)
    if not silent:
        state.append_pending(url)
    state.pos += len(url)
    return True


def spoiler(state: StateInline, silent: bool) -> bool:
    """Read `||text||`, without white space inside either pair of bars, as `<span data-mx-spoiler>`."""
    start = state.pos + 2
    if not state.src.startswith("||", state.pos) or start >= state.posMax:
        return False
    # Only the last pair of bars is looked for in vain, so this stays linear without being remembered.
    end = state.src.find("||", start, state.posMax)
    if end <= start or state.src[start].isspace() or state.src[end - 1].isspace():
        return False
    if not silent:
        outer = state.posMax
        state.pos, state.posMax = start, end
        state.push("spoiler_open", "span", 1).attrs = {"data-mx-spoiler": ""}
        state.md.inline.tokenize(state)
        state.push("spoiler_close", "span", -1)
        state.posMax = outer
    state.pos = end + 2
    return True


def end_quotes(text: str) -> str:
    """Return `text` with an empty line after each quote, and with `>` that begins no quote escaped.

    CommonMark lets a quote run on into the next plain line, which in a chat puts the answer into the quote; and it
    reads `>:(` as one. Lines inside fenced code stay as they are.
    """
    lines: list[str] = []
    fence = ""
    quoted = False
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
            lines.append(line)
            continue
        quote = _QUOTE.match(line) is not None
        if quoted and not quote and line.strip():
            lines.append("")
        fence = mark[1] if mark else ""
        lines.append(line if quote else _NO_QUOTE.sub(r"\1\\>", line))
        quoted = quote
    return "\n".join(lines)
