"""The demo's supervisor over small processes: whatever ends is started again, whatever is stopped ends."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.cli.demo import supervisor, waiting
from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.logfile import LogFile
from bridge.cli.demo.supervisor import LONG_PAUSE, PAUSE, Keeper, Part

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


async def until(true: Callable[[], bool]) -> None:
    """Wait for what another process does, which is no event here."""
    while True:
        if true():
            return
        await asyncio.sleep(0.02)


class Rig:
    """A keeper over one Python line, with what it said and how often it told of a start."""

    def __init__(self, folder: Path, code: str) -> None:
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        self.pids: list[int] = []
        self.log = LogFile(folder / "part.log")
        part = Part("part", (sys.executable, "-c", code), folder, self.log)
        self.keeper = Keeper(part, say=self.lines.put_nowait, started=lambda: self.pids.append(self.keeper.pid))

    async def up(self, times: int = 1) -> None:
        """Wait until the part has printed that it is up so often."""
        await until(lambda: self.log.path.read_text().count("up\n") >= times)


@asynccontextmanager
async def kept(folder: Path, code: str) -> AsyncIterator[Rig]:
    rig = Rig(folder, code)
    await rig.keeper.start()
    try:
        yield rig
    finally:
        await rig.keeper.stop(grace=0.0)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_both_pauses_are_shorter_than_the_promised_second() -> None:
    assert 0 < PAUSE < LONG_PAUSE < 0.8


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("raise SystemExit(0)", "ended with exit status 0"),
        ("raise SystemExit(3)", "ended with exit status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
    ],
)
async def test_however_it_ends_it_is_started_again(tmp_path: Path, code: str, how: str) -> None:
    async with kept(tmp_path, code) as rig:
        for count in ("1st", "2nd", "3rd"):
            line = await rig.lines.get()
            assert line == f"part {how} ({count} time); started again as process {rig.pids[-1]}"
        assert len(set(rig.pids)) == 3
        assert rig.keeper.ends >= 3


async def test_a_killed_part_is_started_again_as_another_process(tmp_path: Path) -> None:
    async with kept(tmp_path, SLEEPS) as rig:
        await rig.up()
        first = rig.keeper.pid
        os.kill(first, signal.SIGTERM)
        line = await rig.lines.get()
        assert line.startswith("part was ended by SIGTERM (1st time)")
        assert rig.keeper.pid == rig.pids[0] != first
        await rig.up(times=2)
        assert alive(rig.keeper.pid)


async def test_stopping_ends_the_process_and_starts_no_other(tmp_path: Path) -> None:
    async with kept(tmp_path, SLEEPS) as rig:
        await rig.up()
        await rig.keeper.stop()
        assert not alive(rig.keeper.pid)
        assert rig.lines.empty()
        await rig.keeper.stop()


async def test_one_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    async with kept(tmp_path, STUBBORN) as rig:
        await rig.up()
        await rig.keeper.stop(grace=0.2)
        assert not alive(rig.keeper.pid)


async def test_stopping_between_two_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LONG_PAUSE", 600.0)
    async with kept(tmp_path, "pass") as rig:
        await until(lambda: rig.keeper.ends == 1)
        await rig.keeper.stop()
        assert rig.lines.empty()
        assert rig.pids == []


async def test_a_start_that_fails_is_said_and_tried_again(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nexit 0\n")
    tool.chmod(0o755)
    rig = Rig(tmp_path, "")
    lines = rig.lines
    keeper = Keeper(Part("part", (str(tool),), tmp_path, rig.log), say=lines.put_nowait, started=lambda: None)
    await keeper.start()
    tool.unlink()
    try:
        while "starting it again failed: No such file or directory" not in (line := await lines.get()):
            assert "started again" in line
        assert "could not be started" in await lines.get()
        tool.write_text("#!/bin/sh\nexit 0\n")
        tool.chmod(0o755)
        while "started again as process" not in await lines.get():
            pass
    finally:
        await keeper.stop()


async def test_a_first_start_that_fails_says_why(tmp_path: Path) -> None:
    part = Part("part", (str(tmp_path / "missing"),), tmp_path, LogFile(tmp_path / "part.log"))
    keeper = Keeper(part, say=print, started=lambda: None)
    with pytest.raises(DemoError, match=r"part cannot be started: .*missing: No such file or directory"):
        await keeper.start()
    await keeper.stop()


async def test_waiting_gives_up_on_a_part_that_keeps_ending_and_shows_its_last_words(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async with kept(tmp_path, "print('the disk is full'); raise SystemExit(1)") as rig:
        with pytest.raises(DemoError, match=r"part does not start: it ended 4 times: see .*part.log") as failure:
            await waiting.until(never, rig.keeper, print, goal="the start")
    assert "the disk is full" in failure.value.details


async def test_waiting_gives_up_after_its_time(tmp_path: Path) -> None:
    async def never() -> bool:
        raise TimeoutError("no answer")

    async with kept(tmp_path, SLEEPS) as rig:
        with pytest.raises(DemoError, match=r"the start took longer than 0 seconds \(no answer\): see .*part.log"):
            await waiting.until(never, rig.keeper, print, goal="the start", longest=0.2)


async def test_waiting_returns_the_answer(tmp_path: Path) -> None:
    answers = iter(["", "", "room"])

    async def ask() -> str:
        return next(answers)

    async with kept(tmp_path, SLEEPS) as rig:
        assert await waiting.until(ask, rig.keeper, print, goal="the start") == "room"


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from bridge.cli.demo.logfile import LogFile
from bridge.cli.demo.supervisor import Keeper, Part

async def main(folder):
    part = Part("part", (sys.executable, "-c", "import time; time.sleep(600)"), folder, LogFile(folder / "part.log"))
    keeper = Keeper(part, say=print, started=lambda: None)
    await keeper.start()
    print(keeper.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_supervisor_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
        try:
            ended, _, _ = select.select([child], [], [], 20)
            assert ended == [child]
        finally:
            os.close(child)


LISTENING_CHILD = """
import asyncio
from bridge.cli.demo.tether import interruption_of_parent

async def main():
    told = asyncio.create_task(interruption_of_parent())
    await asyncio.sleep(0)  # it has had its first look now
    print("up", flush=True)
    await told
    print("told", flush=True)

asyncio.run(main())
"""

WAITING_PARENT = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, lambda *_: signal.signal(signal.SIGINT, signal.SIG_DFL))
sys.exit(subprocess.run([sys.executable, "-c", sys.argv[1]]).returncode)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which signals a process catches")
def test_a_parent_that_keeps_an_interrupt_to_itself(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITING_PARENT, LISTENING_CHILD], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        parent.send_signal(signal.SIGINT)
        assert parent.stdout.readline() == b"told\n"
    assert parent.returncode == 0


def test_a_log_is_cut_while_it_is_written_and_keeps_the_last_part(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "part.log", limit=100)
    output = log.open()
    os.write(output, b"one\n" * 50)
    log.trim()
    os.write(output, b"two\n")
    os.close(output)
    assert log.path.read_bytes() == b"two\n"
    assert (tmp_path / "part.log.1").read_bytes() == b"one\n" * 50
    log.trim()
    assert log.path.read_bytes() == b"two\n"


def test_the_end_of_a_log(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "part.log")
    assert log.end() == "(no output)"
    log.path.write_text("".join(f"line {number}\n" for number in range(50)))
    assert log.end(2) == "line 48\nline 49"
