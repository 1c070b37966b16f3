"""Writes deliveries to the homeserver: as the ghost of who said it, marked, and under a lasting transaction ID."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.model.deliveries import Outgoing, Sent, Wording
from bridge.model.errors import NotJoined, Rejected
from bridge.model.events import Removed
from bridge.model.ids import MATRIX, RIALTO
from bridge.networks.matrix.client import HomeserverClient
from bridge.networks.matrix.marker import Marker
from bridge.networks.matrix.naming import DEVICE, Naming

MSGTYPES = {"text": "m.text", "notice": "m.notice", "emote": "m.emote"}
FIND_PAGES = 100
MOST_BYTES = 60_000
"""An event may have 65,536 bytes, with what the homeserver adds (client-server API, "Size limits")."""
SHORT = 200


class _Own(msgspec.Struct):
    event_id: str
    sender: str = ""
    content: dict[str, Any] = {}


class Writer:
    """Turns `Outgoing` into sends and redactions (client-server API, `PUT …/send`, `PUT …/redact`)."""

    def __init__(self, client: HomeserverClient, naming: Naming, marker: Marker, web_url: str) -> None:
        self._client = client
        self._naming = naming
        self._marker = marker
        self._web_url = web_url.rstrip("/")

    async def deliver(self, out: Outgoing) -> Sent:
        """Send once; raise `Retry`, `AuthFailed`, `NotJoined` or `Rejected`."""
        if out.wording is None:
            return await self._redact(out)
        sender = self.sender(out)
        event_id = await self._client.send(
            out.link.chat,
            "m.room.message",
            self._marker.txn_id(out, sender),
            self.content(out, out.wording),
            user_id=sender,
            device_id=DEVICE,
            ts=out.at,
        )
        return Sent(event_id)

    def sender(self, out: Outgoing) -> str:
        """Return who speaks for the sender: the ghost, or the bot for guests and for what Rialto says itself."""
        if out.sender.guest or out.sender.home in (RIALTO, MATRIX):
            return self._naming.bot
        return self._naming.ghost(out.sender.person)

    def content(self, out: Outgoing, wording: Wording) -> dict[str, Any]:
        """Return the content of the m.room.message event (MSC2676 replacement where there is a target)."""
        body = _body(wording)
        if out.sender.guest:
            # The bot has rights that a guest has not: whom the words name, and the whole room, are not called.
            body["m.mentions"] = {}
        body["external_url"] = f"{self._web_url}/rooms/{out.key.room}#{out.key.seq}"
        if out.target is None:
            return body | self._marker.delivery(out)
        replacement = {
            **body,
            "body": f"* {wording.text}",
            "m.new_content": body,
            "m.relates_to": {"rel_type": "m.replace", "event_id": out.target},
        }
        if "formatted_body" in body:
            replacement["formatted_body"] = f"* {body['formatted_body']}"
        if len(msgspec.json.encode(replacement)) > MOST_BYTES:
            # The words are in it twice; what only clients read that know no edits can be short.
            replacement["body"] = f"* {wording.text[:SHORT]}…"
            for key in ("format", "formatted_body"):
                replacement.pop(key, None)
        return replacement | self._marker.delivery(out)

    async def _redact(self, out: Outgoing) -> Sent:
        """Take an event back: by the sender where that is allowed, else by the bot."""
        assert out.target is not None
        reason = out.content.reason if isinstance(out.content, Removed) else ""
        sender = self.sender(out)
        try:
            return await self._redact_as(sender, out, reason)
        except NotJoined:
            raise
        except Rejected as error:
            if error.status != 403 or sender == self._naming.bot:
                raise
        return await self._redact_as(self._naming.bot, out, reason)

    async def _redact_as(self, sender: str, out: Outgoing, reason: str) -> Sent:
        assert out.target is not None
        event_id = await self._client.redact(
            out.link.chat,
            out.target,
            self._marker.txn_id(out, sender),
            reason or None,
            user_id=sender,
            device_id=DEVICE,
            extra_content=self._marker.delivery(out),
        )
        return Sent(event_id)

    async def find(self, out: Outgoing) -> Sent | None:
        """Look for the delivery's mark in the chat's history; raise `Rejected` where that is longer than can be
        looked through."""
        token: str | None = None
        for _ in range(FIND_PAGES):
            page = await self._client.messages(out.link.chat, from_token=token, direction="b", limit=100)
            for raw in page.chunk:
                own = msgspec.json.decode(raw, type=_Own)
                if not self._naming.ours(own.sender):
                    continue
                if (marked := self._marker.read_delivery(own.content)) is not None and marked[0] == out.key:
                    return Sent(own.event_id)
            token = page.end
            if token is None:
                return None
        raise Rejected("it is not known whether it arrived: too much was said since", status=0, errcode="UNKNOWN")


def _body(wording: Wording) -> dict[str, Any]:
    body: dict[str, Any] = {"msgtype": MSGTYPES[wording.style], "body": wording.text}
    if wording.html:
        body |= {"format": "org.matrix.custom.html", "formatted_body": wording.html}
    return body
