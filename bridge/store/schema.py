"""The schema's life: create it, bring it up to date, refuse one that is newer than this Rialto."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from bridge.model.errors import SchemaTooNew

_SCRIPTS = Path(__file__).parent / "migrations"


def config(url: str) -> Config:
    """Return Alembic's configuration for the database at `url`."""
    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    made.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return made


def upgrade(url: str) -> None:
    """Bring the schema at `url` to this version; raise `SchemaTooNew` where a newer Rialto wrote it."""
    known_or_raise(url)
    command.upgrade(config(url), "head")


def known_or_raise(url: str) -> None:
    """Raise `SchemaTooNew` unless this version knows the schema at `url`; an empty database is known."""
    present = revision(url)
    known = {script.revision for script in ScriptDirectory.from_config(config(url)).walk_revisions()}
    if present is not None and present not in known:
        raise SchemaTooNew(
            f"the database is at schema {present}, which this Rialto does not know: "
            "run the newer Rialto that wrote it, or restore a backup"
        )


def revision(url: str) -> str | None:
    """Return the schema's revision, or None for an empty database."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
