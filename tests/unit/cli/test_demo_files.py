"""What the demo writes for its parts: settings that load and agree, a homeserver's configuration, ports, demo.json."""

from __future__ import annotations

import json
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bridge.cli.demo import configs, ports, rialto, synapse, table
from bridge.cli.demo import state as states
from bridge.cli.demo.addresses import Addresses
from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.layout import Layout
from bridge.cli.demo.state import Lobby, Ports, State
from bridge.networks.matrix import registration
from bridge.settings.agreement import machine_problems, registration_problems

LOBBY = Lobby("r_lobby", "#rialto_lobby:localhost")


def prepared(folder: Path, host: str = "127.0.0.1") -> tuple[Layout, State, Addresses]:
    layout = Layout(folder)
    layout.make_root()
    return layout, states.new(), Addresses(host, Ports(web=8090, homeserver=8008, appservice=29350))


def test_rialto_finds_nothing_wrong_with_its_files(tmp_path: Path) -> None:
    layout, state, addresses = prepared(tmp_path)
    settings = configs.write_rialto(layout, state, addresses)
    assert list(registration_problems(settings)) == []
    assert list(machine_problems(settings)) == []
    assert settings.database_url == f"sqlite:///{tmp_path}/rialto.db"
    assert (settings.homeserver.server_name, settings.homeserver.url) == ("localhost", "http://127.0.0.1:8008")
    assert settings.limits.messages_per_second >= 50
    assert settings.limits.burst >= 50
    for path in (layout.config, layout.registration):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_tokens_stay_and_ports_follow(tmp_path: Path) -> None:
    layout, state, addresses = prepared(tmp_path)
    configs.write_rialto(layout, state, addresses)
    before = registration.load(layout.registration)
    moved = Addresses("127.0.0.1", Ports(web=9001, homeserver=9002, appservice=9003))
    settings = configs.write_rialto(layout, state, moved)
    after = registration.load(layout.registration)
    assert (before.as_token, before.hs_token) == (after.as_token, after.hs_token)
    assert after.url == "http://127.0.0.1:9003"
    assert (settings.web.listen.port, settings.homeserver.url) == (9001, "http://127.0.0.1:9002")
    assert synapse.config(layout, state, moved)["server_name"] == "localhost"


def test_the_homeservers_configuration(tmp_path: Path) -> None:
    layout, state, addresses = prepared(tmp_path)
    synapse.write_files(layout, state, addresses)
    written = YAML(typ="safe").load(layout.homeserver_config.read_text())
    assert written == synapse.config(layout, state, addresses)
    assert written["listeners"][0]["bind_addresses"] == ["127.0.0.1"]
    assert written["app_service_config_files"] == [str(layout.registration)]
    assert written["rc_message"]["per_second"] == 100_000
    assert written["rc_joins"]["local"]["per_second"] == 100_000
    kind, version, seed = layout.signing_key.read_text().split()
    assert (kind, len(seed)) == ("ed25519", 43)
    assert version.startswith("a_")


@pytest.mark.parametrize(
    ("host", "web"),
    [
        ("127.0.0.1", "http://127.0.0.1:8090"),
        ("0.0.0.0", "http://127.0.0.1:8090"),
        ("::1", "http://[::1]:8090"),
        ("::", "http://[::1]:8090"),
        ("localhost", "http://localhost:8090"),
    ],
)
def test_addresses_can_be_called_from_here(tmp_path: Path, host: str, web: str) -> None:
    layout, state, addresses = prepared(tmp_path, host)
    assert addresses.web == web
    assert configs.write_rialto(layout, state, addresses).web.listen.host == host


def test_demo_json_has_exactly_the_promised_keys(tmp_path: Path) -> None:
    layout, state, addresses = prepared(tmp_path)
    settings = configs.write_rialto(layout, state, addresses)
    table.write_summary(layout, state, addresses, settings, LOBBY, rialto=11, homeserver=12)
    assert json.loads(layout.summary.read_text()) == {
        "web_url": "http://127.0.0.1:8090",
        "homeserver_url": "http://127.0.0.1:8008",
        "server_name": "localhost",
        "room_id": "r_lobby",
        "room_alias": "#rialto_lobby:localhost",
        "web_user": {"name": state.web_user.name, "password": state.web_user.password},
        "matrix_user": {"user_id": state.user_id, "password": state.matrix_user.password},
        "config_path": str(tmp_path / "rialto.yaml"),
        "registration_path": str(tmp_path / "registration.yaml"),
        "database": f"sqlite:///{tmp_path}/rialto.db",
        "pids": {"rialto": 11, "homeserver": 12},
    }


def test_the_table_tells_all_that_is_needed(tmp_path: Path) -> None:
    layout, state, addresses = prepared(tmp_path)
    text = table.table(layout, state, addresses, LOBBY)
    for needed in (addresses.web, addresses.homeserver, LOBBY.alias, state.user_id, str(tmp_path)):
        assert needed in text
    for account in (state.web_user, state.matrix_user):
        assert f"sign in as {account.name}" in text
        assert account.password in text
    assert "Sign in > Edit homeserver > http://127.0.0.1:8008" in text


def test_another_rialtos_settings_do_not_reach_the_demo() -> None:
    settings = {"RIALTO_DATABASE": "sqlite:////other.db", "RIALTO_CONFIG": "x"}
    kept = rialto.environment({**settings, "PATH": "/bin", "RIALTO_CRASH_AT": "appended"})
    assert "RIALTO_DATABASE" not in kept
    assert "RIALTO_CONFIG" not in kept
    assert kept["PATH"] == "/bin"
    assert kept["RIALTO_CRASH_AT"] == "appended"


def listening(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    taken = socket.socket()
    taken.bind((host, port))
    taken.listen()
    return taken


def test_a_busy_port_that_was_asked_for() -> None:
    with closing(listening()) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=rf"port {port} on 127\.0\.0\.1 is busy: .* choose another --web-port"):
            ports.choose("127.0.0.1", web=port, homeserver=None, last=None)
        with pytest.raises(DemoError, match=rf"port {port} .* choose another --homeserver-port"):
            ports.choose("127.0.0.1", web=None, homeserver=port, last=None)


def test_the_last_ports_are_preferred_unless_busy() -> None:
    with closing(listening()) as one, closing(listening()) as two, closing(listening()) as three:
        free, busy, other = (taken.getsockname()[1] for taken in (one, two, three))
        one.close()
        chosen = ports.choose("127.0.0.1", web=None, homeserver=None, last=Ports(free, busy, other))
    assert chosen.web == free
    assert busy not in (chosen.homeserver, chosen.appservice)
    assert other not in (chosen.homeserver, chosen.appservice)
    assert len({chosen.web, chosen.homeserver, chosen.appservice}) == 3


def test_a_port_asked_for_is_nobody_elses() -> None:
    with closing(listening()) as taken:
        port = taken.getsockname()[1]
    chosen = ports.choose("127.0.0.1", web=None, homeserver=port, last=Ports(port, port, port))
    assert chosen.homeserver == port
    assert port not in (chosen.web, chosen.appservice)


def test_one_port_for_two() -> None:
    with pytest.raises(DemoError, match="are the same"):
        ports.choose("127.0.0.1", web=9000, homeserver=9000, last=None)


def test_a_foreign_address() -> None:
    with pytest.raises(DemoError, match=r"--host 192\.0\.2\.1 cannot be listened on .*: leave it out for 127\.0\.0\.1"):
        ports.choose("192.0.2.1", web=None, homeserver=None, last=None)
