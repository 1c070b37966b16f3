"""A value that another server tells: read when it is needed, kept for a while, read once for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from bridge.web.sso.asking import Unfit

T = TypeVar("T")

logger = structlog.get_logger(__name__)


class Kept(Generic[T]):
    """What `read` returns, for `seconds`; where it cannot be read again it is believed as it was."""

    def __init__(self, read: Callable[[], Awaitable[T]], seconds: float, clock: Callable[[], float]) -> None:
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._value: T | None = None
        self._until = 0.0
        self._turn = asyncio.Lock()
        self._tries = 0
        self._failure = ""

    async def get(self, *, anew: bool = False) -> T:
        """Return the value, with `anew` a fresh one; raise `Unfit` where there is none.

        Whoever waits while it is read gets what came of that, so that a slow server costs all of them one wait.
        """
        tries = self._tries
        async with self._turn:
            value = self._value
            if value is not None and self._clock() < self._until and not (anew and tries == self._tries):
                return value
            if tries == self._tries or not self._failure:
                await self._try()
            if self._failure and (anew or value is None):
                raise Unfit(self._failure)
            assert self._value is not None
            return self._value

    async def _try(self) -> None:
        self._failure = ""
        try:
            self._value = await self._read()
            self._until = self._clock() + self._seconds
        except Unfit as error:
            self._failure = str(error)
            if self._value is not None:
                logger.warning("a provider is believed as it was", reason=self._failure)
                self._until = self._clock() + self._seconds
        finally:
            self._tries += 1
