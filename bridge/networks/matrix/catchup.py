"""Catch-up: fetches what the homeserver kept in its history and did not hand over (it loses some at a restart)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from bridge.core.pace import Backoff
from bridge.model.crash import crash_point
from bridge.model.errors import AuthFailed, Rejected, Retry
from bridge.model.ids import MATRIX
from bridge.model.rooms import Link
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.inbox import Inbox
from bridge.store import inbox
from bridge.store.database import Database
from bridge.store.inbox import Arrival

logger = structlog.get_logger(__name__)

PAGE = 100
MOST_PAGES = 1_000
AT_ONCE = 4


class _Id(msgspec.Struct):
    event_id: str


class CatchUp:
    """Closes the gates of all portals when something may be missing, and opens each once its gap is closed."""

    def __init__(
        self,
        client: HomeserverClient,
        db: Database,
        feeds: Inbox,
        *,
        links: Callable[[], Awaitable[list[Link]]],
        on_closed: Callable[[Link], None],
    ) -> None:
        self._client = client
        self._db = db
        self._feeds = feeds
        self._links = links
        self._on_closed = on_closed
        self._horizon: int | None = None
        self._wanted = asyncio.Event()
        self.running = False
        self.fetched = 0

    def suspect(self, horizon: int) -> None:
        """Something that happened after `horizon` (UTC ms) may be missing in any portal."""
        self._horizon = horizon if self._horizon is None else min(self._horizon, horizon)
        self._wanted.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            horizon, self._horizon = self._horizon, None
            assert horizon is not None
            self.running = True
            try:
                await self._close_all(horizon)
            finally:
                self.running = False

    async def _close_all(self, horizon: int) -> None:
        links = await self._links()
        for link in links:
            self._feeds.close_gate(link.chat)
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(link: Link) -> None:
            async with turns:
                await self.close(link, horizon)

        await asyncio.gather(*(one(link) for link in links))

    async def close(self, link: Link, horizon: int) -> None:
        """Fetch a portal's gap, however long the homeserver is away, and open its gate."""
        backoff = Backoff(first=0.3, cap=5)
        self._feeds.close_gate(link.chat)
        await self._feeds.feed(link.chat).quiet()
        missing: list[Arrival] = []
        while True:
            try:
                missing = await self._missing(link, horizon)
                break
            except (Retry, AuthFailed) as error:
                await asyncio.sleep(backoff.next(error.after if isinstance(error, Retry) else None))
            except Rejected as error:
                logger.warning("a portal's history cannot be read", link=link.id, reason=str(error))
                break
        crash_point("catching_up")
        if missing:
            logger.info("events were fetched that had not been handed over", link=link.id, events=len(missing))
        self.fetched += len(missing)
        await self._db.write(lambda c: inbox.close_gap(c, MATRIX, link.chat, missing, horizon=horizon))
        self._feeds.open_gate(link.chat)
        self._on_closed(link)

    async def _missing(self, link: Link, horizon: int) -> list[Arrival]:
        """Page back to the first event that we surely had before `horizon`; return what is newer, in order."""
        newest_first: list[Arrival] = []
        token: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._client.messages(link.chat, from_token=token, direction="b", limit=PAGE)
            events = [Arrival(link.chat, _id(raw), bytes(raw)) for raw in page.chunk]
            had = await self._known(link.chat, [event.origin for event in events], horizon)
            for event in events:
                if event.origin in had:
                    return newest_first[::-1]
                newest_first.append(event)
            token = page.end
            if token is None or not page.chunk:
                return newest_first[::-1]
        logger.error("a gap is too long to be closed", link=link.id, pages=MOST_PAGES)
        return newest_first[::-1]

    async def _known(self, chat: str, origins: list[str], horizon: int) -> set[str]:
        if not origins:
            return set()
        return await self._db.read(lambda c: inbox.known(c, MATRIX, chat, origins, before=horizon))


def _id(raw: msgspec.Raw) -> str:
    return msgspec.json.decode(raw, type=_Id).event_id


