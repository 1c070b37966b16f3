"""The way out of one socket: whole frames straight to the transport, which tells how much of them still waits."""

from __future__ import annotations

import asyncio

from aiohttp import web

HIGH = 256 * 1024
"""Bytes that may wait for a reader before nothing more is put behind them."""
LOW = 64 * 1024
FIRST_LOOK_SECONDS = 0.02
LAST_LOOK_SECONDS = 0.5
SLOWEST_SECONDS = 60.0


class TooSlow(Exception):
    """The reader took nothing for a minute."""


class Outlet:
    """Writes frames of `protocol`. Nothing waits here: what the kernel does not take at once waits in the transport.

    aiohttp's own frames (pong, close) go through the same transport, whole each, so that the two may take turns.
    """

    __slots__ = ("_transport", "closed")

    def __init__(self, request: web.Request) -> None:
        self._transport = request.transport
        self.closed = False

    @property
    def waiting(self) -> int:
        """Return how many bytes the reader has not taken yet."""
        if self.closed or self._transport is None or self._transport.is_closing():
            return 0
        return self._transport.get_write_buffer_size()

    def push(self, data: bytes) -> None:
        """Write one or more whole frames; one that is closed takes them and does nothing."""
        if not self.closed and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def offer(self, data: bytes) -> bool:
        """Write frames unless too much waits for the reader already; tell whether they were written."""
        transport = self._transport
        if self.closed or transport is None or transport.is_closing():
            return True
        if transport.get_write_buffer_size() > HIGH:
            return False
        transport.write(data)
        return True

    async def drained(self) -> None:
        """Wait until little waits; raise `TooSlow` where the reader takes nothing for a minute."""
        loop = asyncio.get_running_loop()
        least, since, pause = self.waiting, loop.time(), FIRST_LOOK_SECONDS
        while (waiting := self.waiting) > LOW:
            if waiting < least:
                least, since = waiting, loop.time()
            elif loop.time() - since > SLOWEST_SECONDS:
                raise TooSlow
            # A transport tells only its protocol, which is aiohttp's, when it drains: so it is looked at.
            await asyncio.sleep(pause)
            pause = min(LAST_LOOK_SECONDS, pause * 2)

    def abort(self) -> None:
        """End the connection at once; what still waits is lost."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()
