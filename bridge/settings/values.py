"""The rules for single values: each returns text in its settled form, or raises ValueError with the remedy."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")
_PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")
LONGEST_ISSUER = 255
MATRIX_PROVIDER = "matrix"
_NOT_OTHERS = {"0.0.0.0", "::"}
"""Addresses to listen on; nobody can call them."""


@dataclass(frozen=True, slots=True)
class Listen:
    """An address of this machine to listen on; `host` has no brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: object) -> Listen:
        """Return the address in `host:port` or `[ipv6]:port`."""
        if isinstance(value, cls):
            return value
        example = "must be host:port, such as 127.0.0.1:8090"
        if not isinstance(value, str) or "://" in value:
            raise ValueError(example)
        host, colon, port = value.rpartition(":")
        if not colon or not host:
            raise ValueError(example)
        return cls(_host(host, example), _port(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def everywhere(self) -> bool:
        """Tell whether this is every address of the machine."""
        return self.host in _NOT_OTHERS

    def collides(self, other: Listen) -> bool:
        """Tell whether the two cannot both be listened on."""
        here, there = (("127.0.0.1" if host == "localhost" else host) for host in (self.host, other.host))
        return self.port == other.port and (here == there or self.everywhere or other.everywhere)


def _host(host: str, example: str) -> str:
    """Return the name or address, an IPv6 one out of its brackets."""
    if host.startswith("[") and host.endswith("]"):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise ValueError(f"{host} is no IPv6 address: {example}") from None
    if ":" in host:
        raise ValueError(f"{example} (an IPv6 address stands in brackets: [::1]:8090)")
    if not _HOST.fullmatch(host) or (host.replace(".", "").isdigit() and not _is_ipv4(host)):
        raise ValueError(f"'{host}' is neither a host name nor an address: {example}")
    return host


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _port(port: str) -> int:
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:9]) <= 65535):
        raise ValueError(f"port '{port[:20]}' is out of range: a port is a number from 1 to 65535")
    return int(port)


def web_address(value: str) -> str:
    """Return an http or https URL without its last slash; it has no user, query or fragment."""
    if _SPACE.search(value):
        raise ValueError("must be a URL without spaces")
    scheme, mark, rest = value.partition("://")
    if not mark:
        raise ValueError(f"must be a URL that begins with http:// or https:// (did you mean 'http://{value}'?)")
    if scheme.lower() not in ("http", "https"):
        raise ValueError("must begin with http:// or https://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise ValueError("must hold no user name or password: Rialto signs in with the tokens of its registration")
    _authority(authority)
    parts = urlsplit(value)
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise ValueError("must end before the '?' or '#'")
    if "/_matrix" in parts.path:
        raise ValueError("must end before /_matrix: Rialto adds that part itself")
    return value.rstrip("/")


def root_address(value: str) -> str:
    """Return a web address that has no path: Rialto's pages live at the root of theirs."""
    address = web_address(value)
    if urlsplit(address).path:
        raise ValueError("must have no path after the host: Rialto's pages live at the root of an address")
    return address


def _authority(authority: str) -> None:
    """Refuse what cannot stand between `//` and the path of a URL."""
    example = "a URL is like http://127.0.0.1:8008 or https://matrix.example.org"
    if not authority:
        raise ValueError(f"names no host: {example}")
    host, port = _cut(authority)
    settled = _host(host, example)
    if port is not None:
        _port(port)
    if settled in _NOT_OTHERS:
        raise ValueError(
            f"{settled} is an address to listen on, not one to call: write 127.0.0.1 or the machine's name"
        )


def _cut(authority: str) -> tuple[str, str | None]:
    """Cut `host:port` or `[ipv6]:port`; without a port the second is None."""
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(.*))?", authority, re.DOTALL)
    return (match[1], match[2]) if match else (authority, None)


def server_name(value: str) -> str:
    """Return a homeserver's name (specification appendix, "Server name"): a host, perhaps with a port, and no more."""
    example = "it is the part after the colon in @you:example.org"
    if "://" in value:
        bare = re.split(r"[/?#]", value.partition("://")[2], maxsplit=1)[0]
        raise ValueError(f"must be a name, not a URL: {example} (did you mean '{bare}'?)")
    if value.startswith(("@", "#", "!")):
        raise ValueError(f"must be the server's name alone: {example} (did you mean '{value.partition(':')[2]}'?)")
    if not value or "/" in value or _SPACE.search(value):
        raise ValueError(f"is no server name: {example}")
    host, port = _cut(value)
    _host(host, example)
    if port is not None:
        _port(port)
    return value


def prefix(value: str) -> str:
    """Return a prefix that may begin a Matrix localpart: the bot's whole name, and the ghosts' up to the `_`."""
    if not _PREFIX.fullmatch(value):
        raise ValueError("must be 1 to 32 of a-z 0-9 . _ - and begin with a letter or digit, such as rialto")
    return value


def database(value: str, folder: Path | None) -> str:
    """Return a database URL without a driver; a relative SQLite path is taken from `folder`. Never quotes `value`."""
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(
            "must be a database URL such as sqlite:///rialto.db or postgresql://user:password@host/name"
        ) from None
    kind, plus, _ = url.drivername.partition("+")
    kind = "postgresql" if kind == "postgres" else kind
    if kind not in ("sqlite", "postgresql"):
        raise ValueError("must begin with sqlite:/// or postgresql://: Rialto keeps its data in one of these two")
    if plus:
        raise ValueError(f"must name no driver: write {kind}:// (Rialto chooses the driver itself)")
    if kind == "sqlite" and "?" in value:
        raise ValueError("must hold no '?': SQLite takes no options here, and in a path '?' is written %3F")
    settled = _sqlite(url, folder) if kind == "sqlite" else _postgresql(url)
    return settled.set(drivername=kind).render_as_string(hide_password=False)


def _sqlite(url: URL, folder: Path | None) -> URL:
    if url.host:
        raise ValueError("needs three slashes before a path: sqlite:///rialto.db (four before one that begins with /)")
    if not url.database or url.database == ":memory:":
        raise ValueError(
            "must name a file, such as sqlite:///rialto.db: what is kept in memory is lost at the next stop"
        )
    if folder is None:
        return url
    return url.set(database=str(folder / url.database))


def _postgresql(url: URL) -> URL:
    if not url.database:
        raise ValueError("must end with the database's name: postgresql://user:password@host/name")
    if url.port is not None and not 1 <= url.port <= 65535:
        raise ValueError("port is out of range: a port is a number from 1 to 65535")
    return url


def matrix_user(value: str) -> str:
    """Return a Matrix user ID, `@name:server`."""
    if not re.fullmatch(r"@[!-9;-~]+:[A-Za-z0-9.:\[\]-]+", value) or len(value) > 255:
        raise ValueError("must be a whole Matrix user ID, such as @you:example.org")
    return value


def issuer(value: str) -> str:
    """Return an OpenID provider's issuer as it is written; its last slash, where it has one, belongs to it."""
    web_address(value)
    parts = urlsplit(value)
    if parts.scheme.lower() != "https" and not _is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https://: whoever can change what it answers can sign in as anybody")
    if "/.well-known/" in parts.path:
        raise ValueError("must end before /.well-known: Rialto adds that part itself")
    if len(value) > LONGEST_ISSUER:
        raise ValueError(f"must have at most {LONGEST_ISSUER} characters")
    return value


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or (_is_ipv4(host) and ipaddress.IPv4Address(host).is_loopback)


def provider_id(value: str) -> str:
    """Return the ID of a place to sign in, which stands in addresses."""
    if not _PROVIDER.fullmatch(value):
        raise ValueError("must be 1 to 32 of a-z 0-9 _ - and begin with a letter or digit, such as keycloak")
    if value == MATRIX_PROVIDER:
        raise ValueError("'matrix' is the homeserver's own: choose another, and see sign_in.matrix")
    return value


def scope(value: str) -> str:
    """Return one scope (RFC 6749, section 3.3)."""
    if not re.fullmatch(r"[!#-\[\]-~]+", value):
        raise ValueError("must be one scope without spaces, such as profile")
    return value
