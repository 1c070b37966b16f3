"""The demo's homeserver: a Synapse on the loopback with limits that nobody reaches, and a user registered on it."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import sys
from io import StringIO
from typing import Any

import aiohttp
from ruamel.yaml import YAML

from bridge.cli.demo.addresses import Addresses
from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.layout import Layout
from bridge.cli.demo.state import State
from bridge.cli.private_file import write_private

_BOUNDLESS = {"per_second": 100_000, "burst_count": 100_000}
_LIMITS: dict[str, tuple[str, ...]] = {
    "rc_login": ("address", "account", "failed_attempts"),
    "rc_joins": ("local", "remote"),
    "rc_invites": ("per_room", "per_user", "per_issuer"),
    "rc_presence": ("per_user",),
}
_FLAT_LIMITS = (
    "rc_message",
    "rc_registration",
    "rc_joins_per_room",
    "rc_room_creation",
    "rc_media_create",
    "rc_profile",
    "rc_user_directory",
    "rc_reports",
    "rc_delayed_event_mgmt",
)


def require() -> None:
    """Raise DemoError unless Synapse is installed."""
    if importlib.util.find_spec("synapse") is None:
        raise DemoError("the demo needs a homeserver: run `make demo`, or pip install 'rialto-bridge[demo]'")


def command(layout: Layout) -> tuple[str, ...]:
    """Return the command that runs the homeserver until SIGTERM."""
    # -P: no file of the folder may stand in for a module of Python's own.
    return (sys.executable, "-P", "-m", "synapse.app.homeserver", "-c", str(layout.homeserver_config))


def write_files(layout: Layout, state: State, addresses: Addresses) -> None:
    """Write the homeserver's configuration, the one of its log, and its signing key."""
    log = {
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        # INFO writes several lines for each request, which a demo under load would feel.
        "root": {"level": "WARNING", "handlers": ["console"]},
        "disable_existing_loggers": False,
    }
    write_private(layout.homeserver_log_config, _yaml(log))
    write_private(layout.homeserver_config, _yaml(config(layout, state, addresses)))
    write_private(layout.signing_key, state.keys.signing)


def config(layout: Layout, state: State, addresses: Addresses) -> dict[str, Any]:
    """Return the content of homeserver.yaml."""
    return {
        "server_name": state.server_name,
        "public_baseurl": f"{addresses.homeserver}/",
        "pid_file": str(layout.homeserver_pid),
        "listeners": [
            {
                "port": addresses.ports.homeserver,
                "bind_addresses": [addresses.host],
                "type": "http",
                "tls": False,
                "x_forwarded": False,
                "resources": [{"names": ["client"]}],
            }
        ],
        "database": {"name": "sqlite3", "args": {"database": str(layout.homeserver_database)}},
        "log_config": str(layout.homeserver_log_config),
        "media_store_path": str(layout.media),
        "signing_key_path": str(layout.signing_key),
        "registration_shared_secret": state.keys.registration,
        "macaroon_secret_key": state.keys.macaroon,
        "form_secret": state.keys.form,
        "report_stats": False,
        "suppress_key_server_warning": True,
        "trusted_key_servers": [],
        "enable_registration": False,
        "app_service_config_files": [str(layout.registration)],
        "experimental_features": {
            "msc2409_to_device_messages_enabled": True,
            "msc3202_transaction_extensions": True,
        },
        # By default no room that asks for it is listed in the room directory.
        "room_list_publication_rules": [{"action": "allow"}],
        "max_upload_size": "100M",
        "bcrypt_rounds": 4,
        **dict.fromkeys(_FLAT_LIMITS, _BOUNDLESS),
        **{name: dict.fromkeys(keys, _BOUNDLESS) for name, keys in _LIMITS.items()},
    }


def _yaml(value: dict[str, Any]) -> str:
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.representer.ignore_aliases = lambda _: True
    text = StringIO("# `rialto demo` writes this file anew at each start: what is changed here is lost then.\n")
    text.seek(0, 2)
    writer.dump(value, text)
    return text.getvalue()


async def healthy(session: aiohttp.ClientSession, url: str) -> bool:
    """Tell whether the homeserver takes requests."""
    async with session.get(f"{url}/health") as answer:
        return answer.status == 200


async def resolve_alias(session: aiohttp.ClientSession, url: str, alias: str) -> str | None:
    """Return the Matrix room behind an alias, or None (client-server API, GET /directory/room/{roomAlias})."""
    path = f"/_matrix/client/v3/directory/room/{alias.replace('#', '%23').replace(':', '%3A')}"
    async with session.get(url + path) as answer:
        if answer.status != 200:
            return None
        room: str = (await answer.json())["room_id"]
        return room


async def register_user(session: aiohttp.ClientSession, url: str, state: State) -> bool:
    """Make the Matrix account through the shared secret (Synapse's admin API); one that is there already is fine."""
    address = f"{url}/_synapse/admin/v1/register"
    user = state.matrix_user
    async with session.get(address) as answer:
        answer.raise_for_status()
        nonce: str = (await answer.json())["nonce"]
    signed = b"\0".join(part.encode() for part in (nonce, user.name, user.password, "notadmin"))
    mac = hmac.new(state.keys.registration.encode(), signed, hashlib.sha1).hexdigest()
    body = {"nonce": nonce, "username": user.name, "password": user.password, "admin": False, "mac": mac}
    async with session.post(address, json=body) as answer:
        made = await answer.json()
        if answer.status != 200 and made.get("errcode") != "M_USER_IN_USE":
            raise DemoError(
                f"the homeserver does not register {state.user_id} ({answer.status} {made.get('error')}): "
                "--fresh starts anew"
            )
    return True
