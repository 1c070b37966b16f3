"""Portals: makes the Matrix room of a link once, whoever asks and however often the making is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from bridge.core.pace import Backoff
from bridge.model.crash import crash_point
from bridge.model.errors import AuthFailed, Rejected, Retry
from bridge.model.ids import LinkId
from bridge.model.rooms import Link, Portal, Room
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.marker import Marker
from bridge.networks.matrix.naming import Naming
from bridge.networks.matrix.newroom import BRIDGE_TYPES, bridge_info, creation
from bridge.networks.matrix.openness import show_openness
from bridge.store import portals, rooms
from bridge.store.database import Database

logger = structlog.get_logger(__name__)


class Portals:
    """One single-flight task for each room whose portal is being made serves all who want it."""

    def __init__(
        self,
        client: HomeserverClient,
        naming: Naming,
        marker: Marker,
        db: Database,
        *,
        web_url: str,
        moderators: tuple[str, ...],
        on_ready: Callable[[Link], Awaitable[None]],
    ) -> None:
        self._client = client
        self._naming = naming
        self._marker = marker
        self._db = db
        self._web_url = web_url
        self._moderators = moderators
        self._on_ready = on_ready
        self._tasks: dict[LinkId, asyncio.Task[None]] = {}
        self._looked_up: set[str] = set()
        self._end = asyncio.Event()
        self.ended = 0
        """How often the making of a portal has ended."""

    def open(self, link: Link) -> asyncio.Task[None]:
        """Begin to make the portal, or return the task that does; it tries until it succeeds."""
        task = self._tasks.get(link.id)
        if task is None:
            task = asyncio.create_task(self._open(link), name=f"portal {link.id}")
            self._tasks[link.id] = task
        return task

    def makes(self, link: Link) -> bool:
        """Tell whether the portal of a link is being made."""
        return link.id in self._tasks

    @property
    def busy(self) -> bool:
        """Tell whether a portal is being made: until it is there an unknown room may turn out to be it."""
        return bool(self._tasks)

    async def progress(self, ended: int) -> None:
        """Return when the making of more than `ended` portals has ended."""
        while self.ended <= ended:
            await self._end.wait()

    async def stop(self) -> None:
        """End all tasks; the next start goes on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self, link: Link) -> None:
        backoff = Backoff(first=0.5, cap=30)
        try:
            while True:
                try:
                    await self._make(link)
                    return
                except (Retry, AuthFailed) as error:
                    logger.info("a portal waits for the homeserver", link=link.id, reason=str(error))
                    await asyncio.sleep(backoff.next(error.after if isinstance(error, Retry) else None))
                except Rejected as error:
                    logger.warning("the homeserver refuses a portal", link=link.id, reason=str(error))
                    await asyncio.sleep(backoff.next())
        finally:
            del self._tasks[link.id]
            self.ended += 1
            self._end.set()
            self._end = asyncio.Event()

    async def _make(self, link: Link) -> None:
        room = await self._db.read(lambda connection: rooms.get(connection, link.room))
        assert room is not None
        wanted = Portal(link=link.id, room=room.id, alias=self._naming.alias(room.slug))
        portal = await self._db.write(lambda connection: portals.ensure(connection, wanted))
        room_id, described = portal.room_id, ""
        if not room_id:
            room_id, fresh = await self._create(portal, room, federate=link.federate)
            # An adopted room may show what was so before the interruption; a new one shows all but an avatar, and
            # that the room is archived.
            described = room.description if fresh and not room.avatar and not room.archived else ""
        await self._db.write(lambda connection: portals.set_room_id(connection, link.id, room_id))
        encrypted = await self._client.get_state_event(room_id, "m.room.encryption") is not None
        ready = msgspec.structs.replace(
            link, chat=room_id, state="encrypted" if encrypted else "ready", described=described
        )
        await self._on_ready(ready)

    async def _create(self, portal: Portal, room: Room, *, federate: bool) -> tuple[str, bool]:
        """Create the room (True), or adopt the one that an interrupted try has made: the alias is the lock."""
        body = await self._body(room, federate=federate)
        for _ in range(3):
            try:
                room_id = await self._client.create_room(body)
            except Rejected as error:
                if error.status not in (400, 409):
                    raise
                logger.info("the alias is taken: is it ours?", alias=portal.alias, reason=str(error))
            else:
                crash_point("room_created")
                return room_id, True
            adopted = await self._adopt(portal)
            if adopted is not None:
                return adopted, False
        raise Retry(f"{portal.alias} is taken and leads to no room of ours")

    def is_looked_up(self, alias: str) -> bool:
        """Tell whether we ourselves are asking the homeserver for an alias: it may ask us back, and must not
        be kept waiting for an answer that waits for its own."""
        return alias in self._looked_up

    async def resolve(self, alias: str) -> str | None:
        """Return the Matrix room that an alias leads to, or None."""
        self._looked_up.add(alias)
        try:
            return await self._client.resolve_alias(alias)
        finally:
            self._looked_up.discard(alias)

    async def _adopt(self, portal: Portal) -> str | None:
        """Return the room that the alias leads to, if we made it and it is whole; free the alias of one that
        is not."""
        room_id = await self.resolve(portal.alias)
        if room_id is None:
            return None
        state = await self._state(room_id)
        created = state.get("m.room.create", {})
        ours = created.get("sender") == self._naming.bot
        if ours and self._marker.is_portal(created.get("content", {}), portal.room) and _is_whole(state):
            return room_id
        logger.warning("an alias leads to a room that is not whole or not ours: it is moved", alias=portal.alias)
        await self._client.delete_alias(portal.alias)
        return None

    async def _state(self, room_id: str) -> dict[str, dict[str, Any]]:
        """Return the state events without a key by type; none where we cannot see the room."""
        try:
            state = await self._client.get_state(room_id)
        except Rejected:
            return {}
        return {event["type"]: event for event in state if event.get("state_key") == ""}

    async def _body(self, room: Room, *, federate: bool) -> dict[str, Any]:
        capabilities = await self._client.capabilities()
        version = str(capabilities.get("m.room_versions", {}).get("default", "12"))
        return creation(
            room,
            naming=self._naming,
            mark=self._marker.portal(room.id),
            web_url=self._web_url,
            moderators=self._moderators,
            creator_is_above=not version.isdigit() or int(version) >= 12,
            federate=federate,
        )

    async def describe(self, link: Link, room: Room, avatar: str) -> None:
        """Make the Matrix room show the room's name, topic and avatar (an mxc address or ""), and be as open as it."""
        await show_openness(self._client, link.chat, room, link.described)
        await self._client.put_state(link.chat, "m.room.name", "", {"name": room.name})
        await self._client.put_state(link.chat, "m.room.topic", "", {"topic": room.topic})
        present = await self._client.get_state_event(link.chat, "m.room.avatar")
        if (present or {}).get("url", "") != avatar:
            await self._client.put_state(link.chat, "m.room.avatar", "", {"url": avatar} if avatar else {})
        info = bridge_info(room, naming=self._naming, web_url=self._web_url)
        for kind in BRIDGE_TYPES:
            await self._client.put_state(link.chat, kind, f"rialto:{room.id}", info)


def _is_whole(state: dict[str, dict[str, Any]]) -> bool:
    # The homeserver writes these last but for name, topic and the initial state, which are written anew anyway.
    return "m.room.power_levels" in state and "m.room.join_rules" in state
