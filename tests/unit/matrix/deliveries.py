"""Requests as a lane makes them, for tests of what becomes of them on the homeserver."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.model.deliveries import DeliveryKey, Outgoing, Wording
from bridge.model.events import Origin, Said
from bridge.model.ids import MATRIX, WEB, LinkId, PersonId, RoomId
from bridge.model.people import Member
from bridge.model.rooms import Link

ROOM, LINK = RoomId("r1"), LinkId("l1")
ANNA = Member(PersonId("p1"), WEB, "Anna", "Anna")
CHAT = Link(LINK, ROOM, MATRIX, "!chat:hs", "ready")


def outgoing(text: str = "hi", html: str = "", **changes: Any) -> Outgoing:
    """Anna's line, event 7 of the room; `changes` replace fields, those of the key as `seq`, `part` and so on."""
    key = DeliveryKey(LINK, ROOM, 7)
    for name in ("link", "room", "seq", "part"):
        if name in changes:
            key = msgspec.structs.replace(key, **{name: changes.pop(name)})
    made = Outgoing(
        key=key,
        link=CHAT,
        sender=ANNA,
        at=1_700_000_000_000,
        origin=Origin(WEB, ROOM, "x"),
        hops=1,
        version=0,
        content=Said(text),
        wording=Wording(text, html),
    )
    return msgspec.structs.replace(made, **changes)
