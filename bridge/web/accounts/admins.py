"""Administrators: who is one, and what they do to other people's accounts; each act leaves a line in the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Connection

from bridge.core.people import People
from bridge.model.errors import Refused
from bridge.model.ids import AccountId, InviteId, PersonId
from bridge.store import accounts, invites, tickets
from bridge.store.account_list import Listed, find
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.store.invites import Invite
from bridge.web.accounts.credentials import Credentials
from bridge.web.accounts.invites import Invites
from bridge.web.accounts.registry import Registry, wish
from bridge.web.accounts.sessions import Sessions
from bridge.web.accounts.tickets import Tickets

logger = structlog.get_logger("audit")

OPERATOR = "operator"
"""Who acts by a command of this machine: even the last administrator is theirs to close, for they can make another."""


class Admins:
    """What administrators may do. `by` is the login name of the one who acts, or `OPERATOR`."""

    def __init__(
        self, db: Database, known: People, registry: Registry, sessions: Sessions, credentials: Credentials,
        links: Tickets, invitations: Invites, clock: Callable[[], int],
    ) -> None:
        self._db = db
        self._people = known
        self._registry = registry
        self._sessions = sessions
        self._credentials = credentials
        self._tickets = links
        self._invites = invitations
        self._clock = clock

    async def find(self, *, query: str = "", after: AccountId | None = None, limit: int = 50) -> Sequence[Listed]:
        """Return up to `limit` accounts by name, from the one after `after` on; with `query` only those whose login
        or display name holds it."""
        return await self._db.read(lambda c: find(c, query=query, after=after, limit=limit))

    async def show(self, account: AccountId) -> Listed:
        """Return one account as administrators see it; raise `Refused` (404) where there is none."""
        found = await self._db.read(lambda c: find(c, only=account))
        if not found:
            raise Refused("no_such_account", "There is no such account.", field="id", status=404)
        return found[0]

    async def add(
        self, by: str, name: str, password: str | None, *, display_name: str | None = None, admin: bool = False
    ) -> Account:
        """Make an account for somebody; without a password they need a link to choose one."""
        made = await self._registry.make(wish(name, display_name, admin=admin), password)
        logger.info("an account was made", by=by, account=made.name, admin=admin)
        return made

    async def set_admin(self, by: str, account: Account, admin: bool) -> None:
        """Let an account administer this server, or not any more: then every one-time link is void, and so are the
        account's invites to the server. Raises `Refused` for a guest, a closed account, and the last administrator."""
        if admin and (account.kind == "guest" or not account.active):
            raise Refused("not_for_admins", "Only an open account can administer.", field="admin", status=409)

        at = self._clock()

        def unit(connection: Connection) -> None:
            if not admin and by != OPERATOR:
                keep_one(connection, account)
            accounts.set_admin(connection, account.id, admin)
            if not admin:
                # What they may hold for others, and have invited to, is not theirs to give any more.
                tickets.drop_all(connection)
                invites.revoke_to_server_of(connection, account.person, at)

        await self._db.write(unit)
        self._people.forget(account.person)
        await self._people.reload_reserved()
        logger.info("an account became an administrator" if admin else "an account is no administrator any more",
                    by=by, account=account.name)

    async def set_password(self, by: str, account: Account, password: str) -> None:
        """Set somebody's password; every session of the account ends. Raises `Refused` for a guest or a closed
        account."""
        await self._credentials.set(account, password)
        logger.info("an account got a new password", by=by, account=account.name)

    async def claim(self, by: str) -> tuple[str, int]:
        """Return the token of a link with which an administrator's account can be made, and until when."""
        made = await self._tickets.for_claim()
        logger.info("a link for an administrator was made", by=by)
        return made

    async def reset(self, by: str, account: Account) -> tuple[str, int]:
        """Return the token of a link with which a new password for an account can be chosen, and until when."""
        made = await self._tickets.for_reset(account)
        logger.info("a link for a new password was made", by=by, account=account.name)
        return made

    async def deactivate(self, by: str, account: Account) -> None:
        """Close somebody's account for good; raise `Refused` for the last administrator. An account that is closed
        already stays so."""
        if account.active:
            check = None if by == OPERATOR else lambda connection: keep_one(connection, account)
            await self._registry.close(account, check)
            logger.info("an account was closed", by=by, account=account.name)

    async def sign_out(self, by: str, account: Account) -> int:
        """End every session of an account; return how many there were."""
        ended = await self._sessions.end_others(account)
        logger.info("an account was signed out", by=by, account=account.name, sessions=ended)
        return ended

    async def invite(
        self, by: str, person: PersonId | None, *, expires_in: int | None = None, max_uses: int | None = None
    ) -> tuple[Invite, str]:
        """Make an invite to the server; return it and its token. `expires_in` is in seconds."""
        made, token = await self._invites.make(person, expires_in=expires_in, max_uses=max_uses)
        logger.info("an invite to the server was made", by=by, invite=made.id, max_uses=max_uses)
        return made, token

    async def uninvite(self, by: str, invite: InviteId) -> None:
        """Revoke an invite to the server; raise `Refused` (404) where there is none that is open."""
        await self._invites.revoke(invite, None)
        logger.info("an invite to the server was revoked", by=by, invite=invite)


def keep_one(connection: Connection, leaving: Account) -> None:
    """Refuse to leave the server without an administrator."""
    present = accounts.admins(connection, lock=True)
    if leaving.id in present and len(present) == 1:
        raise Refused(
            "last_admin", "This is the last administrator: make somebody else one first.", field="admin", status=409
        )
