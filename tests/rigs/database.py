"""Empty databases with the schema of this version: made once, then copied for each test.

`RIALTO_TEST_DATABASE=postgresql` (or `sqlite`) runs everything on that one. Without it the tests of the store and
of the core run on both, and the others on SQLite.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from bridge.store import schema
from tests.rigs.postgresql import cluster, require_postgresql

CHOSEN = os.environ.get("RIALTO_TEST_DATABASE", "")
BOTH = ("sqlite", "postgresql")
assert CHOSEN in ("", *BOTH), f"RIALTO_TEST_DATABASE is {CHOSEN!r} and not sqlite or postgresql"

_kind = CHOSEN or "sqlite"


def kinds() -> tuple[str, ...]:
    """The databases on which tests run that are to run on both."""
    return (CHOSEN,) if CHOSEN else BOTH


@contextmanager
def using(kind: str) -> Iterator[None]:
    """Let `new_url` make databases of this kind; skips the test where there is no server for it."""
    global _kind
    if kind == "postgresql":
        require_postgresql()
    before, _kind = _kind, kind
    try:
        yield
    finally:
        _kind = before


def new_url(folder: Path, name: str = "rialto.db") -> str:
    """Make an empty database of the kind in use: its address."""
    if _kind == "postgresql":
        require_postgresql()
        return cluster().new()
    return f"sqlite:///{new_database(folder, name)}"


def given_url() -> str:
    """Return what an operator would write into the settings: a database of the kind in use with nothing in it."""
    if _kind == "postgresql":
        require_postgresql()
        return cluster().empty()
    return "sqlite:///rialto.db"


@cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        schema.upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def new_database(folder: Path, name: str = "rialto.db") -> Path:
    """Put an empty SQLite database into `folder`; return its path."""
    path = folder / name
    path.write_bytes(_template())
    return path


def copy_database(path: Path, to: Path) -> Path:
    """Copy a database that nobody writes to, with its journal."""
    for ending in ("", "-wal"):
        source = path.with_name(path.name + ending)
        if source.exists():
            shutil.copy(source, to.with_name(to.name + ending))
    return to
