"""The demo's folder: which files in it are the demo's own, whether they can be used, and how they are removed."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from bridge.cli.demo.errors import DemoError

_DATABASES = ("rialto.db", "homeserver.db")
_LOGS = ("rialto.log", "homeserver.log")
_PLAIN = (
    "demo.json",
    "demo-state.json",
    "rialto.yaml",
    "registration.yaml",
    "homeserver.yaml",
    "homeserver-log.yaml",
    "homeserver.signing.key",
    "homeserver.pid",
)
_MEDIA = "homeserver-media"
_BESIDE_A_DATABASE = ("-wal", "-shm", "-journal", ".lock", ".admin")
"""What SQLite and a running Rialto put beside a database file."""


class Layout:
    """The names of the demo's files in `root`, which is made absolute."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.summary = self.root / "demo.json"
        self.state = self.root / "demo-state.json"
        self.lock = self.root / ".rialto-demo"
        self.config = self.root / "rialto.yaml"
        self.registration = self.root / "registration.yaml"
        self.database = self.root / "rialto.db"
        self.log = self.root / "rialto.log"
        self.homeserver_config = self.root / "homeserver.yaml"
        self.homeserver_log_config = self.root / "homeserver-log.yaml"
        self.homeserver_database = self.root / "homeserver.db"
        self.homeserver_log = self.root / "homeserver.log"
        self.homeserver_pid = self.root / "homeserver.pid"
        self.signing_key = self.root / "homeserver.signing.key"
        self.media = self.root / _MEDIA

    def make_root(self) -> None:
        """Make the folder (for this user only) unless it is there. Raises DemoError where that cannot be."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise DemoError(f"{error.filename} is a file, not a folder: choose another folder with --dir") from error
        except OSError as error:
            raise DemoError(f"{self.root} cannot be made ({error.strerror}): choose another with --dir") from error
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise DemoError(f"{self.root} cannot be written by this user: choose another folder with --dir")

    def present(self) -> list[Path]:
        """Return those of the demo's files that are there, whoever made them; the lock is not among them."""
        return [path for path in self._own() if os.path.lexists(path)]

    def _own(self) -> Iterator[Path]:
        yield from (self.root / name for name in (*_PLAIN, *_DATABASES, *_LOGS, _MEDIA))
        yield from (self.root / f"{name}{end}" for name in _DATABASES for end in _BESIDE_A_DATABASE)
        yield from (self.root / f"{name}.1" for name in _LOGS)
        # What an atomic write leaves when the process is killed in the middle of it.
        yield from (path for name in _PLAIN for path in self.root.glob(f".{name}.????????"))

    def remove(self) -> int:
        """Remove the demo's own files and nothing else; return how many there were."""
        mine = self.present()
        for path in mine:
            if path.is_dir() and not path.is_symlink():
                if path != self.media:
                    raise DemoError(f"{path} is a folder, which the demo did not make: move it away")
                shutil.rmtree(path)
            else:
                path.unlink()
        return len(mine)

    def check(self) -> None:
        """Raise DemoError for the first of the demo's files that cannot be used as what it has to be."""
        for path in self.present():
            if path == self.media:
                if not path.is_dir():
                    raise DemoError(f"{path} is in the way, a folder must be there: move it away")
                continue
            if path.is_socket():
                continue
            if not path.is_file():
                raise DemoError(f"{path} is in the way, a file must be there: move it away")
            if not os.access(path, os.R_OK | os.W_OK):
                raise DemoError(f"{path} cannot be read and written by this user: chmod u+rw, or choose another --dir")
        for path in (self.database, self.homeserver_database):
            _check_database(path)


def _check_database(path: Path) -> None:
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise DemoError(f"{path} is no database or a damaged one ({error}): --fresh starts anew") from error
