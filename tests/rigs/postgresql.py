"""A PostgreSQL cluster of the test run's own, on a free port, with an empty database for whoever asks."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from bridge.store import schema
from tests.rigs.ports import free_port

T = TypeVar("T")
INSTALL = "install PostgreSQL (Debian, Ubuntu: apt install postgresql), or name the folder of initdb in PG_BIN"
KEPT = 40
"""Databases of earlier tests that are left: a test that is at its end may still be closing its own."""
QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
"""Settings with which a cluster is fast and loses everything in a power cut, of which there are none here."""


@cache
def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, or None where there is none."""
    candidates = [Path(os.environ["PG_BIN"])] if "PG_BIN" in os.environ else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))[::-1]
    candidates += sorted(Path("/opt/homebrew/opt").glob("postgresql@*/bin"))[::-1]
    if (found := shutil.which("initdb")) is not None:
        candidates.append(Path(found).parent)
    return next((path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None)


def require_postgresql() -> None:
    """Skip the test where there is no PostgreSQL, saying what to do."""
    if binaries() is None:
        pytest.skip(f"there is no PostgreSQL here: {INSTALL}")


_KEEPER = """cat >/dev/null
pid=$(head -n1 "$1/data/postmaster.pid" 2>/dev/null) && kill -INT "$pid" && while kill -0 "$pid"; do sleep 0.1; done
rm -rf "$1"
"""
"""Waits until the process of the tests is gone, however it ended, then ends the server and removes its files."""


class Cluster:
    """One PostgreSQL server with files of its own, that tests may stop, kill and start again."""

    def __init__(self, *settings: str) -> None:
        """`settings` are lines of postgresql.conf."""
        found = binaries()
        assert found is not None, INSTALL
        self._bin = found
        self._user = _other_user()
        self.folder = Path(tempfile.mkdtemp(prefix="rialto-pg-"))
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._keeper = subprocess.Popen(
            ["sh", "-c", _KEEPER, "keeper", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = (f"t{number}" for number in itertools.count(1))
        self._made: deque[str] = deque()
        self._has_template = False
        options = ["--auth=trust", "--username=rialto", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = self._run("initdb", *options, "--pgdata", str(self.data))
        assert made.returncode == 0, made.stdout.decode()
        lines = [
            "listen_addresses = '127.0.0.1'",
            f"port = {self.port}",
            f"unix_socket_directories = '{self.folder}'",
            "max_connections = 200",
            "shared_buffers = 32MB",
            *settings,
        ]
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self.folder / "data"

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://rialto@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str) -> str:
        """The same, over the Unix socket."""
        return f"postgresql://rialto@/{database}?host={self.folder}&port={self.port}"

    def start(self) -> None:
        """Start, and return when it takes connections."""
        assert self._process is None, "it runs already"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.data)], stdout=log, stderr=log, cwd="/", **self._as_user()
            )
        until = time.monotonic() + 60
        while not _in_thread(_answers(self.url("postgres"))):
            assert self._process.poll() is None, self.log_end()
            assert time.monotonic() < until, self.log_end()
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends its connections in order, SIGQUIT is a crash after which it must recover."""
        if self._process is None:
            return
        self._process.send_signal(how)
        process, self._process = self._process, None
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(60)
            raise AssertionError(f"it did not end within a minute\n{self.log_end()}") from None

    def remove(self) -> None:
        """End it for good, and remove its files."""
        self.stop()
        self._keeper.communicate(timeout=60)

    def empty(self) -> str:
        """Make a database with nothing in it: its address."""
        return self._create("template0")

    def new(self) -> str:
        """Make a database with the schema of this version and no rows: its address."""
        if not self._has_template:
            template = self.url("rialto_template")
            self.execute("CREATE DATABASE rialto_template")
            _in_a_thread(lambda: schema.upgrade(template))
            self._has_template = True
        return self._create("rialto_template")

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each in a transaction of its own."""
        _in_thread(_execute(self.url(database), statements))

    def log_end(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def _create(self, template: str) -> str:
        name = next(self._names)
        self._made.append(name)
        statements = [f"CREATE DATABASE {name} TEMPLATE {template}"]
        if len(self._made) > KEPT:
            statements.append(f"DROP DATABASE IF EXISTS {self._made.popleft()} WITH (FORCE)")
        self.execute(*statements)
        return self.url(name)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._bin / program), *arguments]
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", check=False, **self._as_user()
        )

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}


@cache
def cluster() -> Cluster:
    """The quick cluster that the tests of this process share; it ends with the process."""
    made = Cluster(*QUICK)
    atexit.register(made.remove)
    made.start()
    return made


def _other_user() -> pwd.struct_passwd | None:
    """The user to run as where we are root, as whom PostgreSQL does not run."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    await connection.close()
    return True


async def _execute(url: str, statements: tuple[str, ...] | list[str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a loop of its own: tests ask from within theirs."""
    return _in_a_thread(lambda: asyncio.run(work))


def _in_a_thread(work: Callable[[], T]) -> T:
    outcome: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return outcome[0]
