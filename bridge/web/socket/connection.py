"""One socket: who is at the other end, what they ask, and what they are told beside the rooms that they follow."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from bridge.core.pace import TokenBucket
from bridge.model.errors import Refused
from bridge.model.ids import RoomId
from bridge.web.accounts import Session
from bridge.web.limits import TooFast
from bridge.web.socket import protocol
from bridge.web.socket.following import Following
from bridge.web.socket.outlet import Outlet, TooSlow
from bridge.web.socket.personal import Personal
from bridge.web.socket.protocol import BadFrame, BadRequest, Close
from bridge.web.socket.requests import Desk, Requests

logger = structlog.get_logger(__name__)

SILENCE_SECONDS = 60.0
GREETING_SECONDS = 15.0
FAREWELL_SECONDS = 3.0
"""How long a client may take to answer a close; then the connection is cut."""
FRAMES_PER_SECOND = 50.0
FRAMES_BURST = 200.0
PATIENCE = 100
"""So many frames in a row that came too fast end the connection."""
FOLLOWED_MOST = 64
ENDING = {"signed_out": Close.SIGNED_OUT, "too_many_sockets": Close.TOO_MANY}
"""Refusals after which there is nothing more to say."""


class Connection:
    """Reads requests one after the other; each is answered before the next is read."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, desk: Desk) -> None:
        self.session: Session | None = None
        self.outlet = Outlet(request)
        self._socket = socket
        self._request = request
        self._desk = desk
        self._requests = Requests(desk, self)
        self._followed: dict[RoomId, Following] = {}
        self._personal: Personal | None = None
        self._frames = TokenBucket(FRAMES_PER_SECOND, FRAMES_BURST)
        self._hasty = 0
        self._side: set[asyncio.Task[None]] = set()

    @property
    def http(self) -> web.Request:
        """Return the request with which the connection began."""
        return self._request

    @property
    def signed_in(self) -> Session:
        """Return the session; only after the greeting."""
        assert self.session is not None
        return self.session

    @property
    def places(self) -> dict[RoomId, int]:
        """Return up to which number each followed room was written."""
        return {room: following.last for room, following in self._followed.items()}

    async def run(self) -> None:
        """Serve until either side ends it."""
        try:
            while True:
                try:
                    async with asyncio.timeout(SILENCE_SECONDS if self.session else GREETING_SECONDS):
                        message = await self._socket.receive()
                except TimeoutError:
                    await self.close(Close.SILENT, "no ping for a minute" if self.session else "no greeting")
                    return
                if message.type is WSMsgType.TEXT:
                    await self._handle(message.data)
                elif message.type is WSMsgType.BINARY:
                    await self.close(Close.BAD_FRAME, "frames are JSON text")
                else:
                    return
                if self._socket.closed:
                    return
        finally:
            self.outlet.closed = True
            for following in self._followed.values():
                following.stop()
            if self._personal is not None:
                self._personal.stop()
            for task in self._side:
                task.cancel()

    async def close(self, code: Close, reason: str) -> None:
        """End the connection; what was written before goes out first, unless the client takes nothing."""
        self.outlet.closed = True
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._socket.close(code=code, message=_cut(reason), drain=False)
        except TimeoutError:
            self.outlet.abort()

    def end(self, code: Close, reason: str) -> None:
        """End the connection soon (for listeners that cannot wait)."""
        self.aside(self.close(code, reason))

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something small beside the requests; it ends with the connection."""
        task = asyncio.create_task(_logged(work), name="socket")
        self._side.add(task)
        task.add_done_callback(self._side.discard)

    def welcome(self, personal: Personal) -> None:
        """Take note of what tells the client of its own."""
        self._personal = personal

    def knows(self, room: RoomId) -> bool:
        """Tell whether the client has the room among its own."""
        return self._personal is not None and self._personal.knows(room)

    # rooms

    async def follow(self, room: RoomId, after: int | None) -> None:
        """Follow a room from after a number on; raise `Refused` where it may not be read."""
        self.unfollow(room)
        if len(self._followed) >= FOLLOWED_MOST:
            raise Refused("too_many_followed", f"Unfollow a room: {FOLLOWED_MOST} are followed already.", field="room")
        desk = self._desk
        following = self._followed[room] = Following(
            room, self.signed_in.account.person, self, desk.view, desk.lines, desk.feeds
        )
        try:
            await following.begin(after)
        except BaseException:
            self._followed.pop(room, None)
            raise

    def unfollow(self, room: RoomId) -> None:
        """Follow a room no more."""
        if (following := self._followed.pop(room, None)) is not None:
            following.stop()

    # what a followed room tells (following.Owner)

    async def gone(self, room: RoomId) -> None:
        """Follow a room no more, which may not be read now or was left."""
        self._followed.pop(room, None)
        self.outlet.push(protocol.event("rooms", left=room))

    def moved(self, room: RoomId) -> None:
        """Tell what one is in a room now."""
        if self._personal is not None:
            self.aside(self._personal.moved(room))

    def slow(self) -> None:
        """End the connection, whose reader takes nothing."""
        self.end(Close.TOO_SLOW, "the reader takes nothing")

    def broken(self) -> None:
        """End the connection, because something cannot be told; the client comes back and is told from the log."""
        self.end(Close.STOPPING, "something went wrong here")

    # requests

    async def _handle(self, text: str) -> None:
        try:
            asked = protocol.request(text)
        except BadFrame as error:
            await self.close(Close.BAD_FRAME, str(error))
            return
        except BadRequest as bad:
            await self._answer(bad.to, bad.refused)
        else:
            await self._answer(asked.id, asked)
        if self._hasty > PATIENCE:
            await self.close(Close.TOO_FAST, "too many frames")

    async def _answer(self, to: int, asked: protocol.Ask | Refused) -> None:
        try:
            await self.outlet.drained()  # who does not read is not answered either
            self._count()
            if isinstance(asked, Refused):
                raise asked
            answer = await self._requests.answer(asked)
        except Refused as refused:
            self.outlet.push(protocol.refusal(to, refused, asked))
            if refused.reason_code in ENDING:
                await self.close(ENDING[refused.reason_code], refused.message)
        except TooSlow:
            await self.close(Close.TOO_SLOW, "the reader takes nothing")
        except Exception:
            logger.exception("a request on a socket failed")
            failed = Refused("internal", "Something went wrong here; try again.", status=500)
            self.outlet.push(protocol.refusal(to, failed, asked))
        else:
            self.outlet.push(protocol.answer(to, answer))

    def _count(self) -> None:
        if self._frames.try_take():
            self._hasty = 0
            return
        self._hasty += 1
        raise TooFast("Too many frames: wait a moment.", 1)


def _cut(reason: str) -> bytes:
    """Return a close frame's reason, which has at most 123 bytes of whole characters."""
    return reason.encode()[:120].decode(errors="ignore").encode()


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        logger.exception("something beside a socket's requests failed")
