"""Keeps the name, topic and avatar of chats as their rooms have them: desired state, reconciled afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog

from bridge.core.pace import Backoff
from bridge.core.ports import CanDescribe
from bridge.model.errors import AuthFailed, Rejected, Retry
from bridge.model.ids import LinkId
from bridge.model.rooms import Link, Room
from bridge.store import outbox, rooms
from bridge.store.database import Database

logger = structlog.get_logger(__name__)

Find: TypeAlias = Callable[[LinkId], Awaitable[tuple[Link, Room] | None]]


class Describer:
    """One task for each link whose chat shows something else than its room; none for the others."""

    def __init__(self, db: Database, network: CanDescribe, find: Find) -> None:
        self._db = db
        self._network = network
        self._find = find
        self._tasks: dict[LinkId, asyncio.Task[None]] = {}
        self._again: set[LinkId] = set()

    def changed(self, link: LinkId) -> None:
        """Look at a link: its room or its chat changed."""
        self._again.add(link)
        if link not in self._tasks:
            self._tasks[link] = asyncio.create_task(self._run(link), name=f"describe {link}")

    async def stop(self) -> None:
        """End all tasks; what is not done is found again at the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, link: LinkId) -> None:
        backoff = Backoff(first=1, cap=60)
        try:
            while link in self._again:
                self._again.discard(link)
                try:
                    await self._describe(link)
                except (Retry, AuthFailed) as error:
                    self._again.add(link)
                    await asyncio.sleep(backoff.next(error.after if isinstance(error, Retry) else None))
                except Rejected as error:
                    logger.warning("a chat refuses its room's description", link=link, reason=str(error))
        finally:
            del self._tasks[link]

    async def _describe(self, link_id: LinkId) -> None:
        found = await self._find(link_id)
        if found is None:
            return
        link, room = found
        if not link.open or link.described == room.description:
            return
        if room.archived:
            waiting = await self._db.read(lambda connection: outbox.pending(connection, link_id, limit=1))
            if waiting:
                # Once the chat shows it nobody can write there: what was said before comes first.
                raise Retry("lines wait to be delivered", certain=True)
        await self._network.describe(link, room)
        await self._db.write(lambda connection: rooms.set_described(connection, link_id, room.description))
