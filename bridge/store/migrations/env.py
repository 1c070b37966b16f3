"""Alembic's entry: runs the migrations on the connection, and in the transaction, that `schema` gives it."""

from __future__ import annotations

from alembic import context

from bridge.store.tables import metadata


def run() -> None:
    """Run the migrations; whoever began the transaction commits it."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


run()
