"""Every table of Rialto; times are UTC milliseconds, IDs are text, JSON is text that msgspec wrote."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Big = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("home", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("avatar", Text, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False),
    Column("created_at", Big, nullable=False),
)

faces = Table(
    "faces",
    metadata,
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("network", String(32), primary_key=True),
    Column("remote_id", Text, nullable=False),
    Column("ghost", Boolean, nullable=False),
    Column("registered", Boolean, nullable=False),
    Column("device", Boolean, nullable=False),
    Column("name_set", Text),
    Column("avatar_set", Text),
    UniqueConstraint("network", "remote_id"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("person", ForeignKey("people.id"), nullable=False, unique=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("skeleton", String(128), nullable=False, index=True),
    Column("password", Text, nullable=False),
    Column("kind", String(16), nullable=False, server_default="full"),
    Column("admin", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("settings", Text, nullable=False, server_default="{}"),
    Column("newcomer_until", Big, nullable=False, server_default="0"),
    Column("created_at", Big, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("account", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created_at", Big, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("account", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("agent", Text, nullable=False, server_default=""),
    Column("address", String(64), nullable=False, server_default=""),
    Column("created_at", Big, nullable=False),
    Column("used_at", Big, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("account", ForeignKey("accounts.id"), index=True),
    Column("created_at", Big, nullable=False),
    Column("expires_at", Big, nullable=False),
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("slug", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("avatar", Text, nullable=False),
    Column("access", String(16), nullable=False),
    Column("history", String(16), nullable=False, server_default="all"),
    Column("slow_seconds", Integer, nullable=False, server_default="0"),
    Column("direct", String(80), unique=True),
    Column("creator", ForeignKey("people.id"), nullable=False),
    Column("created_at", Big, nullable=False),
    Column("archived_at", Big),
    Column("deleted_at", Big),
    Column("last_seq", Big, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("room", ForeignKey("rooms.id"), primary_key=True),
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("avatar", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("joined", Boolean, nullable=False),
    Column("joined_seq", Big, nullable=False, server_default="0"),
    Index("ix_memberships_person_joined", "person", "joined"),
)

invites = Table(
    "invites",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("room", ForeignKey("rooms.id"), index=True),
    Column("guests", Boolean, nullable=False),
    Column("created_by", ForeignKey("people.id")),
    Column("created_at", Big, nullable=False),
    Column("expires_at", Big),
    Column("uses", Integer, nullable=False, server_default="0"),
    Column("max_uses", Integer),
    Column("revoked_at", Big),
)

markers = Table(
    "markers",
    metadata,
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("room", ForeignKey("rooms.id"), primary_key=True),
    Column("seq", Big, nullable=False),
    Column("at", Big, nullable=False),
)

mentions = Table(
    "mentions",
    metadata,
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("room", ForeignKey("rooms.id"), primary_key=True),
    Column("seq", Big, primary_key=True, autoincrement=False),
    Index("ix_mentions_room_seq", "room", "seq"),
)

indexed = Table(
    "indexed",
    metadata,
    Column("room", ForeignKey("rooms.id"), primary_key=True),
    Column("seq", Big, nullable=False),
)
"""Up to which number each room's log is in the full-text index."""

searchable = Table(
    "searchable",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("room", ForeignKey("rooms.id"), nullable=False),
    Column("seq", Big, nullable=False),
    UniqueConstraint("room", "seq"),
)
"""The lines that are in the full-text index; their IDs rise with the time at which they were stored (see
`store.search`). The index itself, `fulltext`, is made by the migrations: an FTS5 table with the same row IDs on SQLite,
a table `(id, words tsvector)` on PostgreSQL."""

links = Table(
    "links",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("room", ForeignKey("rooms.id"), nullable=False, index=True),
    Column("network", String(32), nullable=False),
    Column("chat", Text),
    Column("state", String(16), nullable=False),
    Column("described", Text, nullable=False, server_default=""),
    Column("federate", Boolean, nullable=False, server_default=true()),
    Column("created_at", Big, nullable=False),
    UniqueConstraint("network", "chat"),
)

portals = Table(
    "portals",
    metadata,
    Column("link", ForeignKey("links.id"), primary_key=True),
    Column("room", ForeignKey("rooms.id"), nullable=False, unique=True),
    Column("alias", String(255), nullable=False, unique=True),
    Column("room_id", String(255), nullable=False, server_default=""),
)

members = Table(
    "members",
    metadata,
    Column("link", ForeignKey("links.id"), primary_key=True),
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("wanted", String(16), nullable=False),
    Column("actual", String(16), nullable=False),
    Column("shown", Text, nullable=False),
    Column("shown_set", Text),
    Column("reason", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
)

events = Table(
    "events",
    metadata,
    Column("room", ForeignKey("rooms.id"), primary_key=True),
    Column("seq", Big, primary_key=True, autoincrement=False),
    Column("id", String(32), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("who", ForeignKey("people.id"), nullable=False),
    Column("at", Big, nullable=False),
    Column("stored_at", Big, nullable=False),
    Column("network", String(32), nullable=False),
    Column("chat", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("hops", Integer, nullable=False),
    Column("target", Big),
    Column("content", Text),
    Column("present", Text),
    Column("version", Integer, nullable=False),
    Column("edited_at", Big),
    Column("removed_at", Big),
    UniqueConstraint("network", "chat", "origin"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("link", ForeignKey("links.id"), primary_key=True),
    Column("seq", Big, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("room", ForeignKey("rooms.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("remote_id", Text),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_try", Big),
    Column("echoed_at", Big),
    Column("updated_at", Big, nullable=False),
    Index("ix_deliveries_room_seq", "room", "seq"),
    Index("ix_deliveries_link_remote_id", "link", "remote_id"),
)
_TARGETED = text("target IS NOT NULL")
Index(
    "ix_events_targeted",
    events.c.room,
    events.c.target,
    events.c.seq,
    sqlite_where=_TARGETED,
    postgresql_where=_TARGETED,
)

_PENDING = text("state IN ('waiting', 'sending')")
_DEAD = text("state = 'dead'")
Index(
    "ix_deliveries_outbox",
    deliveries.c.link,
    deliveries.c.seq,
    deliveries.c.part,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)
Index("ix_deliveries_dead", deliveries.c.room, deliveries.c.seq, sqlite_where=_DEAD, postgresql_where=_DEAD)

transactions = Table(
    "transactions",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("network", String(32), nullable=False),
    Column("txn", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", Big, nullable=False),
    Index("ix_transactions_network_txn", "network", "txn"),
    sqlite_autoincrement=True,
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("network", String(32), nullable=False),
    Column("chat", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("at", Big, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("quarantined", Text),
    UniqueConstraint("network", "chat", "origin"),
    Index("ix_inbox_network_chat_id", "network", "chat", "id"),
    sqlite_autoincrement=True,
)

seen = Table(
    "seen",
    metadata,
    Column("network", String(32), primary_key=True),
    Column("chat", Text, primary_key=True),
    Column("origin", Text, primary_key=True),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Big, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("media_type", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("remote", Text),
    Column("created_at", Big, nullable=False),
)
