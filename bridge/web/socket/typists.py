"""Who types in which room: kept in memory, over by itself after a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from bridge.model.ids import PersonId, RoomId

LASTS_SECONDS = 6.0

Changed: TypeAlias = Callable[[RoomId], None]


class Typists:
    """Calls `changed(room)` when somebody begins or ends; to go on typing changes nothing."""

    def __init__(self, changed: Changed) -> None:
        self._changed = changed
        self._typing: dict[RoomId, dict[PersonId, asyncio.TimerHandle]] = {}

    def of(self, room: RoomId) -> list[PersonId]:
        """Return who types in a room now, who began first in front."""
        return list(self._typing.get(room, ()))

    def put(self, room: RoomId, person: PersonId, *, typing: bool) -> None:
        """Note that somebody types, or does no more."""
        people = self._typing.setdefault(room, {})
        timer = people.pop(person, None) if not typing else people.get(person)
        if timer is not None:
            timer.cancel()
        if typing:
            loop = asyncio.get_running_loop()
            people[person] = loop.call_later(LASTS_SECONDS, lambda: self.put(room, person, typing=False))
        if not people:
            del self._typing[room]
        if typing == (timer is None):
            self._changed(room)

    def close(self) -> None:
        """Forget everybody."""
        for people in self._typing.values():
            for timer in people.values():
                timer.cancel()
        self._typing.clear()
