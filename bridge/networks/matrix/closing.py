"""Gives up the portals of deleted rooms: nobody finds them, comes in, writes or stays there any more."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from bridge.core.pace import Backoff
from bridge.model.errors import AuthFailed, Rejected, Retry
from bridge.model.ids import LinkId
from bridge.model.rooms import Link, Room
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.naming import DEVICE, Naming
from bridge.networks.matrix.openness import set_powers
from bridge.store import portals, rooms
from bridge.store.database import Database

logger = structlog.get_logger(__name__)

WORDS = "This room was deleted."


class Closing:
    """One task for each portal that is being given up. What is done can be done again, so a stop loses nothing; a step
    that the homeserver refuses is left out."""

    def __init__(
        self,
        client: HomeserverClient,
        naming: Naming,
        db: Database,
        *,
        find: Callable[[str], Awaitable[str | None]],
        on_gone: Callable[[Link], Awaitable[None]],
    ) -> None:
        """`find` resolves an alias; `on_gone` is told when nothing is left to do."""
        self._client = client
        self._naming = naming
        self._db = db
        self._find = find
        self._on_gone = on_gone
        self._tasks: dict[LinkId, asyncio.Task[None]] = {}

    def begin(self, link: Link) -> None:
        """Begin, unless that has begun already."""
        if link.id not in self._tasks:
            self._tasks[link.id] = asyncio.create_task(self._run(link), name=f"give up {link.id}")

    @property
    def busy(self) -> bool:
        """Tell whether a portal is being given up."""
        return bool(self._tasks)

    async def stop(self) -> None:
        """End all tasks; the next start goes on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, link: Link) -> None:
        backoff = Backoff(first=0.5, cap=60)
        try:
            while True:
                try:
                    await self._give_up(link)
                    break
                except (Retry, AuthFailed) as error:
                    logger.info("a portal is given up later", link=link.id, reason=str(error))
                    await asyncio.sleep(backoff.next(error.after if isinstance(error, Retry) else None))
        finally:
            del self._tasks[link.id]
        await self._on_gone(msgspec.structs.replace(link, state="gone"))

    async def _give_up(self, link: Link) -> None:
        room = await self._db.read(lambda connection: rooms.get(connection, link.room))
        portal = await self._db.read(lambda connection: portals.get(connection, link.id))
        if room is None or portal is None:
            return
        # The making may have been interrupted before the room was noted: then the alias leads to it.
        chat = link.chat or portal.room_id or await self._find(portal.alias)
        if chat is not None:
            await self._shut(chat, room)
        await self._try(self._client.delete_alias(portal.alias))
        if chat is not None:
            await self._empty(chat)

    async def _shut(self, chat: str, room: Room) -> None:
        client = self._client
        await self._try(client.put_state(chat, "m.room.join_rules", "", {"join_rule": "invite"}))
        await self._try(client.set_directory_visibility(chat, "private"))
        await self._try(self._say_so(chat))
        await self._try(set_powers(client, chat, room))
        await self._try(client.put_state(chat, "m.room.canonical_alias", "", {}))
        await self._try(client.put_state(chat, "m.room.name", "", {"name": ""}))
        await self._try(client.put_state(chat, "m.room.topic", "", {"topic": ""}))
        await self._try(client.put_state(chat, "m.room.avatar", "", {}))

    async def _say_so(self, chat: str) -> None:
        """Tell those who are there, unless the room is encrypted: no plain text goes there. There is no tombstone: that
        has to name a room which goes on."""
        if await self._client.get_state_event(chat, "m.room.encryption") is not None:
            return
        txn = "rialto-deleted-" + hashlib.sha256(chat.encode()).hexdigest()[:32]
        content = {"msgtype": "m.notice", "body": WORDS, "m.mentions": {}}
        await self._client.send(
            chat, "m.room.message", txn, content, user_id=self._naming.bot, device_id=DEVICE
        )

    async def _empty(self, chat: str) -> None:
        """Take everybody out; the bot goes last."""
        try:
            there = await self._client.joined_members(chat)
        except Rejected:
            return  # the bot itself is out already
        for user_id in there:
            if user_id == self._naming.bot:
                continue
            if self._naming.ours(user_id):
                await self._try(self._client.leave(chat, user_id))
            else:
                await self._try(self._client.kick(chat, user_id, reason=WORDS))
        await self._try(self._client.leave(chat))

    async def _try(self, step: Awaitable[object]) -> None:
        try:
            await step
        except Rejected as error:
            logger.info("a step of giving a portal up is refused", reason=str(error))
