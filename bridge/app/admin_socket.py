"""The admin socket: a Unix socket beside the database, through which commands reach the running server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import msgspec
import structlog
from aiohttp import web

from bridge.app.lock import Busy, beside, held
from bridge.app.office import Office
from bridge.app.parts import parts
from bridge.model.errors import Refused
from bridge.settings import Settings

logger = structlog.get_logger(__name__)

DATABASE_SECONDS = 8.0
LONGEST_PATH = 100
"""The kernel takes 107 bytes; a longer path gets a socket in the folder for temporary files."""


class Caller(Protocol):
    """Something that does an operation of the office."""

    async def call(self, operation: str, arguments: dict[str, Any]) -> Any:
        """Do it; raise `Refused`."""
        ...


def socket_path(path: Path) -> Path:
    """Return where the admin socket of the database at `path` is."""
    wished = path.with_name(path.name + ".admin")
    if len(os.fsencode(wished)) <= LONGEST_PATH:
        return wished
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"rialto-{os.getuid()}-{name}.admin"


@asynccontextmanager
async def serve_admin(path: Path, office: Office) -> AsyncIterator[None]:
    """Answer operations on the socket while inside; only the socket's owner may connect."""

    async def handle(request: web.Request) -> web.Response:
        try:
            if not await office.usable(DATABASE_SECONDS):
                raise Refused("database_away", "the database is away: start it, or try again in a moment")
            asked = msgspec.json.decode(await request.read(), type=dict[str, Any])
            answer = {"answer": await office.call(str(asked["operation"]), dict(asked["arguments"]))}
        except Refused as refused:
            answer = {"error": {"code": refused.reason_code, "message": refused.message, "field": refused.field}}
        except Exception as error:
            logger.exception("an operation failed")
            answer = {"error": {"code": "failed", "message": f"it failed: {error!r}; see the server's log"}}
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/call", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    where = socket_path(path)
    with suppress(FileNotFoundError):
        where.unlink()
    # The lock is ours, so nobody else serves here; the mask keeps others out from the first moment on.
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(where)).start()
    finally:
        os.umask(before)
    try:
        yield
    finally:
        await runner.cleanup()


class _Remote:
    """The office of a running server."""

    def __init__(self, where: Path) -> None:
        self._where = where

    async def call(self, operation: str, arguments: dict[str, Any]) -> Any:
        connector = aiohttp.UnixConnector(path=str(self._where))
        async with aiohttp.ClientSession(connector=connector) as session:
            asked = msgspec.json.encode({"operation": operation, "arguments": arguments})
            async with session.post("http://admin/call", data=asked) as response:
                answered = msgspec.json.decode(await response.read(), type=dict[str, Any])
        if "error" in answered:
            error = answered["error"]
            raise Refused(error["code"], error["message"], field=error.get("field"))
        return answered["answer"]


async def call(settings: Settings, operation: str, arguments: dict[str, Any]) -> Any:
    """Do an operation: by the running server where there is one, else on the database itself.

    Raises `Refused`, and `Busy` where a server holds the database and does not answer.
    """
    path = beside(settings.database_url, settings.path)
    last = ""
    for _ in range(10):
        try:
            async with held(settings.database_url, settings.path), parts(settings) as made:
                try:
                    return await Office(made).call(operation, arguments)
                finally:
                    await made.matrix.client.close()
        except Busy as busy:
            try:
                return await _Remote(socket_path(path)).call(operation, arguments)
            except (FileNotFoundError, aiohttp.ClientConnectionError):
                # It is just starting or ending.
                await asyncio.sleep(0.5)
                last = str(busy)
    raise Busy(f"{last}, and it does not answer on {socket_path(path)}")
