"""The Matrix network: puts together what speaks with the homeserver, and watches whether it is there."""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from bridge.core.keeping import kept
from bridge.core.pace import TokenBucket
from bridge.core.people import People
from bridge.core.ports import Health, Intake, NetworkStatus
from bridge.model.capabilities import Capabilities
from bridge.model.clock import now_ms
from bridge.model.crash import crash_point
from bridge.model.deliveries import Outgoing, Sent
from bridge.model.errors import AuthFailed, NetworkError, Refused, Rejected, Retry
from bridge.model.ids import MATRIX, NetworkId, PersonId
from bridge.model.people import Member
from bridge.model.rooms import Link, LinkState, Room
from bridge.networks.matrix.catchup import CatchUp
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.closing import Closing
from bridge.networks.matrix.ghosts import Ghosts
from bridge.networks.matrix.inbox import Inbox
from bridge.networks.matrix.marker import Marker
from bridge.networks.matrix.naming import DEVICE, Naming
from bridge.networks.matrix.portals import Portals
from bridge.networks.matrix.reader import Reader
from bridge.networks.matrix.registration import Registration
from bridge.networks.matrix.wire import Transaction
from bridge.networks.matrix.writer import Writer
from bridge.store import meta, people, rooms
from bridge.store.database import Database

logger = structlog.get_logger(__name__)

CAN = Capabilities(
    text_bytes=60_000, html=True, edits=True, removals=True, ids=True, idempotent=True, ghosts=True
)
AVATAR_BYTES = 1 << 20
_USER = re.compile(r"@[!-9;-~]+:[A-Za-z0-9.:\[\]-]+")
HEARTBEAT_SECONDS = 5.0
HEARTBEAT_DOWN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class MatrixOptions:
    """What the operator decides about the Matrix side."""

    homeserver_url: str
    server_name: str
    prefix: str
    web_url: str
    mirror_public: bool = True
    moderators: tuple[str, ...] = ()
    sends_per_second: float = 0


class MatrixNetwork:
    """Implements `ports.Network`, `CanFind`, `CanSeat`, `CanShowPeople`, `CanDescribe`, `CanHost`, `CanInvite`,
    `CanClose`, and the server's `Appservice`."""

    id: NetworkId = MATRIX

    def __init__(
        self,
        options: MatrixOptions,
        registration: Registration,
        db: Database,
        hub: Intake,
        known: People,
        marker: Marker,
        *,
        client: HomeserverClient | None = None,
    ) -> None:
        self._options = options
        self._registration = registration
        self._db = db
        self._hub = hub
        self._status = NetworkStatus(MATRIX, "starting", since=now_ms())
        self._last_ok = self._made_at = now_ms()
        self._caught_up: set[str] = set()
        self._links: dict[str, Link] = {}
        self._group: asyncio.TaskGroup | None = None
        self._rejected = 0
        self.naming = Naming(options.prefix, options.server_name)
        self.client = client or HomeserverClient(
            options.homeserver_url,
            registration.as_token,
            on_connection_lost=self._connection_lost,
            pace=TokenBucket(options.sends_per_second, max(1, options.sends_per_second)),
        )
        self._ghosts = Ghosts(self.client, self.naming, db)
        self._writer = Writer(self.client, self.naming, marker, options.web_url)
        self.portals = Portals(
            self.client,
            self.naming,
            marker,
            db,
            web_url=options.web_url,
            moderators=options.moderators,
            on_ready=self._portal_ready,
        )
        self._closing = Closing(self.client, self.naming, db, find=self.portals.resolve, on_gone=hub.change_link)
        reader = Reader(self.naming, marker, lambda user_id, name: known.at(MATRIX, user_id, name), known.bot)
        self.inbox = Inbox(
            db,
            hub,
            reader,
            find_link=self._link_of,
            ghost_moved=hub.seat_observed,
            on_gap=self._gap,
        )
        self.catchup = CatchUp(self.client, db, self.inbox, links=self._ready_links, on_closed=self._gap_closed)

    # ports.Network

    async def run(self) -> None:
        """Work until cancelled: first catch up, then watch over the homeserver."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                links = await self._ready_links()
                for link in links:
                    self.inbox.close_gate(link.chat)
                # Before any room is called unknown: one of these may be it, if a stop came between making and noting.
                for link in await self._links_in("creating"):
                    _ = self.portals.open(link)
                for link in await self._links_in("closed"):
                    self._closing.begin(link)
                await self.inbox.start()
                self.inbox.open_unlinked({link.chat for link in links})
                # From before the homeserver could reach us: what it has handed over since proves nothing of what
                # came before that.
                self.catchup.suspect(self._made_at)
                group.create_task(kept("catch-up", self.catchup.run))
                group.create_task(kept("heartbeat", self._watch))
                group.create_task(kept("greeting", self._greet))
        finally:
            self._group = None
            await self.portals.stop()
            await self._closing.stop()
            await self.inbox.stop()
            await self.client.close()

    def status(self) -> NetworkStatus:
        """Return how the homeserver is, from memory."""
        return self._status

    def capabilities(self, link: Link) -> Capabilities:
        """Return what can be done in a portal."""
        return CAN

    def ready(self, link: Link) -> bool:
        """Tell whether the link's portal exists and was caught up with since the start."""
        return link.open and link.chat in self._caught_up

    async def deliver(self, out: Outgoing) -> Sent:
        """Send once; raise `Retry`, `AuthFailed`, `NotJoined` or `Rejected`."""
        return await self._writer.deliver(out)

    # the optional ports

    async def find(self, out: Outgoing) -> Sent | None:
        """Look for a delivery in the portal's history."""
        return await self._writer.find(out)

    async def seat(self, link: Link, member: Member, *, renamed: bool) -> None:
        """Bring a ghost into a portal."""
        await self._ghosts.seat(link, member, renamed=renamed)

    async def unseat(self, link: Link, person: PersonId, reason: str) -> None:
        """Take a ghost out of a portal."""
        await self._ghosts.unseat(link, person, reason)

    async def invite(self, link: Link, remote_id: str) -> None:
        """Have the bot invite a Matrix user."""
        if not _USER.fullmatch(remote_id) or len(remote_id) > 255 or self.naming.ours(remote_id):
            raise Refused("bad_field", "Name a Matrix user, such as @ada:example.org.", field="user")
        place = await self.client.get_state_event(link.chat, "m.room.member", remote_id)
        if (place or {}).get("membership") not in ("join", "invite"):
            await self.client.invite(link.chat, remote_id)

    async def refresh(self, person: PersonId) -> None:
        """Bring a ghost's profile up to date, however long the homeserver is away."""
        while True:
            try:
                await self._ghosts.refresh(person)
                return
            except (Retry, AuthFailed):
                await asyncio.sleep(HEARTBEAT_SECONDS)

    async def describe(self, link: Link, room: Room) -> None:
        """Make a portal show its room's description."""
        await self.portals.describe(link, room, await self._ghosts.uploaded(room.avatar))

    def mirrors(self, room: Room, *, asked: bool = False) -> bool:
        """Tell whether a room gets a portal, where the operator wants any: public ones by default, others where their
        owner asks for it; the conversations of two people never."""
        return self._options.mirror_public and (room.public or (asked and room.access == "invite"))

    def address(self, room: Room) -> str:
        """Return the room's whole alias; it is valid at once, because a query for it makes the portal."""
        return self.naming.alias(room.slug)

    def open(self, link: Link) -> asyncio.Task[None] | None:
        """Begin to make a portal; before the network runs that is left to its start."""
        return self.portals.open(link) if self._group is not None else None

    def close(self, link: Link) -> None:
        """Begin to give a portal up. Before the network runs that is left to its start; one that is still being made
        is given up when it is made."""
        if self._group is not None and not self.portals.makes(link):
            self._closing.begin(link)

    # what the homeserver asks (server.Appservice)

    async def transaction(self, txn: Transaction) -> None:
        """Keep a transaction; return after the commit."""
        self._rejected += len(txn.rejected)
        await self.inbox.take(txn)
        self._heard()
        asyncio.get_running_loop().call_later(0.01, crash_point, "transaction_answered")

    async def user_exists(self, user_id: str) -> bool:
        """Tell, from the database, whether a ghost of this name can exist."""
        person = self.naming.person(user_id)
        if person is None:
            return user_id == self.naming.bot
        who = await self._db.read(lambda connection: people.get(connection, person))
        return who is not None and who.active and who.home != MATRIX

    async def alias_exists(self, alias: str) -> bool:
        """Tell whether an alias leads to a room of ours, once its portal is there."""
        slug = self.naming.slug(alias)
        if slug is None or self.portals.is_looked_up(alias):
            return False
        room = await self._db.read(lambda connection: rooms.by_slug(connection, slug))
        if room is None:
            return False
        links = await self._db.read(lambda connection: rooms.links_of(connection, room.id))
        link = next((link for link in links if link.network == MATRIX), None)
        if link is None or room.deleted:
            return False
        if link.state == "creating":
            await asyncio.shield(self.portals.open(link))
        return True

    async def pinged(self, transaction_id: str | None) -> None:
        """The homeserver can reach us."""
        self._heard()

    # what the page and operators ask

    async def fetch(self, reference: str) -> tuple[bytes, str]:
        """Return the bytes and media type of a small avatar; `reference` is `matrix:mxc://…`."""
        mxc = reference.removeprefix("matrix:")
        async with self.client.thumbnail(mxc, 96, 96, "crop") as thumbnail:
            chunks = bytearray()
            async for chunk in thumbnail.chunks:
                chunks += chunk
                if len(chunks) > AVATAR_BYTES:
                    raise Rejected("the avatar is too large", status=413)
            return bytes(chunks), thumbnail.content_type

    def figures(self) -> dict[str, float]:
        """Return what was counted since the start."""
        return {
            "transactions": self.inbox.transactions,
            "repeated_transactions": self.inbox.repeats,
            "caught_up_events": self.catchup.fetched,
            "connections": self.client.connections_made,
            "inbox_in_memory": self.inbox.depth,
            "rejected_events": self._rejected,
        }

    # links and gaps

    async def _link_of(self, chat: str) -> Link | None:
        """Return the link of a chat; while portals are being made, an unknown chat may become one."""
        link = self._links.get(chat)
        while link is None:
            # Seen before the look: a portal that is finished during the look is found by the next one.
            busy, ended = self.portals.busy, self.portals.ended
            link = await self._find_link(chat)
            if link is None and not busy:
                return None
            if link is None:
                await self.portals.progress(ended)
        return link

    async def _find_link(self, chat: str) -> Link | None:
        link = await self._db.read(lambda connection: rooms.by_chat(connection, MATRIX, chat))
        if link is not None:
            self._links[chat] = link
        return link

    async def _ready_links(self) -> list[Link]:
        links = await self._db.read(lambda connection: rooms.all_links(connection, MATRIX))
        return [link for link in links if link.chat and link.state not in ("closed", "gone")]

    async def _links_in(self, state: LinkState) -> list[Link]:
        links = await self._db.read(lambda connection: rooms.all_links(connection, MATRIX))
        return [link for link in links if link.state == state]

    async def _portal_ready(self, link: Link) -> None:
        self.inbox.close_gate(link.chat)
        await self._hub.change_link(link)
        self._links[link.chat] = link
        if self._group is not None:
            # Not awaited: what waits for the portal is not to wait for its history too.
            self._group.create_task(self.catchup.close(link, now_ms()))

    def _gap(self, horizon: int) -> None:
        """Something may be missing since `horizon`: hold every portal's events back at once."""
        for chat in list(self._caught_up):
            self.inbox.close_gate(chat)
        self.catchup.suspect(horizon)

    def _gap_closed(self, link: Link) -> None:
        self._caught_up.add(link.chat)
        self._hub.wake(link.id)

    # health

    def _connection_lost(self) -> None:
        # What came before the last good answer came over an unbroken connection.
        self._gap(self._last_ok)

    def _heard(self) -> None:
        self._last_ok = now_ms()

    async def _watch(self) -> None:
        """Ask the homeserver for a sign of life, and tell everyone when it goes and when it comes back."""
        while True:
            try:
                await self.client.whoami()
            except AuthFailed as error:
                self._set_status("paused", f"the homeserver does not know our token: {error}")
            except Retry as error:
                self._set_status("down", str(error))
            except NetworkError as error:
                self._set_status("paused", str(error))
            else:
                self._heard()
                if self._set_status("up", ""):
                    self._hub.retry_now(MATRIX)
            up = self._status.health == "up"
            await asyncio.sleep(HEARTBEAT_SECONDS if up else HEARTBEAT_DOWN_SECONDS)

    def _set_status(self, health: Health, detail: str) -> bool:
        if self._status.health == health and self._status.detail == detail:
            return False
        changed = self._status.health != health
        self._status = NetworkStatus(MATRIX, health, detail, since=now_ms())
        if changed:
            logger.info("the homeserver's health changed", health=health, detail=detail)
        self._hub.health_changed(self._status)
        return changed

    async def _greet(self) -> None:
        """Make the bot's device, have ourselves pinged, and release a queue that the homeserver holds back."""
        told = ""
        while True:
            try:
                await self.client.register(self.naming.bot[1:].split(":", 1)[0])
                await self.client.put_device(self.naming.bot, DEVICE, "Rialto")
                await self.client.ping(self._registration.id, secrets.token_hex(8))
                break
            except (Retry, AuthFailed) as error:
                if told != error.told:
                    told = error.told
                    logger.info("the homeserver cannot be greeted yet", reason=str(error))
                await asyncio.sleep(HEARTBEAT_SECONDS if isinstance(error, AuthFailed) else HEARTBEAT_DOWN_SECONDS)
        await self._release_queue()

    async def _release_queue(self) -> None:
        """After a restart of its own a homeserver that thinks us down sends nothing until something happens in
        a room that we see: so something happens."""
        links = await self._ready_links()
        if links:
            awake = {"at": now_ms()}
            try:
                await self.client.put_state(links[0].chat, "org.rialto.awake", "", awake)
            except NetworkError as error:
                logger.info("the homeserver's queue could not be released", reason=str(error))


async def make_marker(db: Database) -> Marker:
    """Return the installation's marker; its ID and secret are made at the first start."""

    def unit(connection: Connection) -> tuple[str, str]:
        return (
            meta.get_or_make(connection, "installation", lambda: secrets.token_hex(8)),
            meta.get_or_make(connection, "secret", lambda: secrets.token_hex(32)),
        )

    installation, secret = await db.write(unit)
    return Marker(installation, secret)
