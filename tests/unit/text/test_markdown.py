"""`to_html`: chat Markdown as people type it, and as nobody should."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.text.html_policy import VOID
from bridge.text.html_tokens import End, Start, Text, tokens
from bridge.text.markdown import to_html
from bridge.text.markdown_rules import end_quotes
from bridge.text.matrix_html import sanitize, to_text
from tests.unit.text.samples import markdown_soup

LINK = 'target="_blank" rel="noopener"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "**b** __B__ _i_ *I* ~~s~~ `c`",
            "<strong>b</strong> <strong>B</strong> <em>i</em> <em>I</em> <s>s</s> <code>c</code>",
        ),
        ("a\n**b**", "a<br>\n<strong>b</strong>"),
        ("`a < b && c`", "<code>a &lt; b &amp;&amp; c</code>"),
        ("```py\nx = 1 < 2\n```", '<pre><code class="language-py">x = 1 &lt; 2\n</code></pre>'),
        ("```\n*not bold*\n", "<pre><code>*not bold*\n</code></pre>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("# Title\ntext", "<h1>Title</h1>\n<p>text</p>"),
        ("> said\nanswer", "<blockquote>\n<p>said</p>\n</blockquote>\n<p>answer</p>"),
        ("> a\n> b", "<blockquote>\n<p>a<br>\nb</p>\n</blockquote>"),
        ("[x](https://example.org/a_b_c)", f'<a href="https://example.org/a_b_c" {LINK}>x</a>'),
        ("[m](mailto:ann@example.org)", f'<a href="mailto:ann@example.org" {LINK}>m</a>'),
        ("[u](matrix:u/ann:example.org)", f'<a href="matrix:u/ann:example.org" {LINK}>u</a>'),
        ("**a**\n\nb", "<p><strong>a</strong></p>\n<p>b</p>"),
        ("the ||butler|| did", 'the <span data-mx-spoiler="">butler</span> did'),
        ("||**very** secret||", '<span data-mx-spoiler=""><strong>very</strong> secret</span>'),
        ("**a ||b** c||", '**a <span data-mx-spoiler="">b** c</span>'),
        ("`||a||` *b*", "<code>||a||</code> <em>b</em>"),
        ("x || y || z *b*", "x || y || z <em>b</em>"),
        ("one ||open\n\nthen ||shut||", '<p>one ||open</p>\n<p>then <span data-mx-spoiler="">shut</span></p>'),
        (
            "[a ||b](https://example.org) ||c||",
            f'<a href="https://example.org" {LINK}>a ||b</a> <span data-mx-spoiler="">c</span>',
        ),
        # Raw HTML and references to characters are text.
        ("<b>x</b> *y*", "&lt;b&gt;x&lt;/b&gt; <em>y</em>"),
        ("<script>alert(1)</script>\n\n*y*", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n<p><em>y</em></p>"),
        ("&lt; *y*", "&amp;lt; <em>y</em>"),
        # No images: the alternative text links to them.
        ("![cat](https://example.org/c.png)", f'!<a href="https://example.org/c.png" {LINK}>cat</a>'),
        # URLs are never torn.
        ("https://example.org/_a_/*b* *c*", "https://example.org/_a_/*b* <em>c</em>"),
        ("**https://example.org**", "<strong>https://example.org</strong>"),
        ("*(https://example.org/a_b).*", "<em>(https://example.org/a_b).</em>"),
        # Odd things keep their words.
        ("**a** _b", "<strong>a</strong> _b"),
        ("*a* [b](javascript:x)", "<em>a</em> [b](javascript:x)"),
        ("*a* [b](ftp://example.org)", "<em>a</em> [b](ftp://example.org)"),
        ("*a* [b](http://[c)", "<em>a</em> [b](http://[c)"),
        ("*a*\n[b]: https://example.org", "<em>a</em><br>\n[b]: https://example.org"),
        (">:( *a*", "&gt;:( <em>a</em>"),
        ("*a*\n---", "<p><em>a</em></p>\n<hr>"),
        ("*a* \ud800\x00b", "<em>a</em> \ufffdb"),
        ("*中文*强调", "<em>中文</em>强调"),
    ],
)
def test_known_cases(text: str, html: str) -> None:
    assert to_html(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        "two\nlines",
        "two\n\nparagraphs",
        "https://example.org/_a_?b=*c*",
        "see http://example.org/a_b_c_d and matrix:u/_a_:example.org",
        "2 * 3 * 4",
        "snake_case_name",
        "a **b",
        "[x](javascript:alert(1))",
        "<b>raw</b>",
        "<https://example.org>",
        "    indented",
        "#channel",
        ">_<",
        ">greentext",
        "a || b || c",
        "||||",
        "\\*escaped\\*",
        "¯\\_(ツ)_/¯",
        "***",
        "---",
        "-",
        "* * *",
        "```\n```",
        "&amp;",
        "title\n=====",
        ">" * 200 + " deep",
        "- " * 200 + "deep",
        # The parser leaves out what is too deep, so nothing of it may be shown as HTML.
        "**a**\n\n" + "> " * 200 + "deep",
    ],
)
def test_no_formatting_gives_no_html(text: str) -> None:
    assert to_html(text) == ""


def test_a_quote_inside_a_fence_is_code() -> None:
    text = "```\n> a\nb\n>:(\n```\n> q\nr"
    assert end_quotes(text) == "```\n> a\nb\n>:(\n```\n> q\n\nr"
    assert to_text(to_html(text)) == "> a\nb\n>:(\n\n> q\n\nr"


@given(st.one_of(markdown_soup, st.text()))
def test_the_result_is_safe_already(text: str) -> None:
    html = to_html(text)
    assert sanitize(html) == html


@given(st.one_of(markdown_soup, st.text(alphabet="1.-+)# \t\r\n\x0ba")))
def test_no_text_with_formatting_is_passed_over_unread(text: str) -> None:
    # A mark in front, in a paragraph of its own, makes the parser read the rest.
    read = to_html(f"*x*\n\n{text}")
    if not to_html(text) and read:
        assert not {"ul", "ol", "h1", "strong", "a", "pre"} & _tags_with_text(read)


@given(st.text(alphabet=st.characters(categories=["L", "N", "Zs"]), max_size=200))
def test_words_alone_are_never_formatting(text: str) -> None:
    assert to_html(text) == ""


def _tags_with_text(html: str) -> set[str]:
    open_tags: list[str] = []
    found: set[str] = set()
    for token in tokens(html):
        if isinstance(token, Start) and token.tag not in VOID:
            open_tags.append(token.tag)
        elif isinstance(token, End):
            open_tags.pop()
        elif isinstance(token, Text) and token.data.strip():
            found.update(open_tags)
    return found


@given(markdown_soup)
def test_letters_survive_formatting(text: str) -> None:
    # Language names and link targets are not text, so only soup without fences and links is looked at.
    assume("``" not in text and "~~~" not in text and "](" not in text)
    html = to_html(text)
    if html:
        letters = [char for char in text if char.isalpha()]
        assert [char for char in to_text(html) if char.isalpha()] == letters


@pytest.mark.parametrize(
    "piece",
    [
        *("*", "_", "~", "`", "[", "]", "(", ">", "> ", "- ", "1. ", "#", "||", "\\", "<", "&", "\n", "\t", "://"),
        *("**a", "_a ", "`a``", "[a](", "[a](<", '[a](b "', "[a][", "![", "*[", "**[", "`[", "[||", "a ||", "||a"),
        *("[a](http://b)", "http://", "http://a ", "> - ", "- a\n", "> ```\n", "a**b_c", "- \n\n", "1)\n", "[\\"),
    ],
)
def test_sixteen_kibibytes_of_one_thing_are_no_trouble(piece: str) -> None:
    text = (piece * 16_384)[:16_384]
    html = to_html(text)
    assert len(html) <= 12 * len(text)
    assert sanitize(html) == html
