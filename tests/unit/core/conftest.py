"""What the tests of the core share: no pauses between tries, and a folder with an installation in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.core import describer, lanes, seats
from tests.rigs.database import kinds, using


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs an installation on both databases; the pure rules have none."""
    if {"tmp_path", "database"} & set(metafunc.fixturenames):
        metafunc.fixturenames.append("database")
        metafunc.parametrize("database", kinds(), indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which database installations get."""
    with using(request.param):
        yield request.param


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
