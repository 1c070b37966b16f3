"""The API of sessions: where one is signed in, and signing out there."""

from __future__ import annotations

import msgspec

from bridge.model.ids import SessionId
from bridge.store.sessions import StoredSession
from bridge.web.api.operations import Call, Operation
from bridge.web.parts import WebParts


class SessionShape(msgspec.Struct):
    """A session; `agent` (the program's own word for itself) and `address` are of its last noted use, which is at
    most an hour older than the true one; `current` is the session that asks."""

    id: str
    agent: str
    address: str
    created_at: int
    used_at: int
    current: bool


class SessionList(msgspec.Struct):
    """Sessions, the last used ones first."""

    sessions: list[SessionShape]


class Ended(msgspec.Struct):
    """How many sessions ended."""

    ended: int


class SessionsApi:
    """Handlers of /account/sessions."""

    def __init__(self, parts: WebParts) -> None:
        self._sessions = parts.accounts.sessions

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag, path = "account", "/account/sessions"
        return [
            Operation("GET", path, "listSessions", "Where one is signed in.", tag, self.list_all, answer=SessionList),
            Operation(
                "DELETE", path, "endOtherSessions", "Sign out everywhere but here.", tag, self.end_others,
                answer=Ended, counts="change",
            ),
            Operation(
                "DELETE", f"{path}/{{id}}", "endSession", "Sign out in one place.", tag, self.end,
                counts="change", refusals=("no_such_session",),
            ),
        ]

    async def list_all(self, call: Call) -> SessionList:
        """Answer the visitor's sessions."""
        found = await self._sessions.list(call.session.account)
        return SessionList([_shape(each, current=each.id == call.session.id) for each in found])

    async def end_others(self, call: Call) -> Ended:
        """End the visitor's sessions but the one that asks."""
        return Ended(await self._sessions.end_others(call.session.account, call.session.token_hash))

    async def end(self, call: Call) -> None:
        """End one of the visitor's sessions."""
        await self._sessions.end_one(call.session.account, SessionId(call.path["id"]))


def _shape(of: StoredSession, *, current: bool) -> SessionShape:
    return SessionShape(of.id, of.agent, of.address, of.created_at, of.used_at, current)
