"""What a part prints goes to a file that never grows without bound."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LIMIT = 16 * 1024 * 1024
"""Bytes; with the older half in `<name>.1` a log takes twice as much at most."""


class LogFile:
    """A file that a part writes to directly; it is cut while the part runs."""

    def __init__(self, path: Path, *, limit: int = LIMIT) -> None:
        self.path = path
        self._limit = limit

    def open(self) -> int:
        """Return a descriptor for a part's output; the caller closes it."""
        self.trim()
        # Appending, so that a part goes on at the new end after the file was cut.
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def trim(self) -> None:
        """Move what is there to `<name>.1` when it is over the limit; a line written meanwhile may be lost."""
        if self.path.exists() and self.path.stat().st_size > self._limit:
            shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.1"))
            os.truncate(self.path, 0)

    def end(self, lines: int = 12) -> str:
        """Return the last lines, or a text that says that there are none."""
        if not self.path.exists():
            return "(no output)"
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 16_384))
            last = file.read().decode(errors="replace").splitlines()[-lines:]
        return "\n".join(last) or "(no output)"
