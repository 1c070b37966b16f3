"""A plain HTTP caller of the client-server API: shows statuses and bodies as they are."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

_ids = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the HTTP status and the decoded JSON object (`{}` when the body is no JSON object)."""

    status: int
    body: dict[str, Any]
    raw: bytes
    headers: Mapping[str, str]

    @property
    def errcode(self) -> str | None:
        """The Matrix error code, if the body has one."""
        return self.body.get("errcode")

    def ok(self) -> dict[str, Any]:
        """The body of a 200; AssertionError with the whole answer otherwise."""
        assert self.status == 200, f"{self.status} {self.body or self.raw!r}"
        return self.body

    def refused(self, status: int, errcode: str) -> None:
        """AssertionError unless the answer is this refusal, with words to it."""
        assert (self.status, self.errcode) == (status, errcode), f"{self.status} {self.body or self.raw!r}"
        assert self.body["error"]


class Caller:
    """Someone who calls a homeserver with one token; `as_user` and `device` turn it into a masquerade."""

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        session: aiohttp.ClientSession | None = None,
        user_id: str | None = None,
        device_id: str | None = None,
    ) -> None:
        self.url = url
        self.token = token
        self.user_id = user_id
        self.device_id = device_id
        self._own = session is None
        self._session = session or aiohttp.ClientSession()

    def acting_as(self, user_id: str | None, device_id: str | None = None) -> Caller:
        """The same token and connections, acting as one of the application service's users."""
        return Caller(self.url, self.token, session=self._session, user_id=user_id, device_id=device_id)

    def with_token(self, token: str | None) -> Caller:
        """The same connections with another access token."""
        return Caller(self.url, token, session=self._session)

    async def __aenter__(self) -> Caller:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, if this caller opened them."""
        if self._own:
            await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        data: bytes | None = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; a path without a leading slash stands below /_matrix/client/v3/ and is taken as quoted."""
        where = path if path.startswith("/") else f"/_matrix/client/v3/{path}"
        parameters = {key: str(value) for key, value in (query or {}).items()}
        if self.user_id is not None:
            parameters["user_id"] = self.user_id
        if self.device_id is not None:
            parameters["device_id"] = self.device_id
        head = dict(headers or {})
        if self.token is not None:
            head["Authorization"] = f"Bearer {self.token}"
        url = URL(self.url + where, encoded=True)
        url = url.update_query(parameters) if parameters else url
        async with self._session.request(method, url, json=body, data=data, headers=head) as answer:
            raw = await answer.read()
            decoded = await answer.json() if answer.content_type == "application/json" and raw else {}
            return Answer(answer.status, decoded if isinstance(decoded, dict) else {"": decoded}, raw, answer.headers)

    async def create_room(self, **body: Any) -> str:
        """Make a room: its ID."""
        room_id: str = (await self.call("POST", "createRoom", body)).ok()["room_id"]
        return room_id

    async def join(self, room: str) -> Answer:
        """Join by room ID or alias."""
        return await self.call("POST", f"join/{quote(room, safe='')}", {})

    async def send(
        self,
        room_id: str,
        content: Mapping[str, Any] | str,
        *,
        txn_id: str | None = None,
        type: str = "m.room.message",
        query: Mapping[str, str | int] | None = None,
    ) -> Answer:
        """Send an event (a string is a text message) under a fresh transaction ID unless one is given."""
        if isinstance(content, str):
            content = {"msgtype": "m.text", "body": content}
        txn = txn_id or f"t{next(_ids)}"
        return await self.call("PUT", f"{room(room_id)}/send/{type}/{quote(txn, safe='')}", content, query=query)

    async def redact(
        self, room_id: str, event_id: str, *, txn_id: str | None = None, reason: str | None = None
    ) -> Answer:
        """Redact an event under a fresh transaction ID unless one is given."""
        txn = txn_id or f"t{next(_ids)}"
        path = f"{room(room_id)}/redact/{quote(event_id, safe='')}/{quote(txn, safe='')}"
        return await self.call("PUT", path, {"reason": reason} if reason else {})

    async def put_state(
        self,
        room_id: str,
        type: str,
        content: Mapping[str, Any],
        state_key: str = "",
        *,
        query: Mapping[str, str | int] | None = None,
    ) -> Answer:
        """Set one piece of state."""
        return await self.call("PUT", f"{room(room_id)}/state/{type}/{quote(state_key, safe='')}", content, query=query)

    async def member(self, room_id: str, action: str, **body: Any) -> Answer:
        """invite, kick, ban, unban, leave or join in one room."""
        return await self.call("POST", f"{room(room_id)}/{action}", body)

    async def state(self, room_id: str) -> dict[tuple[str, str], dict[str, Any]]:
        """The room's present state: whole events by (type, state key)."""
        answer = await self.call("GET", f"{room(room_id)}/state")
        assert answer.status == 200, answer
        return {(event["type"], event["state_key"]): event for event in answer.body[""]}

    async def messages(
        self, room_id: str, *, backwards: bool = True, limit: int = 100, start: str | None = None
    ) -> Answer:
        """One page of history."""
        query: dict[str, str | int] = {"dir": "b" if backwards else "f", "limit": limit}
        if start is not None:
            query["from"] = start
        return await self.call("GET", f"{room(room_id)}/messages", query=query)


def room(room_id: str) -> str:
    """The path of a room below the API's root."""
    return f"rooms/{quote(room_id, safe='')}"
