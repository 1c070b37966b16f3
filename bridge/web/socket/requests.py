"""What each request of the socket does; the same acts as those of the HTTP API, through the same doors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.core.native import Native
from bridge.model.clock import now_ms
from bridge.model.errors import Refused
from bridge.model.ids import EventId, PersonId, RoomId
from bridge.store.database import Database
from bridge.web.accounts import Accounts, Session
from bridge.web.api import shapes
from bridge.web.door import Door, bearer, visit
from bridge.web.guard import ours
from bridge.web.lines import Lines
from bridge.web.parts import View, WebLimits
from bridge.web.patience import DATABASE_SECONDS, away, within
from bridge.web.places import Places
from bridge.web.socket import protocol
from bridge.web.socket.feed import Feeds
from bridge.web.socket.personal import Personal

if TYPE_CHECKING:
    from bridge.web.socket.connection import Connection
    from bridge.web.socket.sockets import Sockets

PING_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Desk:
    """What requests need; the same for all sockets."""

    db: Database
    view: View
    native: Native
    accounts: Accounts
    door: Door
    places: Places
    lines: Lines
    feeds: Feeds
    limits: WebLimits
    sockets: Sockets
    own: str
    page: str


class Requests:
    """Answers the requests of one connection; raises `Refused`."""

    def __init__(self, desk: Desk, connection: Connection) -> None:
        self._desk = desk
        self._connection = connection

    async def answer(self, asked: protocol.Ask) -> Any:
        """Do what is asked, and return the answer; a database that is away is not waited for without end."""
        db = self._desk.db
        if db.trouble and not await db.usable(DATABASE_SECONDS):
            raise away()
        return await within(db, DATABASE_SECONDS, self._answer(asked))

    async def _answer(self, asked: protocol.Ask) -> Any:
        if isinstance(asked, protocol.Hello):
            return await self._hello(asked)
        if self._connection.session is None:
            raise Refused("hello_first", "Greet first: send a frame with the op hello.", field="op")
        match asked:
            case protocol.Follow():
                room = RoomId(asked.room)
                await self._connection.follow(room, asked.after)
                return {"room": await self._desk.places.shape(room, self._person)}
            case protocol.Unfollow():
                self._connection.unfollow(RoomId(asked.room))
                return {}
            case protocol.Say() | protocol.Edit() | protocol.Remove():
                return await self._write(asked)
            case protocol.Mark():
                await self._desk.places.visible(RoomId(asked.room), self._person)
                badge = await self._desk.view.badges.mark(
                    self._person, RoomId(asked.room), asked.seq, unread=asked.unread
                )
                return {"marker": badge.marker, "unread": badge.unread, "mentions": badge.mentions}
            case protocol.Typing():
                await self._desk.feeds.type(RoomId(asked.room), self._person, typing=asked.typing)
                return {}
            case protocol.Page():
                return await self._page(asked)
            case _:
                return await self._ping()

    @property
    def _person(self) -> PersonId:
        return self._connection.signed_in.account.person

    async def _hello(self, asked: protocol.Hello) -> Any:
        connection, desk = self._connection, self._desk
        if connection.session is not None:
            raise Refused("greeted", "One greeting is enough.", field="op")
        session = await self._session(asked)
        if not desk.sockets.admit(connection, session):
            raise Refused("too_many_sockets", "Too many pages are open: close some.", status=429)
        person = await desk.view.person(session.account.person)
        assert person is not None
        personal = Personal(person.id, connection.outlet, desk.view, desk.places, connection.slow)
        connection.welcome(personal)
        rooms = await personal.begin()
        for room, after in asked.follow.items():
            try:
                await connection.follow(RoomId(room), after)
            except Refused:
                # It is gone, or not for them any more: that is told like any room that one leaves.
                connection.outlet.push(protocol.event("rooms", left=room))
        return {
            "session": session.id,
            "account": shapes.account(session.account, person),
            "rooms": rooms,
            "statuses": [shapes.status(status) for status in desk.view.statuses()],
            "settings": await desk.accounts.preferences.get(session.account),
            "page": desk.page,
            "ping_seconds": PING_SECONDS,
            "limits": {"frame_bytes": protocol.FRAME_BYTES},
        }

    async def _session(self, asked: protocol.Hello) -> Session:
        request = self._connection.http
        session = None
        if asked.token:
            session = await self._desk.accounts.session(asked.token, visit(request))
        elif bearer(request) or ours(request, self._desk.own):
            # A page of another site may open sockets too, and the cookie comes along: only ours is believed.
            session = await self._desk.door.visitor(request)
        if session is None:
            raise Refused("signed_out", "Sign in first.", status=401)
        return session

    async def _write(self, asked: protocol.Say | protocol.Edit | protocol.Remove) -> Any:
        desk, room, person = self._desk, RoomId(asked.room), self._person
        await desk.places.visible(room, person)
        desk.door.count_message(self._connection.signed_in)
        match asked:
            case protocol.Say():
                placed = await desk.native.say(room, person, asked.text, style=asked.style, client_id=asked.client_id)
            case protocol.Edit():
                placed = await desk.native.edit(
                    room, person, EventId(asked.target), asked.text, asked.client_id, style=asked.style
                )
            case _:
                placed = await desk.native.remove(room, person, EventId(asked.target), asked.reason, asked.client_id)
        return {"seq": placed.seq, "id": placed.id}

    async def _page(self, asked: protocol.Page) -> Any:
        room = RoomId(asked.room)
        first = await self._desk.view.reads_from(room, self._person)
        events = await self._desk.lines.page(
            room, before=asked.before, after=asked.after, limit=asked.limit, first=first
        )
        return {"events": events}

    async def _ping(self) -> Any:
        """Look whether the session still stands; `last` lets the client see that it missed nothing."""
        session = self._connection.signed_in
        if await self._desk.accounts.session_by_hash(session.token_hash) is None:
            raise Refused("signed_out", "Sign in first.", status=401)
        return {"at": now_ms(), "last": self._connection.places}
