"""Wait until a part answers, watch that it does not keep ending meanwhile, and say why when it never does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp

from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.supervisor import Keeper

T = TypeVar("T")

LONGEST = 180.0
"""Seconds; a slow machine needs twenty."""
MOST_ENDS = 4
"""How often a part may end before it ever answered."""
_EVERY = 0.1
_NEWS_EVERY = 10.0


async def until(
    ask: Callable[[], Awaitable[T]],
    keeper: Keeper,
    say: Callable[[str], None],
    *,
    goal: str,
    longest: float = LONGEST,
) -> T:
    """Repeat `ask` until it returns something true, and return that; a failing connection is a no.

    Raises DemoError with the end of the part's log when the part ends too often or the time is over.
    """
    began = time.monotonic()
    news, ends, answer = _NEWS_EVERY, keeper.ends, ""
    while True:
        try:
            if result := await ask():
                return result
        except (aiohttp.ClientError, TimeoutError) as error:
            answer = str(error) or type(error).__name__
        waited = time.monotonic() - began
        if keeper.ends - ends >= MOST_ENDS:
            raise _failed(keeper, f"{keeper.part.name} does not start: it ended {MOST_ENDS} times")
        if waited > longest:
            reason = f" ({answer})" if answer else ""
            raise _failed(keeper, f"{goal} took longer than {longest:.0f} seconds{reason}")
        if waited > news:
            say(f"  {goal}: still waiting, {waited:.0f} seconds so far")
            news += _NEWS_EVERY
        await asyncio.sleep(_EVERY)  # another process has no event to wait for, only its port


def _failed(keeper: Keeper, what: str) -> DemoError:
    log = keeper.part.log
    return DemoError(f"{what}: see {log.path}, whose last lines are below", details=log.end())
