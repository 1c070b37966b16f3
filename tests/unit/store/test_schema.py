"""The schema's life: what the migrations make is what the tables say, and a newer one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from bridge.model.errors import SchemaTooNew
from bridge.store import schema
from bridge.store.tables import metadata
from tests.rigs.database import new_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A SQLite file with the schema."""
    return new_database(tmp_path)


def test_the_migrations_make_the_tables(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
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
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_partial_indexes_are_there(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        made = {row.name: row.sql for row in connection.execute(text("SELECT name, sql FROM sqlite_master"))}
    engine.dispose()
    for name in ("ix_deliveries_outbox", "ix_deliveries_dead", "ix_events_targeted"):
        assert " WHERE " in made[name], name


def test_an_upgrade_can_be_repeated(path: Path) -> None:
    before = schema.revision(f"sqlite:///{path}")
    schema.upgrade(f"sqlite:///{path}")
    assert schema.revision(f"sqlite:///{path}") == before is not None


def test_an_empty_file_has_no_revision(tmp_path: Path) -> None:
    assert schema.revision(f"sqlite:///{tmp_path / 'new%20.db'}") is None


def test_a_path_with_a_percent_sign_is_no_obstacle(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a%b.db'}"
    schema.upgrade(url)
    engine = create_engine(url)
    assert "events" in inspect(engine).get_table_names()
    engine.dispose()


def test_a_database_of_a_newer_rialto_is_refused_and_not_touched(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_from_the_future'"))
    engine.dispose()
    with pytest.raises(SchemaTooNew, match="9999_from_the_future"):
        schema.upgrade(f"sqlite:///{path}")
    assert schema.revision(f"sqlite:///{path}") == "9999_from_the_future"
