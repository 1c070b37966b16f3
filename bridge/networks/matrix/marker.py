"""Marks on what we write to the homeserver, so that it is known again when it comes back.

A mark can be copied by anyone who reads it: it is believed only with a MAC that covers what it says, and only
from a sender who is ours.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, TypeGuard

from bridge.model.deliveries import DeliveryKey, Outgoing
from bridge.model.ids import LinkId, RoomId

DELIVERY = "org.rialto.delivery"
PORTAL = "org.rialto.portal"
_FIELDS = ("link", "room", "seq", "part", "version", "origin", "hops")


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
        link, room, seq, part, version, origin, hops = (mark.get(name) for name in _FIELDS)
        if not (isinstance(link, str) and isinstance(room, str) and isinstance(origin, str)):
            return None
        if not (_whole(seq) and _whole(part) and _whole(version) and _whole(hops)):
            return None
        if not _is(mark.get("mac"), self._mac("delivery", link, room, seq, part, version, origin, hops)):
            return None
        return DeliveryKey(LinkId(link), RoomId(room), seq, part), version

    @staticmethod
    def hops(content: dict[str, Any]) -> int:
        """Return how often a message was relayed before, as its mark says: anyone's mark, for to lie upwards only
        gets one's own message dropped, and two bridges in a circle must end it."""
        mark = content.get(DELIVERY)
        hops = mark.get("hops") if isinstance(mark, dict) else None
        return hops if _whole(hops) else 0

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


def _whole(value: object) -> TypeGuard[int]:
    """Tell whether a value is a count that a database can hold (True and huge numbers are not)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31


def _is(given: object, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())
