"""How fast and how soon again: a fair token bucket for what we ask of others, and the pauses between tries."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

_DUST = 1e-9
"""Tokens that rounding may eat: less than this is not worth another sleep."""


class TokenBucket:
    """Lets `rate_per_second` tokens through on average and `burst` at once; a rate of 0 sets no limit.

    The bucket begins full. Takers are served in the order in which they came, and one who gives up (is cancelled)
    has taken nothing.
    """

    def __init__(
        self,
        rate_per_second: float,
        burst: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` and `sleep` are in seconds. ValueError for a negative rate, or a burst below one token."""
        if rate_per_second < 0:
            raise ValueError("the rate cannot be negative (0 means no limit)")
        if burst < 1:
            raise ValueError("the burst must be at least 1, or no token could ever be taken")
        self._rate = rate_per_second
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._tokens = burst
        self._filled_at = clock()
        # An asyncio.Lock wakes its waiters in the order of their arrival: that is the whole fairness.
        self._turn = asyncio.Lock()

    async def take(self, n: float = 1) -> None:
        """Wait until `n` tokens are there and take them.

        More than the burst can be asked for at once: that waits for a full bucket and leaves a debt, so that the
        average rate holds.
        """
        if not self._rate:
            return
        async with self._turn:
            enough = min(n, self._burst) - _DUST
            while self._fill() < enough:
                await self._sleep((min(n, self._burst) - self._tokens) / self._rate)
            self._tokens -= n

    def try_take(self) -> bool:
        """Take one token if it is there now and nobody waits for it; says whether it was taken."""
        if not self._rate:
            return True
        if self._turn.locked() or self._fill() < 1 - _DUST:
            return False
        self._tokens -= 1
        return True

    def _fill(self) -> float:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._filled_at) * self._rate)
        self._filled_at = now
        return self._tokens


class Backoff:
    """The pauses of one series of tries: `first`, then `factor` times longer each time up to `cap` (all in seconds).

    `jitter` spreads each pause by that share of it to both sides, so that many who failed together do not come back
    together. `random` gives numbers from 0 up to 1.
    """

    def __init__(
        self,
        first: float = 0.5,
        factor: float = 2,
        cap: float = 60,
        jitter: float = 0.2,
        random: Callable[[], float] = random.random,
    ) -> None:
        """ValueError for pauses that would not grow, or a jitter outside of 0 to 1."""
        if first <= 0 or factor < 1 or cap < first:
            raise ValueError("a backoff needs first > 0, factor >= 1 and cap >= first")
        if not 0 <= jitter <= 1:
            raise ValueError("the jitter is a share of the pause, between 0 and 1")
        self._first = first
        self._factor = factor
        self._cap = cap
        self._jitter = jitter
        self._random = random
        self._pause = first

    def next(self, after: float | None = None) -> float:
        """The seconds to wait before the next try.

        Where the other side named a time (`after`, such as Retry-After) the pause is never shorter than that, may be
        longer than the cap, and is spread upwards only.
        """
        pause = self._pause
        self._pause = min(self._cap, pause * self._factor)
        chance = self._random()
        if after is not None and after >= pause:
            return after * (1 + self._jitter * chance)
        spread = pause * (1 + self._jitter * (2 * chance - 1))
        return spread if after is None else max(after, spread)

    def reset(self) -> None:
        """Begin with the first pause again: the last try succeeded."""
        self._pause = self._first
