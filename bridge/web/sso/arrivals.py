"""Whose account an identity opens: one account for ever, and never one that merely has the same name or address."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bridge.model.errors import Refused
from bridge.model.ids import AccountId
from bridge.store import identities
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.store.identities import Identity
from bridge.web.accounts import Accounts
from bridge.web.sso.naming import logins, shown_names
from bridge.web.sso.proof import Proof

logger = structlog.get_logger(__name__)


class Arrivals:
    """Finds, makes, binds and unbinds."""

    def __init__(self, db: Database, accounts: Accounts) -> None:
        self._db = db
        self._accounts = accounts

    async def known(self, issuer: str, subject: str) -> bool:
        """Tell whether an identity has an account."""
        return await self._account(issuer, subject) is not None

    async def account(self, proof: Proof, *, signup: bool, invite: str = "") -> Account:
        """Return the identity's account, made now where it has none and `signup` allows that; raise `Refused`.

        An invite is used only by who has no account.
        """
        found = await self._account(proof.issuer, proof.subject)
        if found is None:
            found = await self._first(proof, signup, invite)
        if not found.active:
            raise Refused("account_closed", "This account is closed.", status=403)
        return found

    async def _first(self, proof: Proof, signup: bool, invite: str) -> Account:
        if not signup:
            raise Refused(
                "no_account",
                "You have no account here, and new ones are not made in this way: ask who runs this server.",
                status=403,
            )

        def bind(connection: Connection, account: AccountId) -> None:
            identities.bind(connection, proof.issuer, proof.subject, account)

        try:
            account = await self._accounts.add_proved(
                logins(proof.login), shown_names(proof.shown, proof.login), bind, invite=invite
            )
        except Refused:
            # The same person in another tab was quicker, or an account was made by somebody else at this moment.
            found = await self._account(proof.issuer, proof.subject)
            if found is None:
                raise
            return found
        logger.info("an account was made for somebody from elsewhere", name=account.name, issuer=proof.issuer)
        return account

    async def bind(self, proof: Proof, account: Account) -> None:
        """Let an identity open an account from now on; raise `Refused` where it opens another one."""

        def unit(connection: Connection) -> Account | None:
            owner = identities.account_of(connection, proof.issuer, proof.subject)
            if owner is None:
                identities.bind(connection, proof.issuer, proof.subject, account.id)
            return owner

        try:
            owner = await self._db.write(unit)
        except IntegrityError:
            owner = await self._account(proof.issuer, proof.subject)
        if owner is not None and owner.id != account.id:
            raise Refused(
                "identity_taken", "This identity belongs to another account here: sign in with it there.", status=409
            )

    async def identities(self, account: AccountId) -> Sequence[Identity]:
        """Return what opens an account, oldest first."""
        return await self._db.read(lambda connection: identities.of_account(connection, account))

    async def unbind(self, account: AccountId, identity_id: str, offered: Collection[str]) -> None:
        """Take an identity from an account; raise `Refused` where it is not there, or is the last way in.

        `offered` are the issuers that can be signed in with at present.
        """
        found = next((each for each in await self.identities(account) if public_id(each) == identity_id), None)
        if found is None:
            raise Refused("no_such_identity", "Your account has no such identity.", status=404)
        if not await self._db.write(lambda connection: identities.unbind(connection, found, offered)):
            raise Refused("last_way_in", "This is the only way into your account: set a password first.", status=409)

    async def _account(self, issuer: str, subject: str) -> Account | None:
        return await self._db.read(lambda connection: identities.account_of(connection, issuer, subject))


def public_id(identity: Identity) -> str:
    """Return the name of an identity in addresses: an issuer is itself an address."""
    return hashlib.sha256(f"{identity.issuer}\n{identity.subject}".encode()).hexdigest()[:24]
