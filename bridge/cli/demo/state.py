"""What the demo remembers from one start to the next: names, passwords, keys, ports and the room."""

from __future__ import annotations

import base64
import secrets

import msgspec

from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.layout import Layout
from bridge.cli.private_file import write_private

SERVER_NAME = "localhost"
"""Part of every Matrix ID and fixed for ever, so it holds no port: ports may change."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Those that nobody takes for another one."""


class Account(msgspec.Struct, frozen=True):
    """A login name (on Matrix the localpart) and its password."""

    name: str
    password: str


class Keys(msgspec.Struct, frozen=True):
    """The secrets that no person types."""

    registration: str
    macaroon: str
    form: str
    signing: str
    as_token: str
    hs_token: str


class Ports(msgspec.Struct, frozen=True):
    """Where the three servers listen."""

    web: int
    homeserver: int
    appservice: int


class Lobby(msgspec.Struct, frozen=True):
    """The demo's room: its ID here, and its whole Matrix alias."""

    id: str
    alias: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; there is no Lobby until it has been made."""

    server_name: str
    keys: Keys
    web_user: Account
    matrix_user: Account
    ports: Ports | None = None
    lobby: Lobby | None = None

    @property
    def user_id(self) -> str:
        """The Matrix account's whole ID."""
        return f"@{self.matrix_user.name}:{self.server_name}"


def new() -> State:
    """Return the state of a demo that never ran, with secrets of its own."""
    return State(
        server_name=SERVER_NAME,
        keys=Keys(
            registration=secrets.token_urlsafe(32),
            macaroon=secrets.token_urlsafe(32),
            form=secrets.token_urlsafe(32),
            signing=f"ed25519 a_{secrets.token_hex(3)} {_unpadded(secrets.token_bytes(32))}\n",
            as_token=secrets.token_urlsafe(48),
            hs_token=secrets.token_urlsafe(48),
        ),
        web_user=Account("ada", _password()),
        matrix_user=Account("grace", _password()),
    )


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _password() -> str:
    """Return a password that is easily typed (59 bits)."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def load(layout: Layout) -> State:
    """Return the folder's state, a new one for a new folder. Raises DemoError when it is lost or damaged."""
    databases = [path for path in (layout.database, layout.homeserver_database) if path.exists()]
    if not layout.state.exists():
        if databases:
            raise DemoError(
                f"{layout.state}, which holds this demo's passwords and keys, is gone: put it back, or add --fresh"
            )
        return new()
    try:
        state = msgspec.json.decode(layout.state.read_bytes(), type=State)
    except msgspec.DecodeError as error:
        raise DemoError(
            f"{layout.state}, which holds this demo's passwords and keys, is damaged ({error}): put it back, "
            "or add --fresh"
        ) from error
    if state.lobby is not None and len(databases) < 2:
        lost = layout.database if layout.database not in databases else layout.homeserver_database
        raise DemoError(f"{lost} is gone, and the other database cannot go on alone: put it back, or add --fresh")
    return state


def save(layout: Layout, state: State) -> None:
    """Write the state, atomically and for this user's eyes only."""
    text = msgspec.json.format(msgspec.json.encode(state), indent=2).decode()
    write_private(layout.state, text + "\n")
