"""Tie a process to its parent's life, so that nothing is left running when the parent is killed outright (Linux)."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def _prctl() -> Callable[[int, int], int] | None:
    try:
        return ctypes.CDLL(None, use_errno=True).prctl
    except AttributeError:  # not Linux
        return None


_PRCTL = _prctl()
"""Looked up beforehand: between fork and exec as little as possible is done."""


def die_with_parent() -> Callable[[], None]:
    """Return what a child has to call before its exec, to be killed by the kernel when this process is gone.

    Elsewhere than on Linux it does nothing: there the parts keep the folder's lock, so that a second demo says
    what is still running.
    """
    parent = os.getpid()

    def tie() -> None:
        if _PRCTL is not None:
            _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died in the meantime, and no signal will come
                os._exit(1)

    return tie


def end_with_parent() -> None:
    """Have this process sent SIGTERM when the one that started it is gone."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def interruption_of_parent() -> None:
    """Return when the parent was sent SIGINT and keeps it to itself, or is gone; elsewhere than on Linux never.

    Ctrl-C reaches a whole group of processes, but `kill -INT` of a `make` only has it wait for its recipe to end:
    the one thing that tells is that it no longer catches the signal.
    """
    parent = os.getppid()
    if not _catches_interrupts(parent):
        await asyncio.Event().wait()
    while True:
        await asyncio.sleep(0.5)
        if not _catches_interrupts(parent):
            return


def _catches_interrupts(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    caught = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "SigCgt: 0")
    return bool(int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1)
