"""Calls to application services other than transactions: does this user exist, does this alias, are you there."""

from __future__ import annotations

import time
from urllib.parse import quote

import aiohttp
from yarl import URL

from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.errors import MatrixError, forbidden
from tests.fakes.homeserver.push import Pusher
from tests.fakes.homeserver.wire import Wire
from tests.fakes.homeserver.world import World


class Queries:
    """Asks application services, and answers their ping call."""

    def __init__(self, world: World, wire: Wire, pusher: Pusher) -> None:
        self._world = world
        self._wire = wire
        self._pusher = pusher

    def routes(self) -> list[Route]:
        """What this part answers."""
        return [Route("POST", "/_matrix/client/v1/appservice/{service}/ping", self._ping)]

    async def alias(self, alias: str) -> bool:
        """Ask the services in whose namespace the alias is, one after the other; True when one says yes."""
        for service in self._world.appservices.values():
            if service.owns_alias(alias) and await self._wire.exists(service, f"rooms/{quote(alias, safe='')}"):
                return True
        return False

    async def _ping(self, call: Call) -> Reply:
        service = call.requester.appservice
        if service is None:
            raise forbidden("Only application services can use the /appservice/ping endpoint")
        if service.id != call.path["service"]:
            raise forbidden("Mismatching application service ID in path")
        began = time.monotonic()
        url = URL(f"{service.url}/_matrix/app/v1/ping", encoded=True)
        try:
            status, body = await self._wire.call(
                service, "POST", url, {"transaction_id": call.body().get("transaction_id")}
            )
        except TimeoutError as error:
            raise MatrixError(504, "M_CONNECTION_TIMEOUT", f"{error}") from error
        except aiohttp.ClientError as error:
            raise MatrixError(502, "M_CONNECTION_FAILED", f"{type(error).__name__}: {error}") from error
        if not 200 <= status < 300:
            text = body.decode(errors="replace")
            raise MatrixError(502, "M_BAD_STATUS", f"HTTP {status}", status=status, body=text)
        self._pusher.retry_now(service.id)
        return {"duration_ms": int((time.monotonic() - began) * 1000)}
