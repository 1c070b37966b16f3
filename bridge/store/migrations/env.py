"""Alembic's entry: runs the migrations on the database that the configuration names."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, event

from bridge.store.tables import metadata


def run() -> None:
    """Run the migrations inside one transaction."""
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        # The driver commits before DDL by itself: an interrupted migration would leave half of it behind.
        event.listen(engine, "connect", lambda dbapi, _: setattr(dbapi, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
