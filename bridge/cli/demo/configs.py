"""Rialto's two files of the demo, written anew at each start from what the demo remembers."""

from __future__ import annotations

from bridge.cli.demo.addresses import Addresses
from bridge.cli.demo.layout import Layout
from bridge.cli.demo.state import State
from bridge.cli.private_file import write_private
from bridge.networks.matrix import registration
from bridge.settings import Settings, load
from bridge.settings.template import Answers, rialto_yaml

PREFIX = "rialto"
_NOTE = "# `rialto demo` writes this file anew at each start: what is changed here is lost then.\n"
# A person, or a test, may write 50 messages a second and sign in as often as needed.
_LIMITS = """
limits:
  messages_per_second: 100
  burst: 400
  logins_per_minute: 600
  changes_per_minute: 6000
"""


def write_rialto(layout: Layout, state: State, addresses: Addresses) -> Settings:
    """Write rialto.yaml and registration.yaml, and return the settings as Rialto will read them."""
    answers = Answers(
        server_name=state.server_name,
        homeserver_url=addresses.homeserver,
        appservice_url=addresses.appservice,
        appservice_listen=addresses.appservice_listen,
        web_url=addresses.web,
        web_listen=addresses.web_listen,
        database=f"sqlite:///{layout.database.name}",
    )
    # So that the one person on Matrix can try names and topics from there too.
    rooms = f"\nrooms:\n  moderators: ['{state.user_id}']\n"
    write_private(layout.config, _NOTE + rialto_yaml(answers) + rooms + _LIMITS)
    made = registration.make(
        url=addresses.appservice,
        server_name=state.server_name,
        prefix=PREFIX,
        as_token=state.keys.as_token,
        hs_token=state.keys.hs_token,
    )
    write_private(layout.registration, made.to_yaml())
    return load(layout.config, {})
