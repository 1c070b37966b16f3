"""PostgreSQL: one connection that writes in groups, a few that read, and what holds when the server goes away."""

from bridge.store.postgres.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
