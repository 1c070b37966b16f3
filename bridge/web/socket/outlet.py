"""The way out of one socket: whole frames straight to the transport, which tells how much of them still waits."""

from __future__ import annotations

import asyncio

from aiohttp import web

HIGH = 256 * 1024
"""Bytes that may wait for a reader before nothing more is put behind them."""
LOW = 64 * 1024
LOOK_SECONDS = 0.05
SLOWEST_SECONDS = 60.0


class TooSlow(Exception):
    """The reader took nothing for a minute."""


class Outlet:
    """Writes frames of `protocol`. Nothing waits here: what the kernel does not take at once waits in the transport.

    aiohttp's own frames (pong, close) go through the same transport, whole each, so that the two may take turns.
    """

    def __init__(self, request: web.Request) -> None:
        self._transport = request.transport
        self.closed = False

    @property
    def full(self) -> bool:
        """Tell whether so much waits for the reader that nothing more should be added."""
        return self._waiting() > HIGH

    def push(self, data: bytes) -> None:
        """Write one or more whole frames; one that is closed takes them and does nothing."""
        if not self.closed and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until little waits; raise `TooSlow` where the reader takes nothing for a minute."""
        least, since = self._waiting(), asyncio.get_running_loop().time()
        while (waiting := self._waiting()) > LOW:
            now = asyncio.get_running_loop().time()
            if waiting < least:
                least, since = waiting, now
            elif now - since > SLOWEST_SECONDS:
                raise TooSlow
            await asyncio.sleep(LOOK_SECONDS)  # a transport tells only its protocol, which is aiohttp's, when it drains

    def _waiting(self) -> int:
        if self.closed or self._transport is None or self._transport.is_closing():
            return 0
        return self._transport.get_write_buffer_size()
