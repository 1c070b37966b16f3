"""Empty databases with the schema of this version: made once, then copied for each test."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from bridge.store import schema


@cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        schema.upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def new_database(folder: Path, name: str = "rialto.db") -> Path:
    """Put an empty database into `folder`; return its path."""
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
