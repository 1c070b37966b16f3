"""Upkeep: what time does to accounts: unused guests are closed, what is over is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bridge.store import accounts
from bridge.store.database import Database
from bridge.web.accounts.invites import Invites
from bridge.web.accounts.options import DAY_MS, AccountOptions
from bridge.web.accounts.registry import Registry
from bridge.web.accounts.sessions import Sessions
from bridge.web.accounts.tickets import Tickets

logger = structlog.get_logger(__name__)

EVERY_SECONDS = 3600.0


class Upkeep:
    """Runs beside the server."""

    def __init__(
        self, db: Database, options: AccountOptions, registry: Registry, sessions: Sessions, tickets: Tickets,
        invites: Invites, clock: Callable[[], int],
    ) -> None:
        self._db = db
        self._unused = options.guest_days * DAY_MS
        self._registry = registry
        self._clock = clock
        self._steps: list[Callable[[], Awaitable[None]]] = [
            registry.finish_closing, self._close_guests, sessions.drop_old, tickets.drop_old, invites.drop_old,
        ]

    async def run(self) -> None:
        """Work until cancelled: at once, then every hour."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY_SECONDS)

    async def once(self) -> None:
        """Do everything that is due; what fails is logged and tried again the next time."""
        for step in self._steps:
            try:
                await step()
            except Exception:  # the other parts have nothing to do with it
                logger.exception("a part of the accounts' upkeep failed", part=step.__qualname__)

    async def _close_guests(self) -> None:
        since = self._clock() - self._unused
        guests = await self._db.read(lambda c: accounts.idle_guests(c, since))
        for guest in guests:
            await self._registry.close(guest)
        if guests:
            logger.info("guests who did not come back were closed", count=len(guests))
