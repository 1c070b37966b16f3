"""A database of its own for each test, open: a SQLite file, and a database of a PostgreSQL server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge.store.database import Database, open_database
from tests.rigs.database import kinds, new_url, using


@pytest.fixture(params=kinds())
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """`sqlite` or `postgresql`."""
    with using(request.param):
        yield request.param


@pytest.fixture
def url(kind: str, tmp_path: Path) -> str:
    """Where the database is."""
    return new_url(tmp_path)


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    """The open database."""
    opened = open_database(url)
    yield opened
    await opened.close()
