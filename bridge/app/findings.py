"""What the doctor finds, and what it looks for in the database."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, make_url, text

from bridge.app.lock import BadDatabase, reaching
from bridge.model.errors import SchemaTooNew
from bridge.store import schema
from bridge.store.tables import metadata

OLDEST_POSTGRESQL = 13


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` is empty where all is well."""

    what: str
    detail: str
    remedy: str = ""

    @property
    def well(self) -> bool:
        """Tell whether there is nothing to do."""
        return not self.remedy


async def examine_database(url: str) -> Finding:
    """Look at the database, and change nothing."""
    if make_url(url).get_backend_name() == "postgresql":
        return await _postgresql(url)
    return await asyncio.to_thread(_sqlite, url)


def _sqlite(url: str) -> Finding:
    path = Path(make_url(url).database or "")
    if not path.exists():
        if not path.parent.is_dir():
            return Finding("database", f"there is no folder {path.parent}", "make it, or change `database`")
        return Finding("database", f"{path} is made at the first start")
    try:
        schema.known_or_raise(url)
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except SchemaTooNew as error:
        return Finding("database", str(error), "install that newer Rialto")
    except Exception as error:
        return Finding("database", f"{path}: {error}", "restore a backup, or name another file in `database`")
    if verdict != "ok":
        return Finding("database", f"{path}: {verdict}", "restore a backup: the file is damaged")
    return Finding("database", f"{path} is sound, schema {schema.revision(url)}")


async def _postgresql(url: str) -> Finding:
    from bridge.store.postgres.connecting import where

    try:
        found = await reaching(url, lambda: asyncio.to_thread(schema.inside, url, _look), tries=1)
    except BadDatabase as error:
        remedy = "start PostgreSQL, or mend `database`: who may connect from where stands in its pg_hba.conf"
        return Finding("database", str(error).partition(": `rialto doctor`")[0], remedy)
    if found.well:
        return Finding("database", f"{where(url)}: {found.detail}")
    return Finding("database", f"{where(url)}: {found.detail}", found.remedy)


def _look(connection: Connection) -> Finding:
    """Look at a PostgreSQL server from within: version, encoding, durability, rights, schema."""

    def ask(statement: str) -> str:
        return str(connection.scalar(text(statement)))

    version = ask("SHOW server_version")
    if int(ask("SHOW server_version_num")) < OLDEST_POSTGRESQL * 10_000:
        return Finding("", f"PostgreSQL {version}", f"upgrade it to {OLDEST_POSTGRESQL} or newer")
    if ask("SELECT pg_is_in_recovery()") == "True":
        return Finding("", "it is a standby, which takes no writes", "name the primary in `database`")
    if (encoding := ask("SHOW server_encoding")) != "UTF8":
        remedy = "make a database with it: createdb --encoding=UTF8 --template=template0 NAME"
        return Finding("", f"its encoding is {encoding} and not UTF8", remedy)
    if ask("SHOW fsync") != "on":
        return Finding("", "fsync is off: a power cut loses messages", "set fsync = on in postgresql.conf")
    user = ask("SELECT current_user")
    if ask("SELECT has_schema_privilege(current_schema(), 'CREATE')") != "True":
        remedy = f"let it own the database: ALTER DATABASE … OWNER TO {user}"
        return Finding("", f"{user} may make no tables there", remedy)
    try:
        schema.known_or_raise_on(connection)
    except SchemaTooNew as error:
        return Finding("", str(error), "install that newer Rialto")
    revision = schema.revision_of(connection)
    if revision is None:
        return Finding("", f"PostgreSQL {version}, the schema is made at the first start")
    if barred := _barred(connection):
        remedy = f"let {user} own them: REASSIGN OWNED, or GRANT ALL ON ALL TABLES IN SCHEMA public"
        return Finding("", f"{user} may not read and write {', '.join(barred)}", remedy)
    return Finding("", f"PostgreSQL {version}, schema {revision}")


def _barred(connection: Connection) -> list[str]:
    """Return the tables that are there and may not be worked with."""
    statement = text(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace "
        "AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') "
        "AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')) ORDER BY 1"
    )
    return [name for name in connection.scalars(statement) if name in metadata.tables]
