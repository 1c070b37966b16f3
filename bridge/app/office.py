"""The operator's office: what commands do, the same over the admin socket and on a database without a server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec

from bridge.app.office_accounts import AccountsOffice
from bridge.app.office_rooms import RoomsOffice
from bridge.app.parts import Parts
from bridge.core import why
from bridge.model.errors import Refused
from bridge.model.ids import MATRIX, RoomId
from bridge.store import inbox

Arguments: TypeAlias = dict[str, Any]


class Office:
    """Each method is one operation with JSON arguments and a JSON answer; refusals are `Refused`."""

    def __init__(self, made: Parts) -> None:
        self._made = made
        self._operations: dict[str, Callable[[Arguments], Awaitable[Any]]] = {
            **AccountsOffice(made).operations(),
            **RoomsOffice(made).operations(),
            "why": self._why,
            "dead list": self._dead_list,
            "dead replay": self._dead_replay,
            "dead drop": self._dead_drop,
            "status": self._status,
        }

    async def usable(self, seconds: float) -> bool:
        """Wait up to `seconds` for a database that is away; return whether anything can be done."""
        return await self._made.db.usable(seconds)

    async def call(self, operation: str, arguments: Arguments) -> Any:
        """Do one operation; raise `Refused` for an unknown one."""
        found = self._operations.get(operation)
        if found is None:
            raise Refused("no_such_operation", f"This Rialto knows no {operation!r}.", status=404)
        return await found(arguments)

    async def _why(self, arguments: Arguments) -> Any:
        found = await why.why(self._made.hub, arguments["reference"])
        return [msgspec.to_builtins(account) for account in found]

    async def _dead_list(self, arguments: Arguments) -> Any:
        room = arguments.get("room")
        letters = await why.dead_letters(self._made.hub, RoomId(room) if room else None)
        return [msgspec.to_builtins(letter) for letter in letters]

    async def _dead_replay(self, arguments: Arguments) -> Any:
        return {"done": [letter for letter in await self._letters(arguments) if await self._replay(letter)]}

    async def _replay(self, letter: str) -> bool:
        return await why.replay(self._made.hub, letter)

    async def _dead_drop(self, arguments: Arguments) -> Any:
        return {"done": [letter for letter in await self._letters(arguments) if await self._drop(letter)]}

    async def _drop(self, letter: str) -> bool:
        return await why.drop(self._made.hub, letter)

    async def _letters(self, arguments: Arguments) -> list[str]:
        if not arguments.get("all"):
            return list(arguments["letters"])
        return [letter.letter for letter in await why.dead_letters(self._made.hub)]

    async def _status(self, arguments: Arguments) -> Any:
        statuses = {status.network: msgspec.to_builtins(status) for status in self._made.hub.statuses()}
        return {"networks": statuses, "inbox": dict(await self._made.db.read(inbox.counts)), "matrix": MATRIX}
