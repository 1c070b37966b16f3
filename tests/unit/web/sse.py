"""Reads server-sent events from a response, as a browser would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse

from tests.unit.web.rig import Visitor

PATIENCE = 10


@dataclass
class Told:
    """One event: its name, its data, and the `id` that it carried."""

    name: str
    data: Any
    id: str = ""


class Reader:
    """The events of one stream, in order."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.comments = 0

    async def next(self) -> Told | None:
        """Return the next event; None at the end of the stream."""
        name, data, number = "", "", ""
        while line := (await asyncio.wait_for(self.response.content.readline(), PATIENCE)).decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                number = value
            elif line.startswith(":"):
                self.comments += 1
            elif line == "\n" and name:
                return Told(name, json.loads(data), number)
        return None

    async def until(self, wanted: Callable[[Told], bool]) -> list[Told]:
        """Return the events up to the wanted one, with it."""
        found: list[Told] = []
        while True:
            told = await self.next()
            assert told is not None, f"the stream ended after {found}"
            found.append(told)
            if wanted(told):
                return found

    async def live(self) -> list[Told]:
        """Return everything that the stream begins with."""
        return await self.until(lambda told: told.name == "live")

    async def line(self) -> dict[str, Any]:
        """Return the next line, whatever else comes before it."""
        told = (await self.until(lambda told: told.name == "line"))[-1]
        assert told.id == str(told.data["seq"])
        data: dict[str, Any] = told.data
        return data


@asynccontextmanager
async def following(who: Visitor, room: str, after: int = 0, **more: Any) -> AsyncIterator[Reader]:
    """Open a stream, close it at the end."""
    response = await who.ask("GET", f"/api/v1/rooms/{room}/stream?after={after}", **more)
    try:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        yield Reader(response)
    finally:
        response.close()
