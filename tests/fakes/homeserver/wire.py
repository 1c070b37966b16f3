"""The connection from the homeserver to application services: one request at a time, each on its own connection."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from yarl import URL

from tests.fakes.homeserver.world import Appservice

_PATIENCE_SECONDS = 60


class Wire:
    """Opens with the server and closes with it, so that what is under way breaks when the server dies."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Make ready; inside a running event loop."""
        # A connection for each request: one kept from before a restart of the other side would fail by itself.
        connector = aiohttp.TCPConnector(force_close=True)
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)

    async def close(self) -> None:
        """Break everything that is under way."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, service: Appservice, method: str, url: URL, body: Any = None) -> tuple[int, bytes]:
        """One request with the service's hs_token: status and body. aiohttp.ClientError or TimeoutError if it fails.

        `body` is sent as JSON, bytes as they are.
        """
        if self._session is None:
            raise aiohttp.ClientConnectionError("the homeserver is down")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {service.hs_token}", "Content-Type": "application/json"}
        async with self._session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.read()

    async def exists(self, service: Appservice, what: str) -> bool:
        """Ask for `users/…` or `rooms/…` (quoted): True on 200, False on anything else, no answer included."""
        url = URL(f"{service.url}/_matrix/app/v1/{what}", encoded=True)
        try:
            status, _ = await self.call(service, "GET", url)
        except (aiohttp.ClientError, TimeoutError):
            return False
        return status == 200

    async def transaction(self, service: Appservice, txn_id: int | str, body: bytes) -> tuple[int, bytes]:
        """PUT a transaction, whatever its bytes are."""
        url = URL(f"{service.url}/_matrix/app/v1/transactions/{txn_id}", encoded=True)
        return await self.call(service, "PUT", url, body)
