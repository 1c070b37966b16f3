"""Keep one process running: started again within a second whenever it ends, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.logfile import LogFile
from bridge.cli.demo.tether import die_with_parent

PAUSE = 0.1
"""Seconds before a process is started again."""
LONG_PAUSE = 0.5
"""The same for one that ended at once: still within a second, and yet no loop that eats the processor."""
AT_ONCE = 3.0
"""A life shorter than this many seconds is ended at once."""
GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is kept running; `inherited` descriptors stay open in it."""

    name: str
    command: tuple[str, ...]
    folder: Path
    log: LogFile
    environment: Mapping[str, str] | None = None
    inherited: tuple[int, ...] = ()


class Keeper:
    """Runs one part; `say` gets a line for each end of it, `started` is called after each start but the first."""

    def __init__(self, part: Part, *, say: Callable[[str], None], started: Callable[[], None]) -> None:
        self.part = part
        self.pid = 0
        self.ends = 0
        self._say = say
        self._started = started
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Start the part and keep it. Raises DemoError when even that cannot be done."""
        try:
            process = await self._spawn()
        except OSError as error:
            raise DemoError(f"{self.part.name} cannot be started: {error.filename}: {error.strerror}") from error
        self._task = asyncio.create_task(self._keep(process), name=f"keep {self.part.name}")

    async def stop(self, *, grace: float = GRACE) -> None:
        """End the part for good: SIGTERM, and after `grace` seconds SIGKILL. Safe to call at any time, and twice."""
        self._stopping.set()
        if self._task is None:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.shield(self._task), grace)
        except TimeoutError:
            self.kill()
            await self._task

    def kill(self) -> None:
        """Send SIGKILL to the part and all that it started; for use while it stops."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):  # it ended by itself just now
            if number == signal.SIGKILL:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    async def _keep(self, process: Process | None) -> None:
        while True:
            began = time.monotonic()
            how = "could not be started"
            if process is not None:
                how = _ending(await process.wait())
                self._process = None
            if self._stopping.is_set():
                return
            self.ends += 1
            await self._pause(PAUSE if time.monotonic() - began > AT_ONCE else LONG_PAUSE)
            if self._stopping.is_set():
                return
            process = await self._again(how)

    async def _again(self, how: str) -> Process | None:
        count = f"{self.ends}{_ordinal(self.ends)} time"
        try:
            process = await self._spawn()
        except OSError as error:
            self._say(f"{self.part.name} {how} ({count}); starting it again failed: {error.strerror}; trying on")
            return None
        # Who reads the line finds everything else in its new state.
        self._started()
        self._say(f"{self.part.name} {how} ({count}); started again as process {process.pid}")
        return process

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _spawn(self) -> Process:
        output = self.part.log.open()
        try:
            process = await asyncio.create_subprocess_exec(
                *self.part.command,
                cwd=self.part.folder,
                env=self.part.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self.part.inherited,
                # Ctrl-C reaches the whole group of the terminal; the parts are to be stopped by us, in order.
                start_new_session=True,
                preexec_fn=die_with_parent(),
                umask=0o077,
            )
        finally:
            os.close(output)
        self._process = process
        self.pid = process.pid
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)
        return process


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
