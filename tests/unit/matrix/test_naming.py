"""What things of ours are called on the homeserver, and whose a name of ours is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.ids import PersonId
from bridge.networks.matrix.naming import Naming

NAMING = Naming("rialto", "example.org:8448")


def test_names_of_ours() -> None:
    assert NAMING.bot == "@rialto:example.org:8448"
    assert NAMING.ghost(PersonId("p1")) == "@rialto_p1:example.org:8448"
    assert NAMING.localpart(PersonId("p1")) == "rialto_p1"
    assert NAMING.alias("lobby") == "#rialto_lobby:example.org:8448"
    assert NAMING.alias_localpart("lobby") == "rialto_lobby"


@pytest.mark.parametrize(
    "user_id",
    [
        "@rialto:example.org:8448",
        "@rialtop1:example.org:8448",
        "@rialto_p1:example.org",
        "@rialto_p1:evil.org:8448",
        "@rialto_p1:example.org:8448.evil",
        "rialto_p1:example.org:8448",
        "@marco:example.org:8448",
        "",
    ],
)
def test_who_is_no_ghost(user_id: str) -> None:
    assert NAMING.person(user_id) is None


def test_who_is_ours() -> None:
    assert NAMING.ours(NAMING.bot)
    assert NAMING.ours(NAMING.ghost(PersonId("p1")))
    assert not NAMING.ours("@rialto:other.org")
    assert not NAMING.ours("@marco:example.org:8448")


@pytest.mark.parametrize(
    "alias", ["#lobby:example.org:8448", "#rialto_lobby:example.org", "@rialto_lobby:example.org:8448"]
)
def test_which_aliases_are_not_ours(alias: str) -> None:
    assert NAMING.slug(alias) is None


@given(st.text(alphabet="abcdefghjkmnpqrstvwxyz0123456789", min_size=1, max_size=30))
def test_names_lead_back_to_what_they_name(word: str) -> None:
    assert NAMING.person(NAMING.ghost(PersonId(word))) == word
    assert NAMING.slug(NAMING.alias(word)) == word
