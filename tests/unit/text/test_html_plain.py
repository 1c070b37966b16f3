"""`to_text`: formatted messages read out as lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.html_plain import to_text
from bridge.text.html_tokens import End, Start, Text, tokens
from bridge.text.matrix_html import sanitize
from tests.unit.text.samples import html_soup


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("  a \n  b\t<b> c </b> d ", "a b c d"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one</p>\n<p>two<br>\nlines</p>\n", "one\n\ntwo\nlines"),
        ("<div>a</div><div>b</div>c", "a\nb\nc"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("a<ul><li>x</li><li>y<ul><li>z</li></ul></li></ul>b", "a\n\n- x\n- y\n  - z\n\nb"),
        ("<ol><li>x</li><li><p>y</p><p>w</p></li></ol>", "1. x\n2. y\n   w"),
        ('<ol start="9"><li>x</li><li>y</li></ol>', "9. x\n10. y"),
        ("<ul><li></li><li>b</li></ul>", "- b"),
        ("<blockquote><p>q</p><p>r</p></blockquote><p>a</p>", "> q\n>\n> r\n\na"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b"),
        ("<blockquote><ul><li>x</li></ul></blockquote>", "> - x"),
        ("run <code>a  b</code> now", "run a  b now"),
        ("<pre><code>if x:\n    y\n\nz\n</code></pre>done", "if x:\n    y\n\nz\n\ndone"),
        ("<pre><code>    indented</code></pre>", "    indented"),
        ("a<hr>b", "a\n---\nb"),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a | b\n1 | 2"),
        ('see <a href="https://example.org/x">this</a>!', "see this (https://example.org/x)!"),
        ('<a href="https://example.org/">example.org</a>', "example.org"),
        ('<a href="https://example.org/a%20b">https://example.org/a b</a>', "https://example.org/a b"),
        ('<a href="mailto:ann@example.org">ann@example.org</a>', "ann@example.org"),
        ('<a href="https://example.org"></a>', "https://example.org"),
        ('<a href="https://example.org"> this </a>.', "this (https://example.org) ."),
        ('<a href="https://matrix.to/#/@ann:example.org">Ann</a>: hi', "Ann: hi"),
        ('<a href="matrix:u/ann:example.org">Ann</a>: hi', "Ann: hi"),
        ('<a href="javascript:alert(1)">x</a>', "x"),
        ('the <span data-mx-spoiler="plot">butler </span>did', "the ||butler|| did"),
        ('<img alt=":cat:" src="mxc://a/b"> hi', ":cat: hi"),
        ("<mx-reply><blockquote>old</blockquote></mx-reply>new", "new"),
        ("<script>x</script><style>y</style>z", "z"),
        ("a<!-- b -->c", "ac"),
        ('<strong data-md="**">b</strong>', "b"),
    ],
)
def test_known_cases(html: str, text: str) -> None:
    assert to_text(html) == text


@given(html_soup)
def test_safe_html_reads_like_the_html_it_was_made_of(html: str) -> None:
    assert to_text(sanitize(html)) == to_text(html)


@given(html_soup)
def test_every_visible_character_of_the_safe_html_is_said(html: str) -> None:
    shown = "".join(token.data for token in tokens(sanitize(html)) if isinstance(token, Text))
    said = iter(to_text(html))
    assert all(char in said for char in shown if not char.isspace())


@given(st.text().filter(lambda text: "<" not in text and "&" not in text))
def test_plain_text_keeps_its_words(text: str) -> None:
    shown = "".join(char for char in text if char.isprintable() and char != " ")
    assert "".join(char for char in to_text(text) if char.isprintable() and char != " ") == shown


def test_deep_quotes_do_not_become_all_margin() -> None:
    html = "<blockquote>" * 90 + "x<br>" * 10_000
    text = to_text(html)
    assert text.count("x") == 10_000
    assert max(map(len, text.split("\n"))) < 20


def test_tokens_follow_the_html_standard() -> None:
    assert list(tokens('<A HREF=x B="&amp;" b=2 c>t&eacute;</A >')) == [
        Start("a", {"href": "x", "b": "&", "c": ""}),
        Text("té"),
        End("a"),
    ]
    assert list(tokens("<script>a<b>&amp;</SCRIPT >z")) == [
        Start("script"),
        Text("a<b>&amp;"),
        End("script"),
        Text("z"),
    ]
    assert list(tokens('x<a href="never closed')) == [Text("x")]
    assert list(tokens("<a b=>c")) == [Start("a", {"b": ""}), Text("c")]
