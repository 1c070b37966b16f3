"""`sanitize`: what real clients send passes, what attackers send does not, and both in one pass."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from bridge.text.html_balance import balanced
from bridge.text.html_policy import ATTRIBUTES, MAX_DEPTH, VOID
from bridge.text.html_tokens import End, Start, Text, Token, tokens
from bridge.text.matrix_html import sanitize
from tests.unit.text.samples import html_soup

LINK = 'target="_blank" rel="noopener"'


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("plain &lt; &amp; text", "plain &lt; &amp; text"),
        # Cinny marks how its Markdown was typed.
        ('<strong data-md="**">b</strong> <em data-md="*">i</em>', "<strong>b</strong> <em>i</em>"),
        ('<span data-md="||" data-mx-spoiler>x</span>', '<span data-mx-spoiler="">x</span>'),
        # Element: a pill, code with a language, a spoiler with a reason, coloured text of old clients, a formula.
        (
            '<a href="https://matrix.to/#/@ann:example.org">Ann</a>: hi',
            f'<a href="https://matrix.to/#/@ann:example.org" {LINK}>Ann</a>: hi',
        ),
        (
            '<pre><code class="language-rust">fn main() {}\n</code></pre>\n',
            '<pre><code class="language-rust">fn main() {}\n</code></pre>\n',
        ),
        ('<span data-mx-spoiler="plot">dies</span>', '<span data-mx-spoiler="plot">dies</span>'),
        ('<font color="#ff0000" face="x">r</font>', '<font data-mx-color="#ff0000">r</font>'),
        ('<font data-mx-bg-color="#00ff00">r</font>', '<font data-mx-bg-color="#00ff00">r</font>'),
        (
            '<div data-mx-maths="x &lt; 1"><code>x &lt; 1</code></div>',
            '<div data-mx-maths="x &lt; 1"><code>x &lt; 1</code></div>',
        ),
        ('<ol start="3"><li>c</li></ol>', '<ol start="3"><li>c</li></ol>'),
        ("<details><summary>s</summary>d</details>", "<details><summary>s</summary>d</details>"),
        # Images wait for media; their words do not.
        ('hi <img data-mx-emoticon src="mxc://a/b" alt=":cat:">!', "hi :cat:!"),
        ('<img src="mxc://a/b" title="T">', "T"),
        # The quoted copy of the answered message.
        ("<mx-reply><blockquote>old <b>x</b></blockquote></mx-reply>new", "new"),
        ("<mx-reply>a<mx-reply>b</mx-reply>c</mx-reply>new", "new"),
        # Older and richer HTML keeps its shape.
        ("<strike>x</strike>", "<s>x</s>"),
        ("<section>a</section><section>b</section>", "<div>a</div><div>b</div>"),
        ("<marquee>x</marquee>", "x"),
        # Misnested and unclosed.
        ("<b><i>x</b>y", "<b><i>x</i></b>y"),
        ("<p>a<p>b<ul><li>c<li>d</ul>e", "<p>a</p><p>b</p><ul><li>c</li><li>d</li></ul>e"),
        ("<li>a<li>b", "<ul><li>a</li><li>b</li></ul>"),
        ("<b><p>x</b></p>", "<b><p>x</p></b>"),
        (
            "<table>a<tr><td>b<td>c</table>d",
            "<table><tbody><tr><td>a</td></tr><tr><td>b</td><td>c</td></tr></tbody></table>d",
        ),
        (
            "<table><caption>n</caption><thead><tr><th>h</thead><tfoot><tr><td>f</table>",
            "<table><caption>n</caption><thead><tr><th>h</th></tr></thead><tbody><tr><td>f</td></tr></tbody></table>",
        ),
        ("<td>no table</td>", "no table"),
        (
            '<a href="https://a.example">x<a href="https://b.example">y</a></a>',
            f'<a href="https://a.example" {LINK}>x</a><a href="https://b.example" {LINK}>y</a>',
        ),
        ("<pre>\n\nx</pre>", "<pre>x</pre>"),
        ("a</br>b<br/>c<hr>", "a<br>b<br>c<hr>"),
        ("a<!-- b --!>c<!doctype html>d<?php e ?>f<![CDATA[g]]>h</>i", "acdfhi"),
        ("1 < 2 <3 </ &amp &copy", "1 &lt; 2 &lt;3 "),
        ("", ""),
    ],
)
def test_known_cases(html: str, expected: str) -> None:
    assert sanitize(html) == expected


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.org/a?b=c&d", "https://example.org/a?b=c&amp;d"),
        (" \t\nht\ntps://example.org ", "https://example.org"),
        ("HTTP://EXAMPLE.ORG", "HTTP://EXAMPLE.ORG"),
        ("ftp://example.org/f", "ftp://example.org/f"),
        ("mailto:ann@example.org", "mailto:ann@example.org"),
        ("magnet:?xt=urn:btih:c12f", "magnet:?xt=urn:btih:c12f"),
        ("matrix:u/ann:example.org", "matrix:u/ann:example.org"),
        ("javascript:alert(1)", None),
        ("JaVa\tscript:alert(1)", None),
        ("&#106;avascript:alert(1)", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("blob:https://example.org/x", None),
        ("//example.org", None),
        ("/relative", None),
        ("#fragment", None),
        ("https:relative", None),
        ("http://[broken", None),
        ("https:", None),
        ("", None),
    ],
)
def test_links(url: str, kept: str | None) -> None:
    shown = "x" if kept is None else f'<a href="{kept}" {LINK}>x</a>'
    assert sanitize(f'<a href="{url}">x</a>') == shown


XSS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    '<img src=x onerror="alert(1)">',
    "<img src=x onerror=alert(1)//",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '<math><mi xlink:href="javascript:alert(1)">x</mi></math>',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>">',
    "<object data=javascript:alert(1)>",
    '<embed src="data:text/html,<script>alert(1)</script>">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#x0A;script:alert(1)">x</a>',
    '<a href="\x01javascript:alert(1)">x</a>',
    '<a href=" &#14; javascript:alert(1)">x</a>',
    "<a href='https://example.org' onmouseover=alert(1)>x</a>",
    '<a href="https://example.org" style="position:fixed;inset:0">x</a>',
    '<b onclick="alert(1)">x</b>',
    "<b/onclick=alert(1)>x</b>",
    '<b\x0conclick="alert(1)">x</b>',
    '<div style="background:url(javascript:alert(1))">x</div>',
    "<style>@import 'javascript:alert(1)';</style>",
    '<link rel=stylesheet href="javascript:alert(1)">',
    '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
    '<base href="javascript:alert(1)//">',
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<details open ontoggle=alert(1)>x</details>",
    "<isindex action=javascript:alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "<title><img src=x onerror=alert(1)></title>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "<template><script>alert(1)</script></template>",
    "<!--><script>alert(1)</script>-->",
    "<!--<img src='--><img src=x onerror=alert(1)>'>",
    "<![CDATA[<script>alert(1)</script>]]>",
    '<span data-mx-color="#fff;onclick=alert(1)">x</span>',
    '<span data-mx-spoiler="&quot; onclick=alert(1) x=&quot;">x</span>',
    '<code class="language-x&quot; onclick=&quot;alert(1)">x</code>',
    '<p id="location" name="cookie">x</p>',
]


@pytest.mark.parametrize("payload", XSS)
def test_attacks_leave_only_harmless_markup(payload: str) -> None:
    clean = sanitize(payload)
    assert_safe(clean)
    assert sanitize(clean) == clean


@given(html_soup)
def test_soup_becomes_safe_and_stays_as_it_is(html: str) -> None:
    clean = sanitize(html)
    assert_safe(clean)
    assert sanitize(clean) == clean


@given(html_soup)
def test_an_html5_parser_finds_the_balanced_form_as_it_is(html: str) -> None:
    # The cleaner parses as a browser does: had it to move or close anything, the two would differ.
    written = [token for token in tokens(sanitize(html)) if not isinstance(token, Text)]
    assert [_without_link_extras(token) for token in written] == [
        token for token in balanced(html) if not isinstance(token, Text)
    ]


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<b>",
        "<blockquote>",
        "<ul><li>",
        "<table><tr><td>",
        "<table><td>x",
        "<details><summary>",
        "<span data-mx-spoiler>",
        "<p><b><i>",
        "<div></p>",
    ],
)
def test_nesting_is_cut_at_the_limit_and_the_text_stays(piece: str) -> None:
    clean = sanitize(f"before {piece * 1000}core{piece * 500} after")
    assert 0 < _depth(clean) <= MAX_DEPTH
    assert "before" in clean
    assert "core" in clean
    assert "after" in clean
    assert sanitize(clean) == clean


def test_closing_tags_of_cut_elements_do_not_close_the_kept_ones() -> None:
    clean = sanitize("<div>" * 150 + "in" + "</div>" * 149 + "<i>still in one</i></div>out")
    assert clean.endswith("<i>still in one</i></div>out")
    assert _depth(clean) == MAX_DEPTH


@pytest.mark.parametrize(
    "piece",
    [
        "<a <a ",
        "<a b='",
        "<a a",
        "<!--",
        "<![CDATA[",
        "</a ",
        "<",
        "&",
        "<a" + " " * 900,
        "<mx-reply>",
        "<script>",
        "<li>",
        "<p>x",
        "</p>",
        "<br>",
        '<a href="https://example.org">',
        "".join(f"<font color='#{number:06}'>" for number in range(150)) + "<p>x" * 100,
    ],
)
def test_hostile_bulk_does_not_grow(piece: str) -> None:
    # The widest step is "&" to "&amp;"; misnested fonts made seven megabytes of ten kilobytes before.
    html = (piece * 64_000)[:64_000]
    clean = sanitize(html)
    assert len(clean) <= 5 * len(html)
    assert sanitize(clean) == clean


def assert_safe(clean: str) -> None:
    """Read the markup again and check every tag, attribute and link of it."""
    assert re.search(r"<(?:script|style|iframe|svg|math|img|object|mx-reply)", clean, re.IGNORECASE) is None
    clean.encode()
    for token in tokens(clean):
        if isinstance(token, Start):
            assert token.tag in ATTRIBUTES
            extras = {"rel", "target"} if token.tag == "a" else set()
            assert set(token.attrs) <= ATTRIBUTES[token.tag] | extras
            assert not any(name.startswith("on") or name == "style" for name in token.attrs)
            href = token.attrs.get("href", "https:")
            assert re.match(r"(?:https?|ftp|mailto|magnet|matrix):", href, re.IGNORECASE)


def _depth(clean: str) -> int:
    depth = deepest = 0
    for token in tokens(clean):
        if isinstance(token, Start) and token.tag not in VOID:
            depth += 1
        elif isinstance(token, End):
            depth -= 1
        deepest = max(deepest, depth)
    assert depth == 0
    return deepest


def _without_link_extras(token: Token) -> Token:
    if isinstance(token, Start) and token.tag == "a":
        return Start("a", {"href": token.attrs["href"]})
    return token
