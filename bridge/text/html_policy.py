"""What the Matrix specification lets a formatted body hold: tags, attributes and their values (m.room.message)."""

from __future__ import annotations

import re
from html import escape
from typing import Final

import nh3

from bridge.text.characters import scrub

MAX_DEPTH: Final = 100

SCHEMES: Final = frozenset({"http", "https", "ftp", "mailto", "magnet", "matrix"})

# The recommended list, with `font` of its older versions; `img` is missing until media is bridged.
ATTRIBUTES: Final[dict[str, frozenset[str]]] = {
    **{tag: frozenset() for tag in ("del", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "p", "ul", "sup", "sub")},
    **{tag: frozenset() for tag in ("li", "b", "i", "u", "strong", "em", "s", "hr", "br", "pre")},
    **{tag: frozenset() for tag in ("table", "thead", "tbody", "tr", "th", "td", "caption", "details", "summary")},
    "a": frozenset({"href"}),
    "ol": frozenset({"start"}),
    "code": frozenset({"class"}),
    "div": frozenset({"data-mx-maths"}),
    "span": frozenset({"data-mx-bg-color", "data-mx-color", "data-mx-spoiler", "data-mx-maths"}),
    "font": frozenset({"data-mx-bg-color", "data-mx-color"}),
}
TAGS: Final = frozenset(ATTRIBUTES)

# Tags of the same meaning, so that old or richer HTML keeps its lines apart.
ALIASES: Final[dict[str, str]] = {
    "strike": "s",
    "ins": "u",
    "tfoot": "tbody",
    "xmp": "pre",
    **dict.fromkeys(("section", "article", "header", "footer", "main", "aside", "nav", "address", "center"), "div"),
    **dict.fromkeys(("figure", "figcaption", "dl", "dt", "dd", "form", "fieldset"), "div"),
}

# Left out with all that is in them. `mx-reply` is the quoted copy of an answered message.
DROPPED: Final = frozenset(
    {"mx-reply", "script", "style", "title", "template", "iframe", "noembed", "noframes", "noscript"},
)

VOID: Final = frozenset({"br", "hr"})
TABLE_ROWS: Final = frozenset({"table", "thead", "tbody", "tr"})
CELLS: Final = frozenset({"td", "th", "caption"})
HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
BLOCKS: Final = (
    frozenset({"p", "blockquote", "ul", "ol", "li", "div", "pre", "hr", "details", "summary"})
    | TABLE_ROWS
    | CELLS
    | HEADINGS
)

_COLOUR = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
_LANGUAGE = re.compile(r"language-[A-Za-z0-9+#._-]{1,40}")
_START = re.compile(r"-?[0-9]{1,9}")
_IGNORED_IN_URL = str.maketrans("", "", "\t\n\r")
_AROUND_URL = "".join(map(chr, range(0x21)))
_WITH_HOST = frozenset({"http", "https", "ftp"})
_LINK_CHECK = nh3.Cleaner(
    tags={"a"}, attributes={"a": {"href"}}, url_schemes=set(SCHEMES), url_relative="deny", link_rel=None
)


def allowed_attributes(tag: str, attrs: dict[str, str]) -> dict[str, str]:
    """Return the attributes of an allowed tag that may stay, with safe values, in a fixed order."""
    if tag == "font" and "color" in attrs:
        attrs = {"data-mx-color": attrs["color"], **attrs}
    kept: dict[str, str] = {}
    for name in sorted(ATTRIBUTES[tag] & attrs.keys()):
        value = attribute_value(tag, name, attrs[name])
        if value is not None:
            kept[name] = value
    return kept


def attribute_value(tag: str, name: str, value: str) -> str | None:
    """Return the value to keep for an attribute, or None when the attribute must go."""
    if name not in ATTRIBUTES.get(tag, ()):
        return None
    match name:
        case "href":
            return _href(value)
        case "start":
            return value if _START.fullmatch(value) else None
        case "class":
            return next((word for word in value.split() if _LANGUAGE.fullmatch(word)), None)
        case "data-mx-color" | "data-mx-bg-color":
            return value if _COLOUR.fullmatch(value) else None
        case _:
            return scrub(value)


def _href(value: str) -> str | None:
    """Return an absolute URL of an allowed scheme as a browser would read it, or None."""
    url = scrub(value).translate(_IGNORED_IN_URL).strip(_AROUND_URL)
    scheme, _, rest = url.partition(":")
    if scheme.lower() not in SCHEMES or not rest:
        return None
    # "https:path" without slashes would be read relative to the page that shows it.
    if scheme.lower() in _WITH_HOST and not rest.startswith("//"):
        return None
    # The cleaner's own URL parser is stricter than this; a link that it would empty must not be begun.
    return url if " href=" in _LINK_CHECK.clean(f'<a href="{escape(url)}">x</a>') else None
