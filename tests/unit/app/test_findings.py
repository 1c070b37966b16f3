"""What the doctor says of a PostgreSQL database, and of one that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.app.findings import Finding, examine_database
from bridge.store import schema
from tests.rigs.ports import free_port
from tests.rigs.postgresql import Cluster, require_postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server with the settings that it comes with: one that survives a power cut."""
    require_postgresql()
    made = Cluster()
    made.start()
    yield made
    made.remove()


def name(url: str) -> str:
    return url.rpartition("/")[2]


async def sick(url: str) -> Finding:
    found = await examine_database(url)
    assert not found.well, found
    return found


async def test_a_sound_database(server: Cluster) -> None:
    empty = await examine_database(server.empty())
    assert empty.well
    assert "the schema is made at the first start" in empty.detail
    found = await examine_database(server.new())
    assert found.well
    assert found.detail.endswith(f", schema {schema.newest()}")
    assert "127.0.0.1" in found.detail


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    found = await sick(f"postgresql://u:swordfish@127.0.0.1:{free_port()}/n")
    assert "it refuses connections" in found.detail
    assert "start PostgreSQL" in found.remedy
    assert "swordfish" not in found.detail + found.remedy


async def test_a_database_that_is_not_there(server: Cluster) -> None:
    found = await sick(server.url("nowhere"))
    assert 'database "nowhere" does not exist' in found.detail


async def test_another_encoding(server: Cluster) -> None:
    server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    found = await sick(server.url("latin"))
    assert "LATIN1" in found.detail
    assert "createdb --encoding=UTF8" in found.remedy


async def test_a_newer_schema(server: Cluster) -> None:
    url = server.new()
    server.execute("UPDATE alembic_version SET version_num = '9999'", database=name(url))
    found = await sick(url)
    assert "schema 9999" in found.detail
    assert "newer Rialto" in found.remedy


async def test_rights_that_are_missing(server: Cluster) -> None:
    url = server.new()
    server.execute("CREATE ROLE guest LOGIN", database=name(url))
    as_guest = url.replace("rialto@", "guest@")
    found = await sick(as_guest)
    assert "guest may make no tables" in found.detail
    grants = ("GRANT CREATE ON SCHEMA public TO guest", "GRANT SELECT ON alembic_version TO guest")
    server.execute(*grants, database=name(url))
    found = await sick(as_guest)
    assert "guest may not read and write" in found.detail
    assert "events" in found.detail


async def test_a_server_that_forgets(server: Cluster) -> None:
    url = server.new()
    server.execute("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    try:
        found = await _until_sick(url)
        assert "power cut" in found.detail
        assert "fsync = on" in found.remedy
    finally:
        server.execute("ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()")


async def _until_sick(url: str) -> Finding:
    """The server reads its settings when it comes to it."""
    while (found := await examine_database(url)).well:
        pass
    return found
