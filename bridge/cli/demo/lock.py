"""One demo to a folder: a lock that the demo and both its parts hold, and the mark that the folder is the demo's."""

from __future__ import annotations

import fcntl
import os
import time

from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.layout import Layout

MARK = "rialto demo"
_PATIENCE = 3.0
"""Seconds for the parts of a demo that was killed a moment ago to be gone."""


class FolderLock:
    """Holds the folder until `release`, or until this process and all that inherited `descriptor` are gone."""

    def __init__(self, layout: Layout) -> None:
        self.descriptor = _locked(layout)
        try:
            _claim(layout, self.descriptor)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let go of the folder, as far as this process is concerned."""
        os.close(self.descriptor)


def _locked(layout: Layout) -> int:
    """Return the open, locked file. Raises DemoError when another demo keeps it."""
    if layout.lock.is_dir():
        raise DemoError(f"{layout.lock} is in the way, a file must be there: move it away")
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < until:
                time.sleep(0.1)
                continue
            holder = _content(descriptor).removeprefix(MARK).strip() or "another process"
            os.close(descriptor)
            raise DemoError(
                f"a demo runs on {layout.root} already ({holder}): end it, or choose another folder with --dir"
            ) from None
        return descriptor


def _claim(layout: Layout, descriptor: int) -> None:
    """Make sure that what is in the folder under the demo's names is the demo's, and write who holds it."""
    content = _content(descriptor)
    if not content.startswith(MARK):
        foreign = [layout.lock] if content else layout.present()
        if foreign:
            if not content:
                layout.lock.unlink()
            raise DemoError(f"{foreign[0]} is there and was not made by the demo: choose another folder with --dir")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{MARK}\nprocess {os.getpid()}\n".encode(), 0)


def _content(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode(errors="replace")
