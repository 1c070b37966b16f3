"""Made-up and hostile texts that several of these tests draw from."""

from __future__ import annotations

from hypothesis import strategies as st

_TAG_NAMES = (
    "a b i u s em strong del code pre p div span font ul ol li table thead tbody tr td th caption h1 h2 h6 blockquote "
    "details summary sup sub br hr img script style mx-reply svg math textarea title template section strike form"
)
_ATTRIBUTES = (
    ' href="https://example.org/?a=1&amp;b=2"',
    ' href="javascript:alert(1)"',
    " href=//example.org",
    ' href="http://[x"',
    ' class="language-py x"',
    ' class="evil"',
    ' start="3"',
    ' data-mx-spoiler="why &quot;not&quot;"',
    " data-mx-spoiler",
    ' data-mx-color="#ff00aa"',
    ' data-mx-color="red;background:url(x)"',
    ' color="#fff"',
    " onclick=alert(1)",
    ' style="color:red"',
    " alt='pic <b>'",
    "/",
    " ",
    ' x="',
    " = =",
)
_PIECES = (
    "x",
    " ",
    "\n",
    "\n\n",
    "&lt;",
    "&amp;lt;",
    "&#13;",
    "&#0;",
    "&nbsp;",
    "<",
    ">",
    "&",
    '"',
    "'",
    "\x00",
    "\r\n",
)
_MARKUP = ("<!--", "-->", "<!doctype html>", "<![CDATA[", "]]>", "</", "<?", "<!", "</p>", "</br>")

_tag = st.builds(
    lambda slash, tag, attrs, end: f"<{slash}{tag}{''.join(attrs)}{end}",
    st.sampled_from(["", "", "/"]),
    st.sampled_from(_TAG_NAMES.split()),
    st.lists(st.sampled_from(_ATTRIBUTES), max_size=2),
    st.sampled_from([">", ">", ">", ""]),
)

html_soup = st.lists(
    st.one_of(_tag, _tag, st.sampled_from(_PIECES), st.sampled_from(_MARKUP), st.text(max_size=5)),
    max_size=40,
).map("".join)

_MARKS = (
    "* ** *** _ __ ~~ ` `` ``` ~~~ [ ] ( ) ]( ](https://example.org) ](javascript:x) > - 1. # ## || | \\ ! ![ : < & : "
    "https://example.org/a_b_c mailto:a@example.org"
)
markdown_soup = st.lists(
    st.one_of(
        st.sampled_from(_MARKS.split()),
        st.sampled_from(["\n", "\n\n", " ", "  \n", "\t", "a", "word", "<b>", "<script>", "&lt;"]),
        st.text(max_size=4),
    ),
    max_size=40,
).map("".join)

# Names are made of what impostors use: invisible, directional, combining and look-alike characters, and emoji parts.
name_soup = st.lists(
    st.one_of(
        st.characters(),
        st.sampled_from("aAbeoOlI10rnvwАеоΑ张三がe\u0301\u0327"),
        st.sampled_from("\u200b\u200c\u200d\u202e\u2066\u2069\ufeff\u00ad\ufe0f\ufe0e\u3164\u2800\U000e0061\u034f"),
        st.sampled_from(" \t\n\u00a0\u3000👩👧👍🏽🇫🇷❤🏳🌈1\u20e3"),
    ),
    max_size=90,
).map("".join)
