"""A database of its own for each test, open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.store.database import Database, open_database
from tests.rigs.database import new_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return new_database(tmp_path)


@pytest.fixture
async def db(path: Path) -> AsyncIterator[Database]:
    """The open database."""
    opened = open_database(f"sqlite:///{path}")
    yield opened
    await opened.close()
