"""`strip_fallback`: the legacy quote of a reply comes off, everything that a person wrote stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.matrix_html import sanitize
from bridge.text.replies import strip_fallback

ELEMENT_HTML = (
    '<mx-reply><blockquote><a href="https://matrix.to/#/!r:example.org/$e">In reply to</a> '
    '<a href="https://matrix.to/#/@ann:example.org">@ann:example.org</a><br>old\nlines</blockquote></mx-reply>'
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("> <@ann:example.org> old\n\nnew", "new"),
        ("> <@ann:example.org> old\n> lines\n>\n> more\n\nnew\n\n> mine", "new\n\n> mine"),
        ("> * <@ann:example.org> waves\n\nnew", "new"),
        ("> <@ann:example.org> old\nno empty line", "no empty line"),
        ("> <@ann:example.org> old\n\n> answered with a quote\n\nnew", "> answered with a quote\n\nnew"),
        # Since v1.13 clients send no fallback: a quote that a person typed stays.
        ("new", "new"),
        ("> a quote of mine\n\nnew", "> a quote of mine\n\nnew"),
        (">:(", ">:("),
        ("new\n> <@ann:example.org> old", "new\n> <@ann:example.org> old"),
        # Nothing but a quote: better shown as it is than lost.
        ("> <@ann:example.org> old", "> <@ann:example.org> old"),
        ("> <@ann:example.org> old\n\n", "> <@ann:example.org> old\n\n"),
        ("", ""),
    ],
)
def test_body(body: str, expected: str) -> None:
    assert strip_fallback(body, None) == (expected, None)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (ELEMENT_HTML + "<b>new</b>", "<b>new</b>"),
        ("\n" + ELEMENT_HTML + "\n new", "new"),
        ("<MX-Reply>old</MX-REPLY >new", "new"),
        ("<b>new</b>", "<b>new</b>"),
        ("a <mx-reply>in the middle</mx-reply>", "a <mx-reply>in the middle</mx-reply>"),
        ("<mx-replyx>a</mx-replyx>", "<mx-replyx>a</mx-replyx>"),
        (ELEMENT_HTML, None),
        ("", ""),
    ],
)
def test_html(html: str, expected: str | None) -> None:
    assert strip_fallback("> <@ann:example.org> old\n\nnew", html) == ("new", expected)


def test_a_fallback_left_open_goes_with_the_sanitizer() -> None:
    body, html = strip_fallback("new", "<mx-reply>never closed")
    assert body == "new"
    assert html is not None
    assert sanitize(html) == ""


@given(st.text().filter(lambda text: bool(text.strip())))
def test_the_answer_comes_out_whole(answer: str) -> None:
    body, html = strip_fallback(f"> <@ann:example.org> old\n> more\n\n{answer}", f"{ELEMENT_HTML}x{answer}")
    assert body == answer
    assert html == f"x{answer}"


@given(st.text(alphabet="> <@a:b*\n"), st.text(alphabet="<mx-reply>/ a"))
def test_a_body_is_never_emptied(body: str, html: str) -> None:
    text, _ = strip_fallback(body, html)
    assert bool(text.strip()) == bool(body.strip())
    assert body.endswith(text)


def test_many_open_fallbacks_are_no_trouble() -> None:
    html = "<mx-reply>" * 6_000
    assert strip_fallback("> " * 30_000, html) == ("> " * 30_000, html)
