"""What the tests of the core share: no pauses between tries, and a folder with an installation in it."""

from __future__ import annotations

import pytest

from bridge.core import describer, lanes, seats


class NoPause:
    """Stands in for `pace.Backoff`, which has tests of its own."""

    def __init__(self, first: float = 0, factor: float = 1, cap: float = 0) -> None:
        self.asked: list[float | None] = []

    def next(self, after: float | None = None) -> float:
        """Do not wait, whatever the other side asked for."""
        return 0

    def reset(self) -> None:
        """Nothing to begin anew."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every next try come at once."""
    for module in (describer, lanes, seats):
        monkeypatch.setattr(module, "Backoff", NoPause)
