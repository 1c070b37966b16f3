"""Which names are taken among accounts: login and display names that look alike belong to one account only."""

from __future__ import annotations

import asyncio

from bridge.core.people import BOT_NAME
from bridge.model.ids import PersonId
from bridge.store import accounts
from bridge.store.database import Database
from bridge.text.names import distinct, skeleton

_BOT = PersonId("")


class NameBook:
    """The skeletons of all names in use, read once and kept up to date by `Registry`, the only writer of names.

    Whoever checks a name and then writes it holds `lock` meanwhile.
    """

    def __init__(self, db: Database) -> None:
        self.lock = asyncio.Lock()
        self._db = db
        self._holders: dict[str, set[PersonId]] | None = None

    async def taken(self, name: str, person: PersonId | None = None) -> bool:
        """Tell whether `name` looks like one of somebody other than `person`."""
        return bool((await self._known()).get(skeleton(name), set()) - {person})

    async def distinct(self, name: str, hint: str) -> str:
        """Return `name`, or with `hint` and a number behind it one that looks like nobody's."""
        return distinct(name, await self._known(), hint)

    def note(self, person: PersonId, *names: str) -> None:
        """Give names to a person; earlier ones stay theirs until the next start, so that nobody can slip in."""
        if self._holders is not None:
            for name in names:
                self._holders.setdefault(skeleton(name), set()).add(person)

    def release(self, person: PersonId, name: str) -> None:
        """Give the name of a guest who is gone to whoever wants it."""
        if self._holders is not None and (holders := self._holders.get(skeleton(name))) is not None:
            holders.discard(person)
            if not holders:
                del self._holders[skeleton(name)]

    async def _known(self) -> dict[str, set[PersonId]]:
        if self._holders is None:
            self._holders = await self._load()
        return self._holders

    async def _load(self) -> dict[str, set[PersonId]]:
        def work() -> dict[str, set[PersonId]]:
            holders: dict[str, set[PersonId]] = {skeleton(BOT_NAME): {_BOT}}
            for person, login, shown in known:
                for name in (login, shown):
                    holders.setdefault(skeleton(name), set()).add(person)
            return holders

        known = await self._db.read(accounts.names)
        return await asyncio.get_running_loop().run_in_executor(None, work)
