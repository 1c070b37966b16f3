"""Preferences: what the page keeps for an account (theme, language and the like), the same on every device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from bridge.model.errors import Refused
from bridge.store import accounts
from bridge.store.accounts import Account
from bridge.store.database import Database

MOST_BYTES = 8 * 1024

PreferencesListener: TypeAlias = Callable[[Account, dict[str, Any]], None]


class Preferences:
    """One JSON object for each account; what it means is the page's business."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listeners: list[PreferencesListener] = []

    def on_change(self, listener: PreferencesListener) -> None:
        """Call `listener(account, settings)` when an account's settings were written."""
        self._listeners.append(listener)

    async def get(self, account: Account) -> dict[str, Any]:
        """Return an account's settings."""
        return msgspec.json.decode(await self._db.read(lambda c: accounts.settings(c, account.id)), type=dict[str, Any])

    async def put(self, account: Account, settings: dict[str, Any]) -> None:
        """Write an account's settings in place of what was there; raise `Refused` above 8 KiB."""
        written = msgspec.json.encode(settings)
        if len(written) > MOST_BYTES:
            raise Refused(
                "settings_too_large", f"Settings may have {MOST_BYTES} bytes.", field="settings", status=413
            )
        await self._db.write(lambda c: accounts.put_settings(c, account.id, written.decode()))
        for listener in self._listeners:
            listener(account, settings)
