"""Sees that the homeserver dropped a connection between two calls, which aiohttp mends without a word."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp

KEEPALIVE_SECONDS = 50.0
"""How long an idle connection is kept: just less than Synapse keeps it, so that it is ours to close and not theirs."""


class _Call(SimpleNamespace):
    """What is known of one call: whether it was given a connection already."""

    had_one = False


class ConnectionWatch:
    """Tells when the homeserver dropped a connection that was kept for the next call, by counting aiohttp's events.

    aiohttp replaces a kept connection that died without a word, yet that is often all there is to see of a homeserver
    that restarted between two calls. It is seen here as: a new connection is made although one that is young enough
    was idle, or a call needs a second connection because its first one was dead.
    """

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.made = 0
        self._on_lost = on_lost
        self._idle: deque[float] = deque()
        # aiohttp can hand a connection on to the next call before the call that used it has noticed its own end.
        self._handed_on = 0

    def trace_config(self) -> aiohttp.TraceConfig:
        """The listener to give to the session."""
        trace = aiohttp.TraceConfig(_Call)
        trace.on_connection_reuseconn.append(self._reused)
        trace.on_connection_create_start.append(self._creating)
        trace.on_connection_create_end.append(self._created)
        trace.on_request_redirect.append(self._redirected)
        return trace

    def returned(self, response: aiohttp.ClientResponse) -> None:
        """A whole answer was read: its connection is idle now, unless the server closes it or it leads elsewhere."""
        if response.history or response.headers.get("Connection", "").lower() == "close":
            return
        if self._handed_on:
            self._handed_on -= 1
        else:
            self._idle.append(time.monotonic())

    async def _reused(
        self, session: aiohttp.ClientSession, call: SimpleNamespace, _: aiohttp.TraceConnectionReuseconnParams
    ) -> None:
        self._note_second(call)
        self._forget_old()
        if self._idle:
            self._idle.popleft()
        else:
            self._handed_on += 1

    async def _creating(
        self, session: aiohttp.ClientSession, call: SimpleNamespace, _: aiohttp.TraceConnectionCreateStartParams
    ) -> None:
        self._forget_old()
        if self._idle and not call.had_one:
            self._on_lost()
        self._idle.clear()
        self._note_second(call)

    async def _created(
        self, session: aiohttp.ClientSession, call: SimpleNamespace, _: aiohttp.TraceConnectionCreateEndParams
    ) -> None:
        self.made += 1

    async def _redirected(
        self, session: aiohttp.ClientSession, call: SimpleNamespace, _: aiohttp.TraceRequestRedirectParams
    ) -> None:
        call.had_one = False

    def _note_second(self, call: SimpleNamespace) -> None:
        if call.had_one:
            self._on_lost()
        call.had_one = True

    def _forget_old(self) -> None:
        # A little before aiohttp's own time: its clock began earlier than ours, with the last byte.
        oldest = time.monotonic() - 0.9 * KEEPALIVE_SECONDS
        while self._idle and self._idle[0] <= oldest:
            self._idle.popleft()
