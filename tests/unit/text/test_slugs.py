"""Slugs of room aliases: readable where they can be, and never in the way of a network's own names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.slugs import RESERVED, is_slug, slugify


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Lobby", "lobby"),
        ("  The Café — Ñandú!  ", "the-cafe-nandu"),
        ("Bob's room", "bobs-room"),
        ("Ærø Łódź Straße", "aero-lodz-strasse"),
        ("irc_libera", "irc-libera"),
        ("xmpp_x", "xmpp-x"),
        ("Ｆｕｌｌ ①", "full-1"),
        ("C++ & C#", "c-c"),
        ("中文", ""),
        ("聊天 chat", "chat"),
        ("---", ""),
        ("", ""),
        ("a" * 39 + " b", "a" * 39),
        ("a" * 50, "a" * 40),
    ],
)
def test_slugify(name: str, slug: str) -> None:
    assert slugify(name) == slug


@pytest.mark.parametrize("slug", ["a", "lobby", "a.b_c-d", "0", "irc", "irc-x", "my_irc_x", "a" * 64])
def test_what_is_a_slug(slug: str) -> None:
    assert is_slug(slug)


@pytest.mark.parametrize(
    "slug", ["", "A", "a b", "é", "a" * 65, "irc_x", "irc_", "xmpp_x", "a:b", "#a", "a\n", "中文", "a/b"]
)
def test_what_is_none(slug: str) -> None:
    assert not is_slug(slug)


@given(st.text())
def test_every_slug_made_is_one(name: str) -> None:
    slug = slugify(name)
    assert slug == "" or is_slug(slug)
    assert len(slug) <= 40
    assert slugify(slug) == slug
    assert not slug.startswith(RESERVED)
