"""What the demo tells its user: a short table on the terminal, and the same in DIR/demo.json for programs."""

from __future__ import annotations

import json

from bridge.cli.demo.addresses import Addresses
from bridge.cli.demo.layout import Layout
from bridge.cli.demo.state import Lobby, State
from bridge.cli.private_file import write_private
from bridge.settings import Settings


def table(layout: Layout, state: State, addresses: Addresses, lobby: Lobby) -> str:
    """Return the lines for the terminal."""
    web, matrix = state.web_user, state.matrix_user
    return f"""
  Rialto's demo is running. Ctrl-C ends it.

  Web page     {addresses.web}/
               sign in as {web.name}, password {web.password}; the room is "Lobby"
  Matrix       {addresses.homeserver} (homeserver {state.server_name})
               sign in as {matrix.name} ({state.user_id}), password {matrix.password}
  Room         {lobby.alias}
  Element      Sign in > Edit homeserver > {addresses.homeserver} > Continue, sign in as {matrix.name},
               then join {lobby.alias}
  Files        {layout.root} (all of this is in demo.json)"""


def write_summary(
    layout: Layout,
    state: State,
    addresses: Addresses,
    settings: Settings,
    lobby: Lobby,
    *,
    rialto: int,
    homeserver: int,
) -> None:
    """Replace demo.json; `rialto` and `homeserver` are process IDs."""
    summary = {
        "web_url": addresses.web,
        "homeserver_url": addresses.homeserver,
        "server_name": state.server_name,
        "room_id": lobby.id,
        "room_alias": lobby.alias,
        "web_user": {"name": state.web_user.name, "password": state.web_user.password},
        "matrix_user": {"user_id": state.user_id, "password": state.matrix_user.password},
        "config_path": str(layout.config),
        "registration_path": str(layout.registration),
        "database": settings.database_url,
        "pids": {"rialto": rialto, "homeserver": homeserver},
    }
    write_private(layout.summary, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
