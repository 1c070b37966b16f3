"""Processes that a benchmark starts and ends: rivals, and what they cost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.rigs.ports import free_port


@dataclass(frozen=True, slots=True)
class Rival:
    """A rival's port, and the ID of its process."""

    port: int
    pid: int


@asynccontextmanager
async def rival(name: str, *arguments: str, path: str = "/count") -> AsyncIterator[Rival]:
    """Run `benchmarks.rivals.NAME` on a free port; give it once it answers, and end it afterwards."""
    port = free_port()
    command = (sys.executable, "-m", f"benchmarks.rivals.{name}", str(port), *arguments)
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await _answers(process, f"http://127.0.0.1:{port}{path}")
        yield Rival(port, process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(process: asyncio.subprocess.Process, url: str) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.02)
    raise RuntimeError(f"a rival ended with {process.returncode}")


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Return the memory that a process holds (resident set), in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS line")
