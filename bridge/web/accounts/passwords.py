"""Passwords: argon2 hashes, made and verified in threads of their own, never on the event loop."""

from __future__ import annotations

import asyncio
import secrets
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

    async def hash(self, password: str, *, field: str = "password") -> str:
        """Return a new hash; raise `Refused` that names `field` for a password that is too short or too long."""
        if len(password) < LEAST_CHARS:
            raise Refused("weak_password", f"A password needs at least {LEAST_CHARS} characters.", field=field)
        if len(_bytes(password)) > MOST_BYTES:
            raise Refused("long_password", f"A password may have {MOST_BYTES} bytes.", field=field)
        return await self._run(self._hasher.hash, _bytes(password))

    async def verify(self, known: str | None, password: str) -> bool:
        """Tell whether the password fits the hash; where there is none (None, or empty for an account that nobody
        enters with a password) nothing fits, and that takes the same time."""
        return await self._run(self._verify, known, password)

    def outdated(self, known: str) -> bool:
        """Tell whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(known)

    def _verify(self, known: str | None, password: str) -> bool:
        # Made by the first who asks, whoever that is: else the first name that nobody has would take longer.
        nobody = self._nobody
        if len(_bytes(password)) > MOST_BYTES:
            return False
        try:
            self._hasher.verify(known or nobody, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return bool(known)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_bytes(32))

    async def _run(self, work: Callable[..., T], *values: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)


def _bytes(password: str) -> bytes:
    # A lone half of a character, which JSON can carry, is no reason to fail.
    return password.encode("utf-8", "surrogatepass")
