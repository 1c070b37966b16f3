"""Chat Markdown to the HTML that a Matrix message may carry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bridge.text.characters import scrub
from bridge.text.html_policy import attribute_value
from bridge.text.markdown_rules import end_quotes, install
from bridge.text.matrix_html import sanitize

_MAX_NESTING: Final = 20
_SCHEMES = ("http://", "https://", "mailto:", "matrix:")
_PLAIN_BLOCKS = frozenset({"paragraph_open", "paragraph_close", "inline"})
_SINGLE_PARAGRAPH = ["paragraph_open", "inline", "paragraph_close"]
_PLAIN_INLINE = frozenset({"text", "softbreak", "hardbreak"})
_SHOWN = frozenset({"text", "code_inline", "fence"})

# All formatting holds one of these; most lines of a chat hold none and need no parser.
_ANY_MARK = re.compile(r"[*_~`\[|#>]|^[ \t]*(?:[-+]|\d+[.)])", re.MULTILINE)

# References would vanish from the text; the others turn ordinary chat (indented lines, `---` below a line,
# `&amp;`, `<nick@host>`) into something that its writer did not mean.
_LEFT_OUT = ["reference", "code", "lheading", "html_block", "html_inline", "image", "autolink", "entity"]


def to_html(text: str) -> str:
    """Return `text` as safe HTML for `formatted_body`, or "" when it has no formatting and the body says it all.

    Read are bold, italic, strike, code, fenced code, links (http, https, mailto, matrix), lists, quotes, headings and
    `||spoilers||`; a line end is a line break; HTML and bare URLs are text. What is odd or nested too deeply stays
    plain rather than lose a word. The result is a fixed point of `sanitize`. Never raises; linear in the length.
    """
    text = scrub(text)
    if _ANY_MARK.search(text) is None:
        return ""
    tokens = _MARKDOWN.parse(end_quotes(text))
    if not _formatted(tokens) or not _shows_something(tokens) or _cut_off(tokens):
        return ""
    # A single paragraph goes without its tag, as clients send it.
    single = [token.type for token in tokens] == _SINGLE_PARAGRAPH
    body = tokens[1:2] if single else tokens
    rendered: str = _MARKDOWN.renderer.render(body, _MARKDOWN.options, {})
    return sanitize(rendered.strip("\n"))


def _valid_link(url: str) -> bool:
    # A link that the sanitizer would empty stays text, so that its address is not lost.
    return url.lower().startswith(_SCHEMES) and attribute_value("a", "href", url) == url


def _parser() -> MarkdownIt:
    options = {"html": False, "breaks": True, "xhtmlOut": False, "maxNesting": _MAX_NESTING}
    md = MarkdownIt("commonmark", options).disable(_LEFT_OUT).enable("strikethrough")
    # mypy takes an assigned function for an attempt to change a class.
    md.validateLink = _valid_link  # type: ignore[method-assign]
    install(md)
    return md


_MARKDOWN = _parser()


def _formatted(tokens: Sequence[Token]) -> bool:
    return any(
        token.type not in _PLAIN_BLOCKS or any(child.type not in _PLAIN_INLINE for child in token.children or ())
        for token in tokens
    )


def _shows_something(tokens: Sequence[Token]) -> bool:
    """Say whether a reader would see any text: `***`, a lone `-` and the like are better left as they are."""
    return any(
        (token.type in _SHOWN and token.content.strip()) or _shows_something(token.children or ()) for token in tokens
    )


def _cut_off(tokens: Sequence[Token]) -> bool:
    """Say whether the parser gave up at its depth limit, where it leaves out what is nested deeper."""
    return any(token.nesting == 1 and token.level + 1 >= _MAX_NESTING for token in tokens)
