"""What a network can do, as plain values; the core degrades the rest before the adapter is called."""

from __future__ import annotations

import msgspec


class Capabilities(msgspec.Struct, frozen=True):
    """`text_bytes` is the most UTF-8 bytes of one message; `ids` tells whether sends return a lasting ID,
    `idempotent` whether the same delivery may be sent again without harm."""

    text_bytes: int
    html: bool
    edits: bool
    removals: bool
    ids: bool
    idempotent: bool
    ghosts: bool
