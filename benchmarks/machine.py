"""What a figure was measured on: processor, cores, memory, system and versions, and never a name or a path."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib import metadata
from pathlib import Path


def describe() -> list[str]:
    """Return the machine in a few lines."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB",
        f"{_system()}, kernel {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
    ]
    packages = ("matrix-synapse", "aiohttp", "sqlalchemy", "msgspec")
    return [*lines, ", ".join(f"{name} {metadata.version(name)}" for name in packages)]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()
