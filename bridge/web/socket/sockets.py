"""The handler of /api/v1/socket, and all sockets that are open: who they belong to, and how they end."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bridge.core.ports import NetworkStatus
from bridge.model.errors import Refused
from bridge.model.ids import AccountId
from bridge.model.rooms import Room
from bridge.store.accounts import Account
from bridge.web.accounts import Session
from bridge.web.api import shapes
from bridge.web.api.operations import PREFIX
from bridge.web.door import Door
from bridge.web.lines import Lines
from bridge.web.parts import WebParts
from bridge.web.places import Places
from bridge.web.socket import protocol
from bridge.web.socket.connection import FAREWELL_SECONDS, Connection
from bridge.web.socket.feed import Feeds
from bridge.web.socket.protocol import Close
from bridge.web.socket.requests import Desk


class Sockets:
    """Opens sockets, and ends them with their session and with the server."""

    def __init__(
        self, parts: WebParts, door: Door, places: Places, lines: Lines, feeds: Feeds, *, page: str = ""
    ) -> None:
        """`page` is the version of the page that is served: who has another one is told so."""
        self._view = parts.hub
        self._limit = parts.limits.streams_per_account
        self._feeds = feeds
        self._desk = Desk(
            db=parts.db,
            view=parts.hub,
            native=parts.native,
            accounts=parts.accounts,
            door=door,
            places=places,
            lines=lines,
            feeds=feeds,
            limits=parts.limits,
            sockets=self,
            own=urlsplit(parts.url).netloc.lower(),
            page=page,
        )
        self._open: set[Connection] = set()
        self._by_account: dict[AccountId, set[Connection]] = {}
        parts.accounts.on_session_end(self.session_ended)
        parts.accounts.preferences.on_change(self.settings_changed)
        parts.hub.on_status(self.status_changed)
        parts.hub.on_room(self.room_changed)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the route."""
        router.add_get(f"{PREFIX}/socket", self.open, allow_head=False)

    async def open(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket until it ends."""
        # Not compressed: a line is as long as its header, and each compressor takes more memory than all else here.
        socket = web.WebSocketResponse(max_msg_size=protocol.FRAME_BYTES, compress=False, timeout=FAREWELL_SECONDS)
        if not socket.can_prepare(request):
            raise Refused("websocket_only", "This address speaks WebSocket: use a client for that.", status=426)
        await socket.prepare(request)
        connection = Connection(socket, request, self._desk)
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._forget(connection)
        return socket

    def admit(self, connection: Connection, session: Session) -> bool:
        """Count a socket that has greeted; tell whether the account may have that many."""
        mine = self._by_account.setdefault(session.account.id, set())
        if len(mine) >= self._limit:
            return False
        connection.session = session
        mine.add(connection)
        return True

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection.session is None:
            return
        mine = self._by_account.get(connection.session.account.id, set())
        mine.discard(connection)
        if not mine:
            self._by_account.pop(connection.session.account.id, None)

    # what ends or concerns sockets from outside

    def session_ended(self, account: Account, token_hash: str | None) -> None:
        """End the sockets of one session, or of all of an account's."""
        for connection in list(self._by_account.get(account.id, ())):
            session = connection.session
            if session is not None and token_hash in (None, session.token_hash):
                connection.end(Close.SIGNED_OUT, "the session is over")

    def settings_changed(self, account: Account, settings: dict[str, Any]) -> None:
        """Tell an account's sockets its new settings."""
        frame = protocol.event("settings", settings=settings)
        for connection in self._by_account.get(account.id, ()):
            connection.outlet.push(frame)

    def status_changed(self, status: NetworkStatus) -> None:
        """Tell everybody how a network is."""
        shape = shapes.status(status)
        frame = protocol.event("status", network=shape.network, health=shape.health, since=shape.since)
        for connection in self._open:
            if connection.session is not None:
                connection.outlet.push(frame)

    def room_changed(self, room: Room) -> None:
        """Tell everybody who is in a room how it is now, for them: who follows it, and who does not."""
        for connection in self._open:
            if connection.knows(room.id):
                connection.moved(room.id)

    async def close(self, _app: web.Application) -> None:
        """End every socket, because the server stops (a signal handler)."""
        self._feeds.close()
        await asyncio.gather(*(connection.close(Close.STOPPING, "the server stops") for connection in list(self._open)))
