"""Things that go wrong on purpose: refused requests, lost replies, requests held until the test lets them go."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.homeserver.errors import MatrixError
from tests.fakes.homeserver.world import Content


@dataclass(slots=True)
class Recorded:
    """A request as it arrived, and the status that it was answered with (None: never answered)."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    user: str | None
    status: int | None = None


@dataclass(slots=True)
class Hold:
    """Requests that wait: `entered` is set when the first one has come; `release` lets all go, later ones too."""

    method: str
    path: re.Pattern[str]
    after: bool
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    _free: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let the waiting requests go on, and hold no more."""
        self._free.set()

    async def wait(self) -> None:
        """Stand here until released."""
        self.entered.set()
        await self._free.wait()


@dataclass(slots=True)
class _Rule:
    method: str
    path: re.Pattern[str]
    count: int
    status: int = 0
    body: Content = field(default_factory=dict)

    def take(self, method: str, path: str) -> bool:
        if self.count == 0 or method != self.method or not self.path.search(path):
            return False
        self.count -= 1
        return True


class Faults:
    """What the next requests will suffer; paths are regular expressions searched in the decoded path."""

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self._failures: list[_Rule] = []
        self._drops: list[_Rule] = []
        self._holds: list[Hold] = []

    def fail_next(
        self, method: str, path: str, status: int, errcode: str, count: int = 1, retry_after_ms: int | None = None
    ) -> None:
        """Refuse the next `count` matching requests without any effect."""
        more = {} if retry_after_ms is None else {"retry_after_ms": retry_after_ms}
        body = MatrixError(status, errcode, "Failed on purpose", **more).body
        self._failures.append(_Rule(method, re.compile(path), count, status, body))

    def drop_reply(self, method: str, path: str, count: int = 1) -> None:
        """Let the next `count` matching requests take effect, then reset their connection before the reply."""
        self._drops.append(_Rule(method, re.compile(path), count))

    def hold(self, method: str, path: str, *, after: bool = False) -> Hold:
        """Hold matching requests before their effect (with `after`: between the effect and the reply)."""
        hold = Hold(method, re.compile(path), after)
        self._holds.append(hold)
        return hold

    def failure(self, method: str, path: str) -> tuple[int, Content] | None:
        """The refusal that is due for this request, if any."""
        for rule in self._failures:
            if rule.take(method, path):
                return rule.status, rule.body
        return None

    def reply_lost(self, method: str, path: str) -> bool:
        """Whether this request's reply is to be lost."""
        return any(rule.take(method, path) for rule in self._drops)

    async def stand(self, method: str, path: str, *, after: bool) -> None:
        """Wait at every hold that fits."""
        for hold in self._holds:
            if hold.after is after and hold.method == method and hold.path.search(path):
                await hold.wait()
