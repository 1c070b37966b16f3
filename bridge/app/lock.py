"""One server for one database: a lock on a file beside it, held while the process lives."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import make_url


class Busy(Exception):
    """Another process works on the database."""


def beside(database_url: str, config: Path) -> Path:
    """Return the path, without an ending, beside which lock and socket of a database lie."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(url.database)
    return config


class DatabaseLock:
    """Holds `PATH.lock`; entering raises `Busy` where someone else holds it for longer than `patience` seconds."""

    def __init__(self, path: Path, *, patience: float = 0) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._patience = patience
        self._file: int | None = None

    def __enter__(self) -> Self:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= until:
                    os.close(file)
                    raise Busy(f"another Rialto works on this database ({self._path} is locked)") from None
                time.sleep(0.05)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
