"""A Rialto in the test's process, beside a fake homeserver; pauses between tries are short."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.core import describer, lanes, seats
from bridge.core.pace import Backoff
from bridge.networks.matrix import catchup, inbox, network, portals
from tests.rigs.installation import Installation
from tests.rigs.matrix_side import MatrixSide


class ShortPauses(Backoff):
    """The same pauses, a hundred times shorter."""

    def next(self, after: float | None = None) -> float:
        """Return the pause in seconds."""
        return super().next(after) / 100


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests of failures not wait for people's patience."""
    for module in (describer, lanes, seats, catchup, inbox, portals):
        monkeypatch.setattr(module, "Backoff", ShortPauses)
    monkeypatch.setattr(network, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(network, "HEARTBEAT_DOWN_SECONDS", 0.05)


@pytest.fixture
async def side(short_pauses: None) -> AsyncIterator[MatrixSide]:
    """The homeserver."""
    async with MatrixSide() as made:
        yield made


@pytest.fixture
async def world(side: MatrixSide, tmp_path: Path) -> AsyncIterator[Installation]:
    """The bridge beside it."""
    async with Installation(tmp_path, side.make) as made:
        yield made
