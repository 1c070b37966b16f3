"""Keeps endless work going: what ends by a bug is logged and begun again, and takes nothing else with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bridge.core.pace import Backoff

logger = structlog.get_logger(__name__)


async def kept(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, again and again with growing pauses while it raises; return when it returns."""
    pause = Backoff(first=0.2, cap=30)
    while True:
        try:
            await work()
            return
        except Exception:
            logger.exception("some work failed and begins again", work=name)
            await asyncio.sleep(pause.next())
