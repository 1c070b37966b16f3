"""The homeserver as Rialto calls it: one typed method for each call of the client-server API that we make.

This file is long because it is a list: each method is a builder of `nio_edge`, one try or a few of `connection`, and
the shape of the answer. Where a method takes `user_id` it acts as that ghost, else as the bridge's own bot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Literal, TypeVar

import aiohttp
import msgspec

from bridge.core.pace import Backoff, TokenBucket
from bridge.model.errors import NetworkError, Rejected, Retry
from bridge.networks.matrix import nio_edge as build
from bridge.networks.matrix.answers import (
    ContentUri,
    EventId,
    Joined,
    JoinedRooms,
    Json,
    Limits,
    Members,
    Page,
    Ping,
    RoomId,
    WhoAmI,
)
from bridge.networks.matrix.connection import Body, Connection, Download
from bridge.networks.matrix.nio_edge import Request

T = TypeVar("T")

READ_TRIES = 3
"""How often a call that only asks is tried: a page or a query waits for it, and has an end."""
SLOW_SECONDS = 90.0
"""The bound of a try that makes the homeserver work: a new room, a join, the state of a large room."""
MEDIA_SECONDS = 600.0
"""The bound of a try that sends a file."""


class HomeserverClient:
    """Calls the homeserver with the application service's token, as the bot or as a ghost.

    Every method is one bounded try and raises the errors of `bridge.model.errors` (AuthFailed, NotJoined, Rejected,
    Retry, Unreachable); the reading ones try up to READ_TRIES times. `on_connection_lost` is called, and must not
    raise, whenever the homeserver may have restarted: refused, reset, timed out, or found gone after an idle time.
    """

    def __init__(
        self,
        url: str,
        as_token: str,
        *,
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30,
        on_connection_lost: Callable[[], None] | None = None,
        pace: TokenBucket | None = None,
        limit: int = 64,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        """`timeout` bounds one try in seconds, `limit` the calls in flight, `pace` the calls in a time.

        ValueError for an address that is not http(s). Without `session` one is made at the first call and closed by
        `close()`; a `session` from elsewhere stays its owner's, and what it loses between calls is not seen.
        """
        self._timeout = timeout
        self._backoff = backoff
        self._connection = Connection(
            url, as_token, session=session, limit=limit, on_lost=on_connection_lost, pace=pace
        )

    @property
    def connections_made(self) -> int:
        """How many connections were opened so far."""
        return self._connection.watch.made

    async def close(self) -> None:
        """Close our own session; calls in flight and later ones are Unreachable."""
        await self._connection.close()

    async def keep_watch(self, every: float = 20) -> None:
        """Ask for the versions every so many seconds, for ever: an idle bridge notices a restart only so."""
        while True:
            # What was lost was told to `on_connection_lost`; any other answer proves that somebody is there.
            with suppress(NetworkError):
                await self.versions()
            await asyncio.sleep(every)

    async def request(
        self,
        req: Request,
        *,
        user_id: str | None = None,
        device_id: str | None = None,
        ts: int | None = None,
        tries: int = 1,
        timeout: float | None = None,
    ) -> Json:
        """Make any call and return its JSON object.

        `ts` is UTC milliseconds. `tries` above 1 repeats what may succeed later, with growing pauses; a pause longer
        than one try's time is not waited for: the caller gets the Retry that asks for it.
        """
        extra = _extra(user_id, device_id, ts)
        return await self._ask(req, Json, extra=extra, tries=tries, timeout=timeout)

    async def _ask(
        self,
        req: Request,
        shape: type[T],
        *,
        extra: Sequence[tuple[str, str]] = (),
        tries: int = 1,
        timeout: float | None = None,
    ) -> T:
        bound = timeout or self._timeout
        backoff = self._backoff()
        for _ in range(tries - 1):
            try:
                return self._read(req, shape, await self._connection.fetch(req, extra, timeout=bound))
            except Retry as error:
                if error.after is not None and error.after > bound:
                    raise
                await asyncio.sleep(backoff.next(error.after))
        return self._read(req, shape, await self._connection.fetch(req, extra, timeout=bound))

    @staticmethod
    def _read(req: Request, shape: type[T], body: bytes) -> T:
        try:
            return msgspec.json.decode(body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # Said to be a success, but nobody knows of what: a proxy's page, an answer cut short.
            raise Retry(f"{req.method} {req.path}: the answer is not as specified: {error}") from error

    # --- the server and who we are on it

    async def versions(self) -> Json:
        """What the server speaks: `versions`, `unstable_features`. One try."""
        return await self.request(build.versions())

    async def capabilities(self) -> Json:
        """What accounts may do here, without the wrapping: `m.room_versions`, `m.set_displayname`, … One try."""
        answer = await self._ask(build.capabilities(), dict[str, Json])
        return answer.get("capabilities", {})

    async def whoami(self, user_id: str | None = None) -> WhoAmI:
        """Whom our token (acting as `user_id`) stands for. One try."""
        return await self._ask(build.whoami(), WhoAmI, extra=_extra(user_id))

    async def ping(self, appservice_id: str, transaction_id: str) -> int:
        """Have the homeserver call us: the milliseconds that it took. Retry names the errcode where it could not."""
        return (await self._ask(build.ping(appservice_id, transaction_id), Ping, timeout=SLOW_SECONDS)).duration_ms

    # --- ghosts

    async def register(self, localpart: str) -> None:
        """Make the ghost; one that is there already is success."""
        try:
            await self.request(build.register(localpart))
        except Rejected as error:
            if error.errcode != "M_USER_IN_USE":
                raise

    async def put_device(self, user_id: str, device_id: str, display_name: str) -> None:
        """Make or rename a ghost's device (MSC4190); needed for txnIds that outlive a restart of the homeserver."""
        await self.request(build.put_device(device_id, display_name), user_id=user_id)

    async def set_displayname(self, user_id: str, name: str) -> None:
        """Give a ghost its name."""
        await self.request(build.set_displayname(user_id, name), user_id=user_id)

    async def set_avatar_url(self, user_id: str, mxc: str) -> None:
        """Give a ghost its picture; the empty string takes it away."""
        await self.request(build.set_avatar_url(user_id, mxc), user_id=user_id)

    async def get_profile(self, user_id: str) -> Json | None:
        """A user's profile, None where the homeserver knows none (404; Synapse says M_UNKNOWN there)."""
        return await self._unless_missing(build.get_profile(user_id), Json, missing=("M_NOT_FOUND", "M_UNKNOWN"))

    # --- rooms and members

    async def create_room(self, body: Mapping[str, Any], *, user_id: str | None = None) -> str:
        """Make a room with a createRoom body of the specification: its room ID."""
        answer = await self._ask(build.create_room(body), RoomId, extra=_extra(user_id), timeout=SLOW_SECONDS)
        return answer.room_id

    async def join(self, room_id_or_alias: str, user_id: str | None = None, *, via: Sequence[str] = ()) -> str:
        """Join (or accept an invitation): the room ID."""
        answer = await self._ask(build.join(room_id_or_alias, via), RoomId, extra=_extra(user_id), timeout=SLOW_SECONDS)
        return answer.room_id

    async def leave(self, room_id: str, user_id: str | None = None, reason: str | None = None) -> None:
        """Leave, or decline an invitation."""
        await self.request(build.leave(room_id, reason), user_id=user_id)

    async def invite(self, room_id: str, target: str, *, user_id: str | None = None, reason: str | None = None) -> None:
        """Invite `target`."""
        await self.request(build.invite(room_id, target, reason), user_id=user_id)

    async def kick(self, room_id: str, target: str, *, user_id: str | None = None, reason: str | None = None) -> None:
        """Remove `target`, who may come back."""
        await self.request(build.kick(room_id, target, reason), user_id=user_id)

    async def ban(self, room_id: str, target: str, *, user_id: str | None = None, reason: str | None = None) -> None:
        """Remove `target` and keep them out."""
        await self.request(build.ban(room_id, target, reason), user_id=user_id)

    async def unban(self, room_id: str, target: str, *, user_id: str | None = None, reason: str | None = None) -> None:
        """Lift the ban of `target`."""
        await self.request(build.unban(room_id, target, reason), user_id=user_id)

    async def joined_members(self, room_id: str, *, user_id: str | None = None) -> dict[str, Json]:
        """Who is in the room: user ID → `{display_name, avatar_url}`."""
        return (await self._look(build.joined_members(room_id), Joined, user_id)).joined

    async def members(self, room_id: str, *, user_id: str | None = None) -> list[Json]:
        """The room's member events, of every membership."""
        return (await self._look(build.members(room_id), Members, user_id)).chunk

    async def joined_rooms(self, user_id: str | None = None) -> list[str]:
        """The IDs of the rooms that a ghost (or the bot) is in."""
        return (await self._look(build.joined_rooms(), JoinedRooms, user_id)).joined_rooms

    # --- events and state

    async def send(
        self,
        room_id: str,
        event_type: str,
        txn_id: str,
        content: Any,
        *,
        user_id: str | None = None,
        device_id: str | None = None,
        ts: int | None = None,
    ) -> str:
        """Send an event: its ID. Safe to repeat with the same `txn_id` and device (for 24 hours on Synapse)."""
        extra = _extra(user_id, device_id, ts)
        return (await self._ask(build.send(room_id, event_type, txn_id, content), EventId, extra=extra)).event_id

    async def redact(
        self,
        room_id: str,
        event_id: str,
        txn_id: str,
        reason: str | None = None,
        *,
        user_id: str | None = None,
        device_id: str | None = None,
        ts: int | None = None,
        extra_content: Mapping[str, Any] | None = None,
    ) -> str:
        """Redact an event: the redaction's ID. `extra_content` goes into the redaction beside the reason."""
        content = {**(extra_content or {}), **({"reason": reason} if reason else {})}
        extra = _extra(user_id, device_id, ts)
        return (await self._ask(build.redact(room_id, event_id, txn_id, content), EventId, extra=extra)).event_id

    async def put_state(
        self,
        room_id: str,
        event_type: str,
        state_key: str,
        content: Any,
        *,
        user_id: str | None = None,
        ts: int | None = None,
    ) -> str:
        """Set state: the event's ID. The same content again makes no new event."""
        req = build.put_state(room_id, event_type, state_key, content)
        return (await self._ask(req, EventId, extra=_extra(user_id, None, ts))).event_id

    async def get_state(self, room_id: str, *, user_id: str | None = None) -> list[Json]:
        """All present state events of the room."""
        return await self._look(build.get_state(room_id), list[Json], user_id)

    async def get_state_event(
        self, room_id: str, event_type: str, state_key: str = "", *, user_id: str | None = None
    ) -> Json | None:
        """The content of one state event, None where there is none."""
        return await self._unless_missing(build.get_state_event(room_id, event_type, state_key), Json, user_id)

    async def get_event(self, room_id: str, event_id: str, *, user_id: str | None = None) -> Json | None:
        """One event as a client sees it, None where we cannot see such an event."""
        return await self._unless_missing(build.get_event(room_id, event_id), Json, user_id)

    async def messages(
        self,
        room_id: str,
        *,
        from_token: str | None = None,
        direction: Literal["b", "f"] = "b",
        limit: int = 100,
        user_id: str | None = None,
    ) -> Page:
        """A page of history, newest first with "b"; go on from the page's `end`. Events come undecoded."""
        return await self._look(build.messages(room_id, from_token, direction, limit), Page, user_id)

    # --- aliases and the directory

    async def resolve_alias(self, alias: str) -> str | None:
        """The room that an alias points to, None where there is no such alias."""
        answer = await self._unless_missing(build.resolve_alias(alias), RoomId)
        return None if answer is None else answer.room_id

    async def put_alias(self, alias: str, room_id: str) -> None:
        """Point a new alias to a room; Rejected 409 where the alias is taken, also by this very room."""
        await self.request(build.put_alias(alias, room_id))

    async def delete_alias(self, alias: str) -> None:
        """Take an alias away; one that is gone already is success."""
        try:
            await self.request(build.delete_alias(alias))
        except Rejected as error:
            if (error.status, error.errcode) != (404, "M_NOT_FOUND"):
                raise

    async def set_directory_visibility(self, room_id: str, visibility: Literal["public", "private"]) -> None:
        """List the room in the server's directory, or take it out."""
        await self.request(build.set_directory_visibility(room_id, visibility))

    # --- media

    async def media_config(self) -> int | None:
        """The largest upload in bytes, None where the homeserver states no limit."""
        return (await self._look(build.media_config(), Limits)).size

    async def upload(
        self, data: Body, content_type: str, filename: str | None = None, *, size: int | None = None
    ) -> str:
        """Upload bytes, or a stream of `size` bytes (Synapse wants to know it): the mxc address."""
        req = build.upload(content_type, filename)
        body = await self._connection.fetch(req, timeout=MEDIA_SECONDS, data=data, size=size)
        return self._read(req, ContentUri, body).content_uri

    async def create_media(self) -> str:
        """Reserve an mxc address whose bytes come later, with `upload_to`."""
        return (await self._ask(build.create_media(), ContentUri)).content_uri

    async def upload_to(
        self, mxc: str, data: Body, content_type: str, filename: str | None = None, *, size: int | None = None
    ) -> None:
        """Give a reserved address its bytes; bytes that are there already are success."""
        req = build.upload_to(mxc, content_type, filename)
        try:
            await self._connection.fetch(req, timeout=MEDIA_SECONDS, data=data, size=size)
        except Rejected as error:
            if error.errcode != "M_CANNOT_OVERWRITE_MEDIA":
                raise

    def download_media(self, mxc: str, timeout: float = 30) -> AbstractAsyncContextManager[Download]:
        """Open a file: `async with client.download_media(mxc) as file`, then `async for chunk in file.chunks`.

        `timeout` bounds each wait for bytes, in seconds; what is not uploaded yet is waited for inside it, then Retry.
        """
        return self._connection.stream(build.download_media(mxc, _wait_ms(timeout)), timeout=timeout)

    def thumbnail(
        self, mxc: str, width: int, height: int, method: Literal["crop", "scale"] = "scale", timeout: float = 30
    ) -> AbstractAsyncContextManager[Download]:
        """Open a smaller picture of at least about this size in pixels, as `download_media` does."""
        req = build.thumbnail(mxc, width, height, method, _wait_ms(timeout))
        return self._connection.stream(req, timeout=timeout)

    # --- what several of the above do

    async def _look(self, req: Request, shape: type[T], user_id: str | None = None) -> T:
        return await self._ask(req, shape, extra=_extra(user_id), tries=READ_TRIES, timeout=max(self._timeout, 60))

    async def _unless_missing(
        self, req: Request, shape: type[T], user_id: str | None = None, missing: Sequence[str] = ("M_NOT_FOUND",)
    ) -> T | None:
        try:
            return await self._look(req, shape, user_id)
        except Rejected as error:
            # A proxy's 404 page says nothing about our room: the homeserver's own word counts.
            if error.status == 404 and error.errcode in missing:
                return None
            raise


def _extra(user_id: str | None = None, device_id: str | None = None, ts: int | None = None) -> list[tuple[str, str]]:
    """The query of the application service API: whom to act as, with which device, at what time."""
    pairs = (("user_id", user_id), ("device_id", device_id), ("ts", None if ts is None else str(ts)))
    return [(key, value) for key, value in pairs if value is not None]


def _wait_ms(timeout: float) -> int:
    """How long the server may wait for bytes: two thirds of our own patience, so that its answer arrives in time."""
    return int(timeout * 2000 / 3)
