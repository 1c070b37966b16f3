"""What the operator chose for accounts: who may make one, how many, how long things last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

SignUpRule: TypeAlias = Literal["open", "invite", "closed"]
"""Who may make an account of their own: everybody, who has an invite, nobody."""

SECOND_MS = 1000
HOUR_MS = 3600 * SECOND_MS
DAY_MS = 24 * HOUR_MS
SESSION_DAYS = 60
"""A session that nobody used for so long is over, unless the operator chose otherwise."""


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """The operator's choices; a rate of 0 sets no limit."""

    signup: SignUpRule = "invite"
    guests: bool = True
    guest_days: int = 7
    session_days: int = SESSION_DAYS
    signups_per_hour: float = 60
    guests_per_hour: float = 600
    newcomer_hours: float = 24
