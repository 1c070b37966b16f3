"""The rules for single values: what is taken, in which form, and which remedy the others get."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from bridge.settings import values
from bridge.settings.values import Listen

LONG = "a" * 64


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8090", "127.0.0.1", 8090),
        ("0.0.0.0:1", "0.0.0.0", 1),
        ("localhost:65535", "localhost", 65535),
        ("[::1]:8090", "::1", 8090),
        ("[0:0:0:0:0:0:0:1]:80", "::1", 80),
        ("chat.example.org:443", "chat.example.org", 443),
    ],
)
def test_listen_addresses(text: str, host: str, port: int) -> None:
    listen = Listen.parse(text)
    assert (listen.host, listen.port) == (host, port)
    assert Listen.parse(str(listen)) == listen


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("8090", "must be host:port"),
        (":8090", "must be host:port"),
        (8090, "must be host:port"),
        (None, "must be host:port"),
        ("http://127.0.0.1:8090", "must be host:port"),
        ("127.0.0.1", "must be host:port"),
        ("127.0.0.1:", "out of range"),
        ("127.0.0.1:0", "out of range"),
        ("127.0.0.1:65536", "out of range"),
        ("127.0.0.1:-1", "out of range"),
        ("127.0.0.1:٣", "out of range"),
        ("127.0.0.1:" + "9" * 5000, "out of range"),
        ("::1:8090", "in brackets"),
        ("[::g]:80", "no IPv6 address"),
        ("300.1.1.1:80", "neither a host name nor an address"),
        ("a b:80", "neither a host name nor an address"),
        (f"{LONG}:80", "neither a host name nor an address"),
    ],
)
def test_listen_refusals(text: object, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        Listen.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("localhost:80", "127.0.0.1:80", True),
        ("0.0.0.0:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "[::]:80", True),
        ("127.0.0.1:80", "127.0.0.1:81", False),
        ("127.0.0.1:80", "127.0.0.2:80", False),
    ],
)
def test_listens_that_collide(one: str, other: str, collide: bool) -> None:
    assert Listen.parse(one).collides(Listen.parse(other)) is collide
    assert Listen.parse(other).collides(Listen.parse(one)) is collide


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("http://127.0.0.1:8008", "http://127.0.0.1:8008"),
        ("https://matrix.example.org/", "https://matrix.example.org"),
        ("http://[::1]:8008//", "http://[::1]:8008"),
        ("https://example.org/rialto/", "https://example.org/rialto"),
    ],
)
def test_web_addresses(text: str, settled: str) -> None:
    assert values.web_address(text) == settled


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("127.0.0.1:8008", r"did you mean 'http://127\.0\.0\.1:8008'"),
        ("ftp://example.org", "must begin with http:// or https://"),
        ("http://", "names no host"),
        ("http:///path", "names no host"),
        ("http://:80", "neither a host name"),
        ("http://a:99999", "out of range"),
        ("http://a:", "out of range"),
        ("http://a:b", "out of range"),
        ("http://me:pw@example.org", "no user name or password"),
        ("http://example.org?x=1", "must end before"),
        ("http://example.org/#", "must end before"),
        ("http://exam ple.org", "without spaces"),
        ("http://example.org\n", "without spaces"),
        ("http://example.org/_matrix/client", "must end before /_matrix"),
        ("http://0.0.0.0:80", "not one to call"),
        ("http://[::]:80", "not one to call"),
        ("http://[::1", "a URL is like"),
        ("http://[::1]x", "neither a host name"),
        ("http://ex_ample!.org", "neither a host name"),
    ],
)
def test_web_address_refusals(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        values.web_address(text)


def test_a_page_address_has_no_path() -> None:
    assert values.root_address("http://chat.example.org/") == "http://chat.example.org"
    with pytest.raises(ValueError, match="must have no path"):
        values.root_address("http://chat.example.org/rooms")


@pytest.mark.parametrize("name", ["example.org", "localhost", "example.org:8448", "10.0.0.1", "[::1]", "[::1]:8448"])
def test_server_names(name: str) -> None:
    assert values.server_name(name) == name


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("https://example.org/", "did you mean 'example.org'"),
        ("http://example.org:8448", "did you mean 'example.org:8448'"),
        ("@me:example.org", "did you mean 'example.org'"),
        ("", "no server name"),
        ("example.org/", "no server name"),
        ("exa mple", "no server name"),
        ("example.org:0", "out of range"),
        ("1.2.3", "neither a host name nor an address"),
        ("-example.org", "neither a host name nor an address"),
        ("a:b:c", "out of range"),
    ],
)
def test_server_name_refusals(name: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        values.server_name(name)


@pytest.mark.parametrize("text", ["rialto", "r", "my.bridge-2_x", "7"])
def test_prefixes(text: str) -> None:
    assert values.prefix(text) == text


@pytest.mark.parametrize("text", ["", "Rialto", "_rialto", "ri alto", "rialtö", "rialto\n", "a" * 33, "@rialto", "a:b"])
def test_prefix_refusals(text: str) -> None:
    with pytest.raises(ValueError, match="begin with a letter or digit"):
        values.prefix(text)


@pytest.mark.parametrize(
    ("url", "settled"),
    [
        ("sqlite:///rialto.db", "sqlite:////srv/rialto/rialto.db"),
        ("sqlite:////var/lib/r.db", "sqlite:////var/lib/r.db"),
        ("postgresql://u:p%40w@h:5433/name", "postgresql://u:p%40w@h:5433/name"),
        ("postgres://h/name", "postgresql://h/name"),
        ("postgresql:///name?host=/run/postgresql", "postgresql:///name?host=/run/postgresql"),
    ],
)
def test_database_urls(url: str, settled: str) -> None:
    assert make_url(values.database(url, Path("/srv/rialto"))) == make_url(settled)


def test_a_folder_with_odd_characters_keeps_them() -> None:
    folder = Path("/srv/a b?c#%41/é")
    assert make_url(values.database("sqlite:///rialto.db", folder)).database == str(folder / "rialto.db")


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("rialto.db", "must be a database URL"),
        ("", "must be a database URL"),
        ("postgresql://u:secret@h:port/x", "must be a database URL"),
        ("postgresql://u:secret@h:70000/x", "out of range"),
        ("postgresql://u:secret@h", "the database's name"),
        ("postgresql+asyncpg://u:secret@h/x", "name no driver: write postgresql://"),
        ("sqlite+aiosqlite:///x.db", "name no driver: write sqlite://"),
        ("mysql://u:secret@h/x", "sqlite:/// or postgresql://"),
        ("sqlite://rialto.db", "three slashes"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///what?.db", "%3F"),
    ],
)
def test_database_refusals_never_show_the_url(url: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy) as caught:
        values.database(url, None)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60) | st.text("htps:/@[]?#.-_ :019aZ", max_size=40))
def test_whatever_is_typed_is_refused_or_settled_once_and_for_all(text: str) -> None:
    for rule in (
        values.web_address,
        values.root_address,
        values.server_name,
        values.prefix,
        Listen.parse,
        lambda value: values.database(value, Path("/srv")),
    ):
        try:
            settled = rule(text)
        except ValueError:
            continue  # A refusal is an answer; any other exception fails the test.
        assert rule(str(settled)) == settled
