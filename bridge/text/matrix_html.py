"""Formatted bodies of Matrix messages: made safe to show and to pass on, or read out as plain text."""

from __future__ import annotations

from html import escape

import nh3

from bridge.text.html_balance import balanced
from bridge.text.html_plain import to_text
from bridge.text.html_policy import ATTRIBUTES, SCHEMES, TAGS, attribute_value
from bridge.text.html_tokens import End, Start, Text

__all__ = ["sanitize", "to_text"]

# What the cleaner itself puts on links: they open outside and cannot reach back.
_LINK_EXTRAS = {"rel": "noopener", "target": "_blank"}


def _filter(tag: str, name: str, value: str) -> str | None:
    if tag == "a" and _LINK_EXTRAS.get(name) == value:
        return value
    return attribute_value(tag, name, value)


_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
    attribute_filter=_filter,
    set_tag_attribute_values={"a": {"target": _LINK_EXTRAS["target"]}},
    link_rel=_LINK_EXTRAS["rel"],
    url_schemes=set(SCHEMES),
    url_relative="deny",
)


def sanitize(html: str) -> str:
    """Return `html` with only the tags and attributes that the client-server specification recommends, 100 deep.

    What comes out is well-formed and safe inside a `<div>` of a page; doing it again changes nothing. Images become
    their alternative text; scripts, styles and reply fallbacks are dropped whole. Links open outside and without an
    opener. Linear in the length, never raises.
    """
    # The cleaner alone decides what is safe. The balanced form before it is what keeps a hostile nesting from being
    # blown up by the tree builder, and what bounds the depth.
    return _CLEANER.clean("".join(_written(html)))


def _written(html: str) -> list[str]:
    parts: list[str] = []
    for token in balanced(html):
        match token:
            case Text(data):
                parts.append(escape(data, quote=False))
            case Start(tag, attrs):
                parts.append(f"<{tag}" + "".join(f' {name}="{escape(attrs[name])}"' for name in attrs) + ">")
            case End(tag):
                parts.append(f"</{tag}>")
    return parts
