"""Viewers of rooms: each has a bounded queue of frames, and is told when it was too slow for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.core.ports import FellBehind, Frame
from bridge.model.ids import RoomId

QUEUE = 1_000


class Viewer:
    """One viewer's stream; implements `ports.Watch`."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._more = asyncio.Event()

    async def next(self) -> Frame:
        """Wait for the next frame."""
        while not self._frames:
            self._more.clear()
            await self._more.wait()
        return self._frames.popleft()

    async def some(self) -> list[Frame]:
        """Wait for a frame; return all that are there then."""
        found = [await self.next(), *self._frames]
        self._frames.clear()
        return found

    def put(self, frame: Frame) -> None:
        """Add a frame; a queue that is full is emptied, and its reader told to read the page again."""
        if len(self._frames) >= QUEUE:
            self._frames.clear()
            self._frames.append(FellBehind())
        self._frames.append(frame)
        self._more.set()


class Viewers:
    """Who watches which room."""

    def __init__(self) -> None:
        self._by_room: dict[RoomId, set[Viewer]] = {}

    @contextmanager
    def watch(self, room: RoomId) -> Iterator[Viewer]:
        """Follow a room inside the `with` block."""
        viewer = Viewer()
        self._by_room.setdefault(room, set()).add(viewer)
        try:
            yield viewer
        finally:
            watching = self._by_room[room]
            watching.discard(viewer)
            if not watching:
                del self._by_room[room]

    @property
    def count(self) -> int:
        """Return how many viewers there are."""
        return sum(map(len, self._by_room.values()))

    def any(self, room: RoomId) -> bool:
        """Tell whether someone watches the room."""
        return room in self._by_room

    def publish(self, room: RoomId, frame: Frame) -> None:
        """Show a frame to the room's viewers."""
        for viewer in self._by_room.get(room, ()):
            viewer.put(frame)

    def publish_everywhere(self, frame: Frame) -> None:
        """Show a frame to every viewer."""
        for watching in self._by_room.values():
            for viewer in watching:
                viewer.put(frame)
