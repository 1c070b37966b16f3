"""One request as a handler sees it: who asks, what for, with which body."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.homeserver.errors import MatrixError, bad_request, forbidden, not_found
from tests.fakes.homeserver.world import Appservice, Content, RequesterKey, Room, User, World


@dataclass(frozen=True, slots=True)
class Requester:
    """The user for whom a request is made; `appservice` when an application service makes it."""

    user_id: str
    device_id: str | None = None
    appservice: Appservice | None = None
    token: str = ""

    @property
    def key(self) -> RequesterKey:
        """What a transaction ID is remembered for: an application service has one key for all of its users."""
        if self.appservice is not None:
            return ("appservice", self.appservice.id)
        return ("user", self.user_id, self.device_id or self.token)


@dataclass(slots=True)
class Call:
    """One authenticated request; `path` holds the decoded parts of the address."""

    world: World
    request: web.Request
    raw: bytes
    maybe_requester: Requester | None
    path: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.path = self.request.match_info

    @property
    def requester(self) -> Requester:
        """The requester of a call that needs one."""
        assert self.maybe_requester is not None
        return self.maybe_requester

    @property
    def user_id(self) -> str:
        """The user that the request acts as."""
        return self.requester.user_id

    @property
    def ts(self) -> int | None:
        """The `?ts=` of application services; ignored for everybody else, as Synapse does."""
        given = self.request.query.get("ts")
        return int(given) if given is not None and self.requester.appservice is not None else None

    def body(self, *, may_be_empty: bool = True) -> Content:
        """The JSON object that was sent; 400 M_NOT_JSON or M_BAD_JSON for anything else."""
        if not self.raw and may_be_empty:
            return {}
        try:
            value = json.loads(self.raw)
        except (ValueError, RecursionError):
            raise bad_request("Content not JSON.", "M_NOT_JSON") from None
        if not isinstance(value, dict):
            raise bad_request("Content must be a JSON object.", "M_BAD_JSON")
        return value

    def wanted(self, key: str) -> Any:
        """A key that the body must have; 400 M_MISSING_PARAM."""
        body = self.body()
        if key not in body:
            raise bad_request(f"Missing key '{key}'", "M_MISSING_PARAM")
        return body[key]

    def wanted_query(self, name: str) -> str:
        """A part of the query that must be there; 400 M_MISSING_PARAM."""
        if name not in self.request.query:
            raise bad_request(f"Missing query parameter '{name}'", "M_MISSING_PARAM")
        return self.request.query[name]

    def number(self, name: str, default: int) -> int:
        """A whole number of the query; 400 M_INVALID_PARAM when it is none."""
        try:
            return int(self.request.query.get(name, default))
        except ValueError:
            raise bad_request(f"Query parameter {name} must be an integer", "M_INVALID_PARAM") from None

    def user(self) -> User:
        """The requester's account; made on the spot for a bot that never registered."""
        return self.world.users.setdefault(self.user_id, User(self.user_id, registered=False))

    def room_seen(self) -> Room:
        """The room of the address, if the requester is in it or was; 403 otherwise."""
        room = self.world.rooms.get(self.path["room"])
        if room is None or room.membership(self.user_id) not in ("join", "leave", "ban"):
            raise forbidden(f"User {self.user_id} not in room {self.path['room']}, and room previews are disabled")
        return room

    def room_known(self) -> Room:
        """The room of the address, for calls that check membership themselves."""
        room = self.world.rooms.get(self.path["room"])
        if room is None:
            raise not_found(f"Unknown room {self.path['room']}")
        return room


# An object is answered as 200; with another status as a pair; a Response goes out as it is.
Reply = Content | tuple[int, Content] | web.StreamResponse
Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """One address: below /_matrix/client/{r0,v3} when `path` does not begin with /_ and / otherwise as it stands."""

    method: str
    path: str
    handler: Handler
    auth: bool = True


def authenticate(world: World, request: web.Request) -> Requester:
    """Who asks, by token and masquerade; 401 and 403 as Synapse words them."""
    header = request.headers.get("Authorization")
    token = request.query.get("access_token")
    if header is not None:
        token = header.removeprefix("Bearer ") if header.startswith("Bearer ") else None
    if not token:
        raise MatrixError(401, "M_MISSING_TOKEN", "Missing access token")
    for service in world.appservices.values():
        if service.as_token == token:
            return _masquerade(world, service, request)
    if token not in world.tokens:
        raise MatrixError(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.", soft_logout=False)
    user_id, device_id = world.tokens[token]
    return Requester(user_id, device_id, token=token)


def _masquerade(world: World, service: Appservice, request: web.Request) -> Requester:
    user_id = request.query.get("user_id", service.bot)
    account = world.users.get(user_id)
    if user_id != service.bot:
        if not service.owns_user(user_id):
            raise forbidden(f"Application service cannot masquerade as this user ({user_id}).")
        if account is None or not account.registered:
            raise forbidden(f"Application service has not registered this user ({user_id})")
    device_id = request.query.get("device_id")
    if device_id is not None and (account is None or device_id not in account.devices):
        message = f"Application service trying to use a device that doesn't exist ('{device_id}' for {user_id})"
        raise bad_request(message, "M_UNKNOWN_DEVICE")
    return Requester(user_id, device_id, service)
