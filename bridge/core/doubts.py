"""Deliveries that may have arrived: what is known of them, and the very request that may have left."""

from __future__ import annotations

import msgspec

from bridge.core.lane_rows import LaneRow, outgoing
from bridge.core.plan import Send, as_line, plan
from bridge.core.ports import CanFind, Network
from bridge.model.clock import now_ms
from bridge.model.deliveries import Outgoing
from bridge.model.errors import AuthFailed, Rejected, Retry
from bridge.model.events import Edited, Removed
from bridge.model.people import Member
from bridge.model.rooms import Link
from bridge.store import log
from bridge.store.database import Database

SAFE_REPEAT_MS = 20 * 3600 * 1000
"""How long the same request may be sent again without a look at the other side's history."""
MOST_REPEATS = 3
"""How often a line is sent again to a network that cannot tell whether it has it: then it is a dead letter."""
REPEATED = "sent again after a broken connection: it may be there twice"


class Unknown(Rejected):
    """Nobody can tell whether it arrived, and it was repeated often enough."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"it is not known whether it arrived: {reason}", status=0, errcode="UNKNOWN")


def blind(network: Network, link: Link) -> bool:
    """Tell whether nothing shows there if a message arrived, so that a repeat may be a second one."""
    return not network.capabilities(link).idempotent and not isinstance(network, CanFind)


def had_no_effect(error: Retry | AuthFailed) -> bool:
    """Tell whether a request that failed so has surely changed nothing there."""
    return isinstance(error, AuthFailed) or error.certain or error.status == 429


def repeatable(row: LaneRow) -> bool:
    """Tell whether the request is young enough for the network to know it again."""
    return now_ms() - (row.delivery.first_try or 0) < SAFE_REPEAT_MS


async def as_first_sent(
    db: Database, network: Network, link: Link, row: LaneRow, sender: Member
) -> Outgoing | None:
    """Return the very request that may have left, or None when its words are erased or no longer wanted."""
    can = network.capabilities(link)
    if isinstance(row.entry.event.content, Edited | Removed):
        step = plan(row.delivery, row.entry, sender, can, row.about)
    else:
        version, key = row.delivery.version, row.delivery.key
        said = await db.read(lambda c: log.wording_at(c, key.room, key.seq, version))
        if said is None:
            return None
        if isinstance(said, Edited):
            said = as_line(said)
        as_it_was = msgspec.structs.replace(row.entry, present=said, version=version, removed_at=None)
        step = plan(row.delivery, as_it_was, sender, can, None)
    return outgoing(link, row, sender, step) if isinstance(step, Send) else None
