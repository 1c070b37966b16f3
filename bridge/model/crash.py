"""Named places at which a test may end the process, to prove that no message depends on what comes after.

`RIALTO_CRASH_AT=name` or `name:3` (the third passage) makes the process kill itself there with SIGKILL.
Without the variable a passage costs one comparison.
"""

from __future__ import annotations

import os
import signal

POINTS: frozenset[str] = frozenset(
    {
        "inbox_committed",
        "transaction_answered",
        "appended",
        "sent_not_stored",
        "ghost_registered",
        "room_created",
        "ghost_joined",
        "catching_up",
        "indexed",
    }
)


def _armed() -> tuple[str, int] | None:
    name, _, count = os.environ.get("RIALTO_CRASH_AT", "").partition(":")
    if not name:
        return None
    if name not in POINTS:
        raise ValueError(f"RIALTO_CRASH_AT: {name!r} is no crash point; there are: {', '.join(sorted(POINTS))}")
    return name, int(count or "1")


_target = _armed()
_passages = 0


def crash_point(name: str) -> None:
    """End the process here if the environment asks for it."""
    global _passages
    if _target is None or _target[0] != name:
        return
    _passages += 1
    if _passages >= _target[1]:
        os.kill(os.getpid(), signal.SIGKILL)
