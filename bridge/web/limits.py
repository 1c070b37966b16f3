"""How fast accounts and addresses may act: one token bucket each, and the refusal when it is empty."""

from __future__ import annotations

import math
from collections import OrderedDict

from bridge.core.pace import TokenBucket
from bridge.model.errors import Refused

KEPT = 10_000


class TooFast(Refused):
    """A limit was reached; `retry_after` is in whole seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__("too_fast", message, status=429, retry_after=retry_after)


class Limit:
    """One limit for many keys. The buckets of keys that were not seen for long are dropped: they are full."""

    def __init__(self, per_second: float, burst: float, message: str) -> None:
        self._per_second = per_second
        self._burst = max(1.0, burst)
        self._message = message
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def check(self, key: str) -> None:
        """Count one act of `key`; raise `TooFast` where that is one too many."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._per_second, self._burst)
            if len(self._buckets) > KEPT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        if not bucket.try_take():
            raise TooFast(self._message, max(1, math.ceil(1 / self._per_second)))
