"""A client of the socket as a program would be one: numbered requests, and the frames that came by themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import ClientWebSocketResponse

from tests.unit.web.conftest import Client

SECONDS = 30.0


class SocketClient:
    """One socket. `events` are the frames that the server sent by itself, in order."""

    def __init__(self, wire: ClientWebSocketResponse) -> None:
        self.wire = wire
        self.events: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self.answers: dict[int, dict[str, Any]] = {}
        self._next = 1

    async def ask(self, op: str, **fields: Any) -> Any:
        """Ask, and return what was answered; AssertionError for a refusal."""
        answer = await self.raw(op, **fields)
        assert "error" not in answer, answer
        return answer["ok"]

    async def refused(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask, and return the error."""
        answer = await self.raw(op, **fields)
        assert "error" in answer, answer
        error: dict[str, Any] = answer["error"]
        return error

    async def raw(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask, and return the whole answer."""
        number, self._next = self._next, self._next + 1
        await self.wire.send_json({"id": number, "op": op, **fields})
        async with asyncio.timeout(SECONDS):
            while number not in self.answers:
                assert await self.read(), f"closed with {self.close_code}"
        return self.answers.pop(number)

    async def read(self) -> bool:
        """Read one frame; False when the socket is closed."""
        message = await self.wire.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            self.close_code = self.wire.close_code
            return False
        frame = json.loads(message.data)
        if "re" in frame:
            assert frame["re"] not in self.answers, "answered twice"
            self.answers[frame["re"]] = frame
        else:
            self.events.append(frame)
        return True

    async def until(self, ev: str, **wanted: Any) -> dict[str, Any]:
        """Return the first frame of this kind whose fields are as wanted, waiting for it."""
        seen = 0
        async with asyncio.timeout(SECONDS):
            while True:
                for frame in self.events[seen:]:
                    if frame["ev"] == ev and all(frame.get(name) == value for name, value in wanted.items()):
                        return frame
                seen = len(self.events)
                assert await self.read(), f"closed with {self.close_code}; {self.events[-5:]}"

    async def closed(self) -> int | None:
        """Wait for the end; return the close code."""
        async with asyncio.timeout(SECONDS):
            while await self.read():
                pass
        return self.close_code

    def texts(self, room: str) -> list[str]:
        """Return what was said in a room, as it came."""
        lines = [frame["line"] for frame in self.events if frame["ev"] == "line" and frame["room"] == room]
        return [line["content"]["text"] for line in lines if line["kind"] == "said"]

    def numbers(self, room: str) -> list[int]:
        """Return the numbers of the lines, as they came."""
        return [frame["seq"] for frame in self.events if frame["ev"] == "line" and frame["room"] == room]


@asynccontextmanager
async def opened(client: Client, token: str | None, **more: Any) -> AsyncIterator[SocketClient]:
    """Open a socket; with a token it greets."""
    async with client.ws_connect("/api/v1/socket", **more) as wire:
        made = SocketClient(wire)
        if token is not None:
            await made.ask("hello", token=token)
        yield made
