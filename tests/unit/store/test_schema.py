"""The schema's life: what the migrations make is what the tables say, and a newer one is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from bridge.model.errors import SchemaTooNew
from bridge.store import schema
from bridge.store.tables import metadata
from tests.rigs.database import new_database
from tests.rigs.postgresql import cluster


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A SQLite file with the schema."""
    return new_database(tmp_path)


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": False,
            "render_as_batch": True,
            # The full-text index is no table that SQLAlchemy knows.
            "include_name": lambda name, kind, _: kind != "table" or not str(name).startswith("fulltext"),
        },
    )
    return list(compare_metadata(context, metadata))


def test_the_migrations_make_the_tables(url: str) -> None:
    assert schema.inside(url, _differences) == []


def test_two_that_upgrade_at_once_make_it_once(kind: str, tmp_path: Path) -> None:
    url = cluster().empty() if kind == "postgresql" else f"sqlite:///{tmp_path / 'new.db'}"
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(schema.upgrade, url) for _ in range(2)]:
            done.result(30)
    assert schema.revision(url) == schema.newest()


def test_an_upgrade_that_fails_leaves_nothing(kind: str, tmp_path: Path) -> None:
    url = cluster().empty() if kind == "postgresql" else f"sqlite:///{tmp_path / 'new.db'}"

    def failing(connection: Connection) -> None:
        schema._upgrade(connection)
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        schema.inside(url, failing, begin="BEGIN IMMEDIATE")
    assert schema.inside(url, lambda connection: inspect(connection).get_table_names()) == []
    schema.upgrade(url)
    assert schema.revision(url) == schema.newest()


def test_the_partial_indexes_are_there(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        made = {row.name: row.sql for row in connection.execute(text("SELECT name, sql FROM sqlite_master"))}
    engine.dispose()
    for name in ("ix_deliveries_outbox", "ix_deliveries_dead", "ix_events_targeted"):
        assert " WHERE " in made[name], name


def test_an_upgrade_can_be_repeated(url: str) -> None:
    before = schema.revision(url)
    schema.upgrade(url)
    assert schema.revision(url) == before is not None


def test_an_empty_file_has_no_revision(tmp_path: Path) -> None:
    assert schema.revision(f"sqlite:///{tmp_path / 'new%20.db'}") is None


def test_a_path_with_a_percent_sign_is_no_obstacle(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a%b.db'}"
    schema.upgrade(url)
    engine = create_engine(url)
    assert "events" in inspect(engine).get_table_names()
    engine.dispose()


def test_a_database_of_a_newer_rialto_is_refused_and_not_touched(url: str) -> None:
    newer = text("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    schema.inside(url, lambda connection: connection.execute(newer).rowcount)
    with pytest.raises(SchemaTooNew, match="9999_from_the_future"):
        schema.upgrade(url)
    assert schema.revision(url) == "9999_from_the_future"
