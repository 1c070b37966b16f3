"""The one unit of time in events and rows: UTC milliseconds."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Return the present time as UTC milliseconds since 1970."""
    return time.time_ns() // 1_000_000
