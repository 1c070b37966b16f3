"""A real `rialto run` in a process of its own, that tests may kill, stop and start again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from bridge.networks.matrix import registration
from bridge.settings.template import Answers, rialto_yaml
from bridge.settings.values import Listen
from tests.rigs.database import given_url
from tests.rigs.ports import free_port

LIMITS = """
limits:
  messages_per_second: 0
  burst: 1000
  logins_per_minute: 1000
  joins_per_second: 0
"""


@dataclass
class Rialto:
    """One installation in `directory`; the homeserver reads `registration_path` before it starts."""

    directory: Path
    server_name: str = "localhost"
    web_port: int = field(default_factory=free_port)
    appservice_port: int = field(default_factory=free_port)
    database: str = field(default_factory=given_url)
    starts: int = 0
    exits: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._process: asyncio.subprocess.Process | None = None
        self.registration = registration.make(
            url=f"http://127.0.0.1:{self.appservice_port}", server_name=self.server_name, prefix="rialto"
        )
        self.registration_path.write_text(self.registration.to_yaml())
        self.registration_path.chmod(0o600)

    @property
    def url(self) -> str:
        """The web address."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def config_path(self) -> Path:
        """The settings file."""
        return self.directory / "rialto.yaml"

    @property
    def registration_path(self) -> Path:
        """The registration file."""
        return self.directory / "registration.yaml"

    @property
    def pid(self) -> int | None:
        """The process now running, if any."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def configure(self, homeserver_url: str, more: str = "") -> None:
        """Write the settings, once the homeserver's address is known."""
        answers = Answers(
            server_name=self.server_name,
            homeserver_url=homeserver_url,
            appservice_url=f"http://127.0.0.1:{self.appservice_port}",
            appservice_listen=Listen("127.0.0.1", self.appservice_port),
            web_url=self.url,
            web_listen=Listen("127.0.0.1", self.web_port),
            database=self.database,
        )
        self.config_path.write_text(rialto_yaml(answers) + LIMITS + more)
        self.config_path.chmod(0o600)

    async def command(self, *words: str, stdin: str = "") -> tuple[int, str]:
        """Run a `rialto` command on this installation: its exit code and all that it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bridge.cli",
            *words,
            "--config",
            str(self.config_path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return process.returncode, output.decode()

    async def start(self, *, crash_at: str = "") -> None:
        """Start; with `crash_at` the process will kill itself at that crash point."""
        assert self.pid is None, "it runs already"
        environ = {**os.environ, "RIALTO_CRASH_AT": crash_at} if crash_at else dict(os.environ)
        self.starts += 1
        with (self.directory / "rialto.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bridge.cli",
                "run",
                "--config",
                str(self.config_path),
                env=environ,
                stdout=log,
                stderr=log,
            )

    async def ended(self) -> int:
        """Wait until the process ends by itself (or is killed): its exit code."""
        assert self._process is not None
        code = await self._process.wait()
        self.exits.append(code)
        return code

    async def kill(self) -> None:
        """End the process as a power cut would."""
        await self.stop(signal.SIGKILL)

    async def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """End the process with a signal, and wait for it."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(sig)
        try:
            await asyncio.wait_for(self._process.wait(), 20)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise AssertionError(f"rialto did not end within 20 s\n{self.log_end()}") from None

    async def ready(self, seconds: float = 30) -> None:
        """Wait until every part is ready."""
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{self.url}/healthz/ready") as answer:
                        if answer.status == 200:
                            return
                if self._process is not None and self._process.returncode is not None:
                    raise AssertionError(f"rialto ended with {self._process.returncode}\n{self.log_end()}")
                await asyncio.sleep(0.05)

    def log_end(self, lines: int = 60) -> str:
        """Return the end of its log."""
        path = self.directory / "rialto.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "(no log)"

    async def __aenter__(self) -> Rialto:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(f"--- the end of rialto's log\n{self.log_end()}")
        if self.pid is not None:
            await self.kill()


class WebUser:
    """Someone who uses the API, and tries again for as long as the server is away."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self.headers: dict[str, str] = {}
        self.account: dict[str, Any] = {}

    async def login(self, name: str, password: str) -> WebUser:
        """Sign in."""
        answer = await self.call("POST", "login", {"name": name, "password": password})
        self.headers = {"Authorization": f"Bearer {answer['token']}"}
        self.account = answer["account"]
        return self

    async def call(self, method: str, path: str, body: Any = None, *, seconds: float = 120, **query: Any) -> Any:
        """One call of the API below /api/v1/, repeated until it succeeds; AssertionError for a refusal."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    async with self._session.request(
                        method,
                        f"{self._url}/api/v1/{path}",
                        json=body,
                        params={key: str(value) for key, value in query.items()},
                        headers=self.headers,
                        timeout=aiohttp.ClientTimeout(total=20),
                    ) as answer:
                        if answer.status < 500:
                            decoded = await answer.json()
                            assert answer.status < 400, f"{method} {path}: {answer.status} {decoded}"
                            return decoded
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(0.05)

    async def say(self, room: str, text: str, client_id: str) -> int:
        """Write a line until it is acknowledged: its number."""
        content = {"kind": "said", "content": {"text": text}, "client_id": client_id}
        answer = await self.call("POST", f"rooms/{room}/events", content)
        return int(answer["seq"])

    async def log(self, room: str, *, raw: bool = False) -> list[dict[str, Any]]:
        """Read the whole log, page by page."""
        events: list[dict[str, Any]] = []
        while True:
            after = events[-1]["seq"] if events else 0
            page = await self.call("GET", f"rooms/{room}/events", after=after, limit=200, raw=int(raw))
            if not page["events"]:
                return events
            events += page["events"]
