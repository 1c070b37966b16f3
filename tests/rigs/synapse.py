"""A real Synapse in a directory of the test's own: started, stopped, killed and started again on one port."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import pytest
from ruamel.yaml import YAML

from tests.rigs.accounts import register_with_secret
from tests.rigs.ports import free_port

_BOUNDLESS = {"per_second": 100_000, "burst_count": 100_000}
_LIMITS = (
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
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


def require_synapse() -> None:
    """Skip the test where Synapse is not installed; on CI its absence is a failure, so that nothing is unproven."""
    if importlib.util.find_spec("synapse") is not None:
        return
    reason = "matrix-synapse is not installed (pip install 'rialto-bridge[demo]')"
    if os.environ.get("CI"):
        pytest.fail(reason)
    print(f"skipped: {reason}")
    pytest.skip(reason)


class Synapse:
    """One homeserver process; `url` is valid after the first start and never changes afterwards.

    Application services are added before the first start. `stop` and `kill` leave the database in place, and
    `start` goes on from it. As an async context manager it starts on entry and stops on exit. `settings` are
    laid over the configuration, key by key.
    """

    def __init__(
        self, directory: Path, *, server_name: str = "localhost", settings: Mapping[str, Any] | None = None
    ) -> None:
        self.directory = directory
        self.server_name = server_name
        self.port = free_port()
        self.secret = secrets.token_hex(16)
        self.log_file = directory / "homeserver.log"
        self._settings = dict(settings or {})
        self._registrations: list[Path] = []
        self._process: asyncio.subprocess.Process | None = None
        self._ever_ran = False

    @property
    def url(self) -> str:
        """The client-server address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process now running, if any."""
        return self._process.pid if self._process else None

    def add_appservice(self, registration: Mapping[str, Any] | Path) -> None:
        """Have the homeserver read a registration (a mapping is written to a file first) at its next start."""
        if isinstance(registration, Path):
            self._registrations.append(registration)
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"registration-{len(self._registrations)}.yaml"
        _write_yaml(path, dict(registration))
        self._registrations.append(path)

    async def __aenter__(self) -> Synapse:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start (again) on this directory and return when /health answers; RuntimeError with the log's end if not."""
        if self._process is not None:
            raise RuntimeError("Synapse is running already")
        self.directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(3):
            await self._configure()
            self._process = await self._spawn()
            if await self._healthy():
                self._ever_ran = True
                return
            await self._reap()
            # Only a port lost to another process before the very first start may be replaced: later on the
            # application service and the clients know it.
            if self._ever_ran or attempt == 2 or "in use" not in self._log_end():
                raise RuntimeError(f"Synapse did not start:\n{self._log_end()}")
            self.port = free_port()

    async def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """End the process with a signal and wait for it; one that ignores SIGTERM for 30 s is killed."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.send_signal(sig)
        await self._reap()

    async def kill(self) -> None:
        """End the process as a power cut would."""
        await self.stop(signal.SIGKILL)

    async def register_user(self, name: str, password: str, *, admin: bool = False) -> tuple[str, str]:
        """Make an account through the shared secret: its whole user ID and an access token."""
        return await register_with_secret(self.url, self.secret, name, password, admin=admin)

    async def _configure(self) -> None:
        log = {
            "version": 1,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {"file": {"class": "logging.FileHandler", "filename": str(self.log_file), "formatter": "line"}},
            "root": {"level": "INFO", "handlers": ["file"]},
            "disable_existing_loggers": False,
        }
        (self.directory / "log.yaml").write_text(json.dumps(log))
        _write_yaml(self.directory / "homeserver.yaml", self._config())
        if not (self.directory / "signing.key").exists():
            keys = await self._spawn("--generate-keys")
            if await keys.wait() != 0:
                raise RuntimeError(f"Synapse made no keys:\n{self._log_end()}")

    def _config(self) -> dict[str, Any]:
        here = self.directory
        return {
            "server_name": self.server_name,
            "public_baseurl": f"{self.url}/",
            "pid_file": str(here / "homeserver.pid"),
            "listeners": [
                {
                    "port": self.port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "tls": False,
                    "x_forwarded": False,
                    "resources": [{"names": ["client"]}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(here / "homeserver.db")}},
            "log_config": str(here / "log.yaml"),
            "media_store_path": str(here / "media"),
            "signing_key_path": str(here / "signing.key"),
            "registration_shared_secret": self.secret,
            "macaroon_secret_key": self.secret,
            "form_secret": self.secret,
            "report_stats": False,
            "suppress_key_server_warning": True,
            "trusted_key_servers": [],
            "enable_registration": False,
            "app_service_config_files": [str(path) for path in self._registrations],
            "experimental_features": {
                "msc2409_to_device_messages_enabled": True,
                "msc3202_transaction_extensions": True,
            },
            "max_upload_size": "100M",
            "bcrypt_rounds": 4,
            **dict.fromkeys(_LIMITS, _BOUNDLESS),
            "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), _BOUNDLESS),
            "rc_joins": dict.fromkeys(("local", "remote"), _BOUNDLESS),
            "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), _BOUNDLESS),
            "rc_presence": {"per_user": _BOUNDLESS},
            # By default nothing that asks for it is listed in the public room directory.
            "room_list_publication_rules": [{"action": "allow"}],
            **self._settings,
        }

    async def _spawn(self, *options: str) -> asyncio.subprocess.Process:
        with (self.directory / "output.log").open("ab") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "synapse.app.homeserver", "-c", str(self.directory / "homeserver.yaml")),
                *options,
                # Inside the synapse package its `logging` would shadow the standard library's.
                cwd=self.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def _healthy(self) -> bool:
        assert self._process is not None
        loop = asyncio.get_running_loop()
        until = loop.time() + _START_SECONDS
        async with aiohttp.ClientSession() as session:
            while loop.time() < until and self._process.returncode is None:
                try:
                    async with session.get(f"{self.url}/health") as answer:
                        if answer.status == 200:
                            return self._process.returncode is None
                except aiohttp.ClientError:
                    pass  # not listening yet
                await asyncio.sleep(0.05)  # there is nothing to await in another process's start but the port
        return False

    async def _reap(self) -> None:
        assert self._process is not None
        process, self._process = self._process, None
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _log_end(self) -> str:
        paths = (self.log_file, self.directory / "output.log")
        return "\n".join(path.read_text(errors="replace") for path in paths if path.exists())[-4000:]


def _write_yaml(path: Path, value: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as out:
        YAML(typ="safe").dump(dict(value), out)
