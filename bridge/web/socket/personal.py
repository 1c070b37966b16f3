"""What one socket is told of its owner's own: badges of all their rooms, rooms that they come into or leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from bridge.model.errors import Refused
from bridge.model.ids import PersonId, RoomId
from bridge.store.markers import Badge
from bridge.web.api.shapes import RoomShape
from bridge.web.parts import View
from bridge.web.places import Places
from bridge.web.socket import protocol
from bridge.web.socket.outlet import Outlet, TooSlow

logger = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.5
"""The first change is told at once, what comes soon after it together, at most so often."""


class Personal:
    """One task a socket."""

    def __init__(
        self, person: PersonId, outlet: Outlet, view: View, places: Places, too_slow: Callable[[], None]
    ) -> None:
        self._person = person
        self._outlet = outlet
        self._view = view
        self._places = places
        self._too_slow = too_slow
        self._known: dict[RoomId, Badge] = {}
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> list[RoomShape]:
        """Return the rooms that the person is in, with their badges; what changes from then on is told."""
        begun: asyncio.Future[dict[RoomId, Badge]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(begun), name=f"badges {self._person}")
        await begun
        return await self._places.mine(self._person)

    def knows(self, room: RoomId) -> bool:
        """Tell whether the person is in the room, as far as the client was told."""
        return room in self._known

    def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()

    async def moved(self, room: RoomId) -> None:
        """Tell what the person is in a room now: a role or a setting changed."""
        self._outlet.push(b"".join(await self._room(room)))

    async def _run(self, begun: asyncio.Future[dict[RoomId, Badge]]) -> None:
        try:
            with self._view.badges.watch(self._person) as watch:
                self._known = dict(await watch.start())
                if begun.done():
                    return  # the greeting was given up meanwhile
                begun.set_result(self._known)
                while True:
                    changed = await watch.next()
                    await self._outlet.drained()
                    await self._tell(changed, set(watch.rooms))
                    await asyncio.sleep(PAUSE_SECONDS)
        except TooSlow:
            self._too_slow()
        except Exception as error:
            if not begun.done():
                begun.set_exception(error)
                return
            logger.exception("badges could not be told")
            self._too_slow()

    async def _tell(self, changed: list[Badge], rooms: set[RoomId]) -> None:
        frames = [protocol.event("rooms", left=room) for room in self._known.keys() - rooms]
        for badge in changed:
            before = self._known.get(badge.room)
            fields = msgspec.structs.asdict(badge)
            frames.append(protocol.event("badge", **fields))
            if before is not None and before.marker != badge.marker:
                frames.append(protocol.event("marker", room=badge.room, seq=badge.marker))
        by_room = {badge.room: badge for badge in changed}
        for room in rooms - self._known.keys():
            frames += await self._room(room)
        self._known = {room: by_room.get(room) or self._known.get(room) or Badge(room, 0, 0, 0, 0) for room in rooms}
        if frames:
            self._outlet.push(b"".join(frames))

    async def _room(self, room: RoomId) -> list[bytes]:
        try:
            shape = await self._places.shape(room, self._person)
        except Refused:
            return []
        return [protocol.event("rooms", joined=shape)]
