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
from bridge.networks.matrix.wire import mend
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
    """Closes the gates of all portals when something may be missing, and opens each once its gap is closed.

    Each portal is caught up with by itself: one whose history cannot be read delays nobody else.
    """

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
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._due: dict[str, int] = {}
        self._working: set[str] = set()
        self._held: dict[str, Link] = {}
        self.fetched = 0

    @property
    def running(self) -> bool:
        """Tell whether a portal is being caught up with."""
        return bool(self._working)

    def suspect(self, horizon: int) -> None:
        """Something that happened after `horizon` (UTC ms) may be missing in any portal."""
        self._horizon = horizon if self._horizon is None else min(self._horizon, horizon)
        self._wanted.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                links = await self._links()
                horizon, self._horizon = self._horizon, None
                if horizon is None:
                    # It was suspected anew while the links were read, and is taken care of.
                    continue
                held, self._held = self._held, {}
                for link in {link.chat: link for link in (*links, *held.values())}.values():
                    self._note(link.chat, horizon)
                    group.create_task(self._work(link), name=f"catch up {link.id}")

    async def close(self, link: Link, horizon: int) -> None:
        """Fetch a portal's gap, however long the homeserver is away, and open its gate; return at once where that
        is being done already (what has become due is done with it)."""
        self._note(link.chat, horizon)
        await self._work(link)

    def _note(self, chat: str, horizon: int) -> None:
        self._feeds.close_gate(chat)
        self._due[chat] = min(horizon, self._due.get(chat, horizon))

    async def _work(self, link: Link) -> None:
        chat = link.chat
        if chat in self._working:
            return
        self._working.add(chat)
        try:
            pause = Backoff(first=1, cap=60)
            while (horizon := self._due.pop(chat, None)) is not None:
                try:
                    await self._close(link, horizon)
                except Exception:
                    # The gate stays closed until it succeeds: better late than with a hole.
                    logger.exception("a portal could not be caught up with", link=link.id)
                    self._due[chat] = min(horizon, self._due.get(chat, horizon))
                    await asyncio.sleep(pause.next())
        finally:
            self._working.discard(chat)
        if self._horizon is not None:
            # Another gap is suspected and not noted for this portal yet: its gate stays closed until then.
            self._held[chat] = link
            return
        self._feeds.open_gate(chat)
        self._on_closed(link)

    async def _close(self, link: Link, horizon: int) -> None:
        await self._feeds.feed(link.chat).quiet()
        missing = await self._fetch(link, horizon)
        crash_point("catching_up")
        if missing:
            logger.info("events were fetched that had not been handed over", link=link.id, events=len(missing))
        self.fetched += len(missing)
        await self._db.write(lambda c: inbox.close_gap(c, MATRIX, link.chat, missing, horizon=horizon))

    async def _fetch(self, link: Link, horizon: int) -> list[Arrival]:
        backoff = Backoff(first=0.3, cap=5)
        while True:
            try:
                async with self._turns:
                    return await self._missing(link, horizon)
            except (Retry, AuthFailed) as error:
                await asyncio.sleep(backoff.next(error.after if isinstance(error, Retry) else None))
            except Rejected as error:
                logger.warning("a portal's history cannot be read", link=link.id, reason=str(error))
                return []

    async def _missing(self, link: Link, horizon: int) -> list[Arrival]:
        """Page back to the first event that we surely had before `horizon`; return what is newer, in order."""
        newest_first: list[Arrival] = []
        token: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._client.messages(link.chat, from_token=token, direction="b", limit=PAGE)
            events = _arrivals(link.chat, page.chunk)
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


def _arrivals(chat: str, chunk: list[msgspec.Raw]) -> list[Arrival]:
    """Return a page's events as a transaction would have brought them; what has no ID is left out."""
    found: list[Arrival] = []
    for raw in chunk:
        mended = mend(bytes(raw))
        try:
            found.append(Arrival(chat, msgspec.json.decode(mended, type=_Id).event_id, mended))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            logger.warning("an event of a portal's history cannot be read", chat=chat, reason=str(error))
    return found
