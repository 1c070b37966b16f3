"""`rialto run`: opens the listeners, runs the networks and the hub, and ends all of it in order."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from aiohttp import web

from bridge.app.admin_socket import serve_admin
from bridge.app.lock import Hold, beside, held
from bridge.app.office import Office
from bridge.app.parts import Parts, parts
from bridge.app.sign_in import sign_in_options
from bridge.networks.matrix import server as appservice
from bridge.networks.matrix.door import Limits as DoorLimits
from bridge.networks.matrix.door import runner as appservice_runner
from bridge.ops.metrics import Metrics
from bridge.settings import Settings
from bridge.settings.values import Listen
from bridge.web.accounts.tokens import ticket_url
from bridge.web.listener import runner as web_runner
from bridge.web.parts import WebLimits, WebParts
from bridge.web.site import make_app

LOCK_SECONDS = 5.0

logger = structlog.get_logger(__name__)


class PortTaken(Exception):
    """A listener could not be opened; the text says which setting to change."""


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM; raise `Busy`, `PortTaken`, `BadDatabase`, `BadFile` or `SchemaTooNew` at the
    start, and `Busy` later when another Rialto has the database.

    `announce` puts a line before the operator that belongs into no log: the link for the first administrator.
    """
    path = beside(settings.database_url, settings.path)
    # A command holds the lock only for a moment: that is waited for, and so is a server that is just starting.
    async with (
        held(settings.database_url, settings.path, patience=LOCK_SECONDS, wait=True) as hold,
        parts(settings) as made,
    ):
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with serve_admin(path, Office(made)):
            await _run(made, hold, stop, announce)


async def _run(made: Parts, hold: Hold, stop: asyncio.Event, announce: Callable[[str], None]) -> None:
    """Start in the order: listener of the homeserver, web, hub, networks; stop in the reverse one."""
    metrics = Metrics(made.hub, made.matrix)
    keeping = asyncio.create_task(hold.keep(), name="lock")
    keeping.add_done_callback(lambda _: stop.set())
    try:
        await _serve(made, metrics, stop, announce)
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def _serve(made: Parts, metrics: Metrics, stop: asyncio.Event, announce: Callable[[str], None]) -> None:
    _spare_the_collector()
    async with _appservice(made), _web(made, metrics):
        await _welcome(made, announce)
        logger.info("ready", web=made.settings.web.url, homeserver=made.settings.homeserver.url)
        async with asyncio.TaskGroup() as group:
            network = group.create_task(made.matrix.run(), name="matrix")
            hub = group.create_task(made.hub.run(), name="hub")
            upkeep = group.create_task(made.accounts.upkeep.run(), name="accounts")
            await stop.wait()
            logger.info("stopping")
            upkeep.cancel()
            hub.cancel()
            network.cancel()


def _spare_the_collector() -> None:
    """Tell the garbage collector that what is loaded by now stays: its full rounds would look through all modules
    again and again, which took a quarter of the time of the room actors. What is freed by counting, nearly all of a
    message, is no work of its."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


async def _welcome(made: Parts, announce: Callable[[str], None]) -> None:
    """Give a server that nobody administers a link with which somebody can."""
    tickets = made.accounts.tickets
    if not await tickets.needs_claim():
        return
    token, _ = await tickets.for_claim()
    announce(
        "Nobody administers this server yet. This link makes the first administrator's account, once, within 24 "
        f"hours:\n\n  {ticket_url(made.settings.web.url, token)}\n"
    )


@asynccontextmanager
async def _appservice(made: Parts) -> AsyncIterator[None]:
    limits = DoorLimits(body_bytes=made.settings.limits.transaction_bytes)
    app = appservice.routes(made.matrix, hs_token=made.registration.hs_token, limits=limits)
    async with _listening(appservice_runner(app), made.settings.appservice.listen, "appservice.listen"):
        yield


@asynccontextmanager
async def _web(made: Parts, metrics: Metrics) -> AsyncIterator[None]:
    limits = made.settings.limits
    app = make_app(
        WebParts(
            db=made.db,
            hub=made.hub,
            native=made.native,
            accounts=made.accounts,
            avatars=made.matrix,
            metrics=metrics.text,
            url=made.settings.web.url,
            name=made.settings.web.name,
            server_name=made.settings.homeserver.server_name,
            sign_in=sign_in_options(made.settings),
            limits=WebLimits(
                messages_per_second=limits.messages_per_second,
                burst=limits.burst,
                logins_per_minute=limits.logins_per_minute,
                signups_per_address=limits.signups_per_address,
                changes_per_minute=limits.changes_per_minute,
                changes_burst=max(1, int(limits.changes_per_minute)),
            ),
        )
    )
    async with _listening(web_runner(app), made.settings.web.listen, "web.listen"):
        yield


@asynccontextmanager
async def _listening(runner: web.AppRunner, listen: Listen, setting: str) -> AsyncIterator[None]:
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, listen.host, listen.port).start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise PortTaken(f"{listen} cannot be listened on ({reason}): free it, or change {setting}") from error
        yield
    finally:
        await runner.cleanup()
