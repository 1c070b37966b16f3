"""Sessions: opened, found by their token, listed and ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection

from bridge.model.errors import Refused
from bridge.model.ids import SessionId, new_session_id
from bridge.store import accounts, sessions
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.store.sessions import StoredSession
from bridge.text.names import clean
from bridge.web.accounts.options import DAY_MS, HOUR_MS, AccountOptions
from bridge.web.accounts.tokens import new_token, token_hash

AGENT_CHARS = 200
ADDRESS_CHARS = 64

EndListener: TypeAlias = Callable[[Account, str | None], None]


class Visit(msgspec.Struct, frozen=True):
    """From where and with what program somebody comes, short and cleaned; empty where it is not known."""

    agent: str = ""
    address: str = ""

    @classmethod
    def of(cls, agent: str, address: str) -> Visit:
        """Return what is kept of a `User-Agent` header and an address."""
        return cls(clean(agent, limit=AGENT_CHARS), clean(address, limit=ADDRESS_CHARS))


UNKNOWN = Visit()


class Session(msgspec.Struct, frozen=True):
    """Somebody who is signed in; `token_hash` names the session in the database, `id` before people."""

    account: Account
    token_hash: str
    id: SessionId


class Sessions:
    """The sessions of all accounts."""

    def __init__(self, db: Database, options: AccountOptions, clock: Callable[[], int]) -> None:
        self._db = db
        self._lasting = options.session_days * DAY_MS
        self._clock = clock
        self._listeners: list[EndListener] = []

    def on_end(self, listener: EndListener) -> None:
        """Call `listener(account, token_hash)` when a session ends; the hash is None when all of them do."""
        self._listeners.append(listener)

    async def open(self, account: Account, visit: Visit = UNKNOWN, *, verified: str | None = None) -> str:
        """Return the token of a new session; raise `Refused` where the account is closed.

        `verified` is the hash of the password that was given: where it is not the account's any more, a new password
        was set meanwhile, and the old one opens nothing.
        """
        token, at = new_token(), self._clock()
        made = StoredSession(
            new_session_id(), account.id, token_hash(token), visit.agent, visit.address, created_at=at, used_at=at
        )

        def unit(connection: Connection) -> bool:
            present = accounts.get(connection, account.id, lock=True)
            if present is None or not present.active or verified not in (None, present.password):
                return False
            sessions.add(connection, made)
            return True

        if not await self._db.write(unit):
            raise wrong_login()
        return token

    async def find(self, token: str, visit: Visit = UNKNOWN) -> Session | None:
        """Return the session of a token, or None where it is unknown, ended or too old; note that it is in use."""
        return await self.by_hash(token_hash(token), visit)

    async def by_hash(self, hashed: str, visit: Visit = UNKNOWN) -> Session | None:
        """Return the session that the database knows by this hash, or None; note that it is in use."""
        found = await self._db.read(lambda c: sessions.find(c, hashed))
        if found is None:
            return None
        stored, account = found
        at = self._clock()
        if at - stored.used_at > self._lasting:
            return None
        # Once an hour is enough to tell people when a session was used last.
        if at - stored.used_at > HOUR_MS:
            await self._db.write(lambda c: sessions.touch(c, hashed, at, visit.agent, visit.address))
        return Session(account, hashed, stored.id)

    async def list(self, account: Account) -> Sequence[StoredSession]:
        """Return an account's sessions that are not too old, the last used ones first."""
        oldest = self._clock() - self._lasting
        return [s for s in await self._db.read(lambda c: sessions.of_account(c, account.id)) if s.used_at >= oldest]

    async def end(self, session: Session) -> None:
        """End a session."""
        await self._db.write(lambda c: sessions.end(c, session.token_hash))
        self.ended(session.account, [session.token_hash])

    async def end_one(self, account: Account, session: SessionId) -> None:
        """End one of an account's sessions by its public ID; raise `Refused` (404) where there is none."""
        hashed = await self._db.write(lambda c: sessions.end_one(c, account.id, session))
        if hashed is None:
            raise Refused("no_such_session", "You have no such session.", field="id", status=404)
        self.ended(account, [hashed])

    async def end_others(self, account: Account, but: str = "") -> int:
        """End an account's sessions but the one with the hash `but`; return how many ended."""
        ended = await self._db.write(lambda c: sessions.end_others(c, account.id, but))
        self.ended(account, ended)
        return len(ended)

    def ended(self, account: Account, hashes: Iterable[str] | None = None) -> None:
        """Tell that sessions ended, or with None all of an account's; what is open under them closes."""
        for hashed in [None] if hashes is None else hashes:
            for listener in self._listeners:
                listener(account, hashed)

    async def drop_old(self) -> None:
        """Forget the sessions that nobody used for too long."""
        oldest = self._clock() - self._lasting
        await self._db.write(lambda c: sessions.drop(c, oldest))


def wrong_login() -> Refused:
    """Return the refusal for who cannot be let in, which does not tell what was wrong."""
    return Refused("wrong_login", "The name or the password is wrong.", status=401)
