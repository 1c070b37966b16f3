"""Marks on what we write to the homeserver, so that it is known again when it comes back.

A mark can be copied by anyone who reads it: it is believed only with a MAC that covers what it says, and only
from a sender who is ours.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from bridge.model.deliveries import DeliveryKey, Outgoing
from bridge.model.ids import LinkId, RoomId

DELIVERY = "org.rialto.delivery"
PORTAL = "org.rialto.portal"


class Marker:
    """Makes and checks marks with the installation's secret."""

    def __init__(self, installation: str, secret: str) -> None:
        self.installation = installation
        self._secret = secret.encode()

    def txn_id(self, out: Outgoing, sender: str) -> str:
        """Return the transaction ID of a send: the same for the same version of the same part by the same
        sender, and no other (the homeserver's key has no user in it)."""
        key = out.key
        text = "\n".join((self.installation, key.link, str(key.seq), str(key.part), sender, str(out.version)))
        return "rialto" + hashlib.sha256(text.encode()).hexdigest()[:40]

    def delivery(self, out: Outgoing) -> dict[str, Any]:
        """Return the content fields that mark a delivery."""
        key = out.key
        mark: dict[str, Any] = {
            "link": key.link,
            "room": key.room,
            "seq": key.seq,
            "part": key.part,
            "version": out.version,
            "origin": out.origin.network,
            "hops": out.hops,
        }
        mark["mac"] = self._mac("delivery", *mark.values())
        return {DELIVERY: mark}

    def read_delivery(self, content: dict[str, Any]) -> tuple[DeliveryKey, int] | None:
        """Return which delivery and version a content is, or None where the mark is missing or forged."""
        mark = content.get(DELIVERY)
        if not isinstance(mark, dict):
            return None
        values = [mark.get(name) for name in ("link", "room", "seq", "part", "version", "origin", "hops")]
        if not _is(mark.get("mac"), self._mac("delivery", *values)):
            return None
        link, room, seq, part, version = values[:5]
        if not (isinstance(link, str) and isinstance(room, str)):
            return None
        if not (isinstance(seq, int) and isinstance(part, int) and isinstance(version, int)):
            return None
        return DeliveryKey(LinkId(link), RoomId(room), seq, part), version

    def portal(self, room: RoomId) -> dict[str, Any]:
        """Return the creation content that marks a room as the portal of `room`."""
        return {PORTAL: {"room": room, "mac": self._mac("portal", room)}}

    def is_portal(self, content: dict[str, Any], room: RoomId) -> bool:
        """Tell whether a creation content is that of the portal of `room`, made by this installation."""
        mark = content.get(PORTAL)
        return isinstance(mark, dict) and mark.get("room") == room and _is(mark.get("mac"), self._mac("portal", room))

    def _mac(self, *values: object) -> str:
        text = "\n".join(str(value) for value in (self.installation, *values))
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:32]


def _is(given: object, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())
