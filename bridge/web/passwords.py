"""Passwords: argon2 hashes, made and verified in threads of their own, never on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bridge.model.errors import Refused

T = TypeVar("T")

LEAST_CHARS = 8
MOST_BYTES = 1_024


class Passwords:
    """Hashes and verifies; two at a time, because each takes the memory that the hasher is set to."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")

    async def hash(self, password: str) -> str:
        """Return a new hash; raise `Refused` for a password that is too short or too long."""
        if len(password) < LEAST_CHARS:
            raise Refused("weak_password", f"A password needs at least {LEAST_CHARS} characters.", field="password")
        if len(password.encode()) > MOST_BYTES:
            raise Refused("long_password", f"A password may have {MOST_BYTES} bytes.", field="password")
        return await self._run(self._hasher.hash, password)

    async def verify(self, known: str | None, password: str) -> bool:
        """Tell whether the password fits the hash; with None (no such account) it takes the same time."""
        return await self._run(self._verify, known, password)

    def outdated(self, known: str) -> bool:
        """Tell whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(known)

    def _verify(self, known: str | None, password: str) -> bool:
        if len(password.encode()) > MOST_BYTES:
            return False
        try:
            self._hasher.verify(known or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return known is not None

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash("no account has this password")

    async def _run(self, work: Callable[..., T], *values: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)
