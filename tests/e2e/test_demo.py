"""`rialto demo` as its users meet it: a process that is started, killed in part and in whole, and started again."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.rigs.ports import free_port
from tests.rigs.synapse import require_synapse

pytestmark = [pytest.mark.homeserver, pytest.mark.slow, pytest.mark.timeout(240)]

COMMAND = (sys.executable, "-m", "bridge.cli", "demo")
LAST_LINE = "demo.json)"


class Demo:
    """A running demo, and what it has said so far."""

    def __init__(self, folder: Path, process: Process) -> None:
        self.folder = folder
        self.process = process
        self.said: list[str] = []

    async def line(self, part: str) -> str:
        """Wait for the next line that holds `part`; fail with everything said when the demo ends before."""
        assert self.process.stdout is not None
        while raw := await self.process.stdout.readline():
            self.said.append(raw.decode().rstrip())
            if part in self.said[-1]:
                return self.said[-1]
        raise AssertionError(f"the demo ended without a line with {part!r}:\n" + "\n".join(self.said))

    def summary(self) -> dict[str, Any]:
        """Return the present demo.json."""
        summary: dict[str, Any] = json.loads((self.folder / "demo.json").read_text())
        return summary

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the supervisor a signal and return its exit code, when it and both parts are gone."""
        parts = [os.pidfd_open(pid) for pid in self.summary()["pids"].values()]
        self.process.send_signal(number)
        rest, _ = await self.process.communicate()
        self.said += rest.decode().splitlines()
        for part in parts:
            # After SIGKILL the kernel ends the parts, a moment later than their supervisor.
            gone, _, _ = await asyncio.to_thread(select.select, [part], [], [], 30)
            os.close(part)
            assert gone == [part]
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def starting(folder: Path, *options: str) -> AsyncIterator[Demo]:
    """Run a demo that is not up yet; whatever the test does, nothing of it is left."""
    require_synapse()
    process = await asyncio.create_subprocess_exec(*COMMAND, "--dir", str(folder), *options, stdout=PIPE, stderr=STDOUT)
    try:
        yield Demo(folder, process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.communicate()


@asynccontextmanager
async def running(folder: Path, *options: str) -> AsyncIterator[Demo]:
    """Run a demo that has shown its table."""
    async with starting(folder, *options) as demo:
        await demo.line(LAST_LINE)
        yield demo


async def call(method: str, url: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def web_token(summary: dict[str, Any]) -> str:
    status, answer = await call("POST", f"{summary['web_url']}/api/v1/login", summary["web_user"])
    assert status == 200, answer
    assert answer["account"]["display_name"] == summary["web_user"]["name"]
    return str(answer["token"])


async def matrix_token(summary: dict[str, Any]) -> str:
    user = summary["matrix_user"]
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user["user_id"]},
        "password": user["password"],
    }
    status, answer = await call("POST", f"{summary['homeserver_url']}/_matrix/client/v3/login", body)
    assert status == 200, answer
    return str(answer["access_token"])


async def is_ready(summary: dict[str, Any]) -> None:
    """Wait until every part of Rialto says that it is ready."""
    while True:
        try:
            if (await call("GET", f"{summary['web_url']}/healthz/ready"))[0] == 200:
                return
        except aiohttp.ClientError:
            pass  # it is just starting
        await asyncio.sleep(0.05)  # another process's readiness is no event here


async def lobby_works(summary: dict[str, Any]) -> None:
    """Check that both accounts may use the room, and that a line typed on the page comes to Matrix."""
    token, api = await web_token(summary), f"{summary['web_url']}/api/v1"
    status, answer = await call("GET", f"{api}/rooms", token=token)
    assert status == 200
    (room,) = answer["rooms"]
    assert (room["id"], room["name"], room["joined"]) == (summary["room_id"], "Lobby", True)
    assert room["alias"] == summary["room_alias"]
    matrix, client = await matrix_token(summary), f"{summary['homeserver_url']}/_matrix/client/v3"
    alias = summary["room_alias"].replace("#", "%23").replace(":", "%3A")
    status, joined = await call("POST", f"{client}/join/{alias}", {}, matrix)
    assert status == 200, joined
    said = {"kind": "said", "content": {"text": f"hello {os.urandom(4).hex()}"}}
    status, answer = await call("POST", f"{api}/rooms/{room['id']}/events", said, token)
    assert status == 201, answer
    while True:
        _, page = await call("GET", f"{client}/rooms/{joined['room_id']}/messages?dir=b&limit=20", token=matrix)
        if said["content"] in [{"text": event["content"].get("body")} for event in page["chunk"]]:
            return
        await asyncio.sleep(0.05)


async def test_a_demo_from_its_first_start_to_its_second(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "logging.py").write_text("raise SystemExit('a foreign file was run')")
    async with running(folder) as demo:
        first = demo.summary()
        assert set(first) == {
            *("web_url", "homeserver_url", "server_name", "room_id", "room_alias", "web_user", "matrix_user"),
            *("config_path", "registration_path", "database", "pids"),
        }
        assert first["server_name"] == "localhost"
        assert first["room_alias"] == "#rialto_lobby:localhost"
        command = Path(f"/proc/{first['pids']['rialto']}/cmdline")
        if command.exists():
            assert b"run\0--config\0" in command.read_bytes()
        await lobby_works(first)
        assert await demo.end() == 0
        assert demo.said[-1].startswith("Goodbye.")
    ports = {"--web-port": free_port(), "--homeserver-port": free_port()}
    async with running(folder, *(str(word) for pair in ports.items() for word in pair)) as demo:
        second = demo.summary()
        assert second["web_url"] == f"http://127.0.0.1:{ports['--web-port']}"
        assert second["homeserver_url"] == f"http://127.0.0.1:{ports['--homeserver-port']}"
        same = ("server_name", "room_id", "room_alias", "web_user", "matrix_user", "database", "config_path")
        assert [first[key] for key in same] == [second[key] for key in same]
        await lobby_works(second)
    async with running(folder) as demo:
        assert demo.summary()["web_url"] == second["web_url"]
        assert await demo.end(signal.SIGINT) == 0
    assert (folder / "logging.py").exists()


async def test_each_part_is_started_again_and_demo_json_follows(tmp_path: Path) -> None:
    async with running(tmp_path) as demo:
        for time in ("1st", "2nd", "3rd"):
            before = demo.summary()["pids"]
            os.kill(before["rialto"], signal.SIGKILL)
            line = await demo.line("rialto was ended by SIGKILL")
            after = demo.summary()["pids"]
            assert f"({time} time); started again as process {after['rialto']}" in line
            assert after["rialto"] != before["rialto"]
            assert after["homeserver"] == before["homeserver"]
        before = demo.summary()["pids"]
        await is_ready(demo.summary())
        # Asked to end, it ends well: with exit status 0, and that is no reason to stay away.
        os.kill(before["rialto"], signal.SIGTERM)
        await demo.line("rialto ended with exit status 0 (4th time); started again")
        os.kill(before["homeserver"], signal.SIGKILL)
        await demo.line("homeserver was ended by SIGKILL (1st time); started again")
        assert demo.summary()["pids"]["homeserver"] != before["homeserver"]
        await is_ready(demo.summary())
        await lobby_works(demo.summary())
        assert await demo.end() == 0


async def test_fifty_messages_a_second_are_let_through(tmp_path: Path) -> None:
    async with running(tmp_path) as demo:
        summary = demo.summary()
        token = await web_token(summary)
        url = f"{summary['web_url']}/api/v1/rooms/{summary['room_id']}/events"
        bodies = [{"kind": "said", "content": {"text": f"line {number}"}} for number in range(200)]
        answers = await asyncio.gather(*(call("POST", url, body, token) for body in bodies))
        assert [status for status, _ in answers] == [201] * 200


async def test_a_demo_that_was_killed_in_the_middle_of_its_first_start_is_mended(tmp_path: Path) -> None:
    for moment in ("Starting the homeserver", "Starting Rialto", "Making the room Lobby"):
        async with starting(tmp_path) as demo:
            await demo.line(moment)
            demo.process.kill()
            await demo.process.wait()
    async with running(tmp_path) as demo:
        await lobby_works(demo.summary())
        # The same once more, now with everything running: nothing is left behind to be in the way.
        summary = demo.summary()
        assert await demo.end(signal.SIGKILL) == -signal.SIGKILL
    async with running(tmp_path) as demo:
        assert demo.summary()["room_id"] == summary["room_id"]
        second = refused("--dir", str(tmp_path))
        assert f"a demo runs on {tmp_path} already (process {demo.process.pid}): end it, or choose another" in second


def refused(*options: str) -> str:
    """Run a demo that cannot start, and return the one line that it says."""
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    require_synapse()
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        line = refused("--dir", str(tmp_path), "--web-port", str(port))
        assert line == (
            f"Error: port {port} on 127.0.0.1 is busy: end what listens there, or choose another --web-port"
        )


def test_a_broken_folder_is_one_clear_line(tmp_path: Path) -> None:
    require_synapse()
    (tmp_path / "file").write_text("mine")
    line = refused("--dir", str(tmp_path / "file"))
    assert line == f"Error: {tmp_path}/file is a file, not a folder: choose another folder with --dir"
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / ".rialto-demo").write_text("rialto demo\n")
    (tmp_path / "demo" / "rialto.db").write_text("no database at all, and long enough to be read as one" * 20)
    line = refused("--dir", str(tmp_path / "demo"))
    assert "rialto.db is no database or a damaged one" in line
    assert line.endswith("--fresh starts anew")
