"""The ways to sign in from elsewhere, from the first click to the account."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import IntegrityError

from bridge.model.errors import Refused
from bridge.store import identities, meta
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.store.identities import Identity
from bridge.web.accounts import Accounts
from bridge.web.sso.arrivals import Arrivals
from bridge.web.sso.asking import Asker, Unfit
from bridge.web.sso.attempts import Attempt, Attempts, stale, state_hash
from bridge.web.sso.following import START, invite_of
from bridge.web.sso.homeserver import Homeserver
from bridge.web.sso.matrix import MatrixSignIn
from bridge.web.sso.oidc import OidcProvider
from bridge.web.sso.options import MATRIX_ID, OidcOptions, SignInOptions
from bridge.web.sso.proof import Back, Proof, Provider

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Leaving:
    """A visitor on the way to another server: the cookie to take along, and where to go."""

    attempt: Attempt
    cookie: str
    url: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A visitor who came back: with an account to open, or (`bound`) with one that is open already."""

    account: Account
    following: str
    bound: bool
    cookie: str
    """The name of the attempt's cookie, which has served."""


class Visits:
    """All of it for one Rialto whose page has the address `url`."""

    def __init__(self, db: Database, accounts: Accounts, options: SignInOptions, url: str) -> None:
        self._db = db
        self._signup = accounts.options.signup
        self._asker = Asker(seconds=options.seconds)
        self._attempts: Attempts | None = None
        self.arrivals = Arrivals(db, accounts)
        self.oidc: tuple[OidcOptions, ...] = options.oidc
        self._providers: dict[str, Provider] = {
            each.id: OidcProvider(each, self._asker, callback(url, each.id)) for each in options.oidc
        }
        self.matrix: MatrixSignIn | None = None
        if options.matrix is not None and (options.matrix.password or options.matrix.sso):
            homeserver = Homeserver(options.matrix, self._asker)
            self.matrix = MatrixSignIn(options.matrix, homeserver, callback(url, MATRIX_ID))
            self._providers[MATRIX_ID] = self.matrix

    async def begin(self, provider: str, following: str, account: Account | None = None) -> Leaving:
        """Return where to send a visitor; with an account, to bind an identity to it. Raises `Refused`."""
        place = self._place(provider)
        attempts = await self._sealer()
        attempt = attempts.new(provider, following, account="" if account is None else account.id)
        try:
            url = await place.address(attempts.secrets(attempt))
        except Unfit as error:
            raise _failed(place, error) from None
        return Leaving(attempt, attempts.sealed(attempt), url)

    async def finish(self, provider: str, back: Back, cookies: Mapping[str, str], visitor: Account | None) -> Arrived:
        """Return who came back; `visitor` is who is signed in meanwhile. Raises `Refused`."""
        place = self._place(provider)
        attempts = await self._sealer()
        attempt = attempts.opened(provider, back.query.get("state", ""), cookies)
        if attempt.account and (visitor is None or visitor.id != attempt.account):
            raise Refused("signed_out", "You signed out meanwhile: sign in, and begin again.", status=401)
        await self._spend(attempt)
        try:
            known = _nameless if attempt.account else self.arrivals.known
            proof = await place.prove(attempts.secrets(attempt), back, known)
        except Unfit as error:
            raise _failed(place, error) from None
        if attempt.account and visitor is not None:
            await self.arrivals.bind(proof, visitor)
            return Arrived(visitor, attempt.following, True, attempt.cookie)
        return Arrived(
            await self._account(place, proof, invite_of(attempt.following)), attempt.following, False, attempt.cookie
        )

    async def following(self, provider: str, state: str, cookies: Mapping[str, str]) -> str:
        """Return where an attempt of this browser was to lead, or the start where there is none."""
        try:
            return (await self._sealer()).opened(provider, state, cookies).following
        except Refused:
            return START

    async def password(self, user: str, password: str, address: str, invite: str = "") -> Account:
        """Return the account of somebody with a Matrix password; raise `Refused`."""
        if self.matrix is None:
            raise _no_such_provider()
        try:
            proof = await self.matrix.password(user, password, self.arrivals.known, address)
        except Unfit as error:
            raise _failed(self.matrix, error) from None
        return await self._account(self.matrix, proof, invite)

    def place_of(self, identity: Identity) -> Provider | None:
        """Return where an identity can be used at present, or None."""
        issuer = identity.issuer.rstrip("/")
        return next((place for place in self._providers.values() if place.issuer == issuer), None)

    async def unbind(self, account: Account, identity: str) -> None:
        """Take an identity from an account; raise `Refused`."""
        await self.arrivals.unbind(account.id, identity, {place.issuer for place in self._providers.values()})

    async def close(self) -> None:
        """End what is still asked."""
        if self.matrix is not None:
            await self.matrix.close()
        await self._asker.close()

    def _place(self, provider: str) -> Provider:
        place = self._providers.get(provider)
        if place is None:
            raise _no_such_provider()
        return place

    async def _account(self, place: Provider, proof: Proof, invite: str) -> Account:
        """Return the account; a new one as far as the place's own rule allows, or else the rule for all."""
        if place.signup is not None:
            return await self.arrivals.account(proof, signup=place.signup)
        if self._signup == "invite":
            return await self.arrivals.account(proof, signup=bool(invite), invite=invite)
        return await self.arrivals.account(proof, signup=self._signup == "open")

    async def _sealer(self) -> Attempts:
        """Return what seals attempts; its secret is made once and lives with the database."""
        if self._attempts is None:
            secret = await self._db.write(
                lambda connection: meta.get_or_make(connection, "sign_in_secret", lambda: secrets.token_hex(32))
            )
            self._attempts = Attempts(secret)
        return self._attempts

    async def _spend(self, attempt: Attempt) -> None:
        hashed, until = state_hash(attempt), attempt.expires_at
        try:
            first = await self._db.write(lambda connection: identities.spend(connection, hashed, until))
        except IntegrityError:
            first = False
        if not first:
            raise stale()


def callback(url: str, provider: str) -> str:
    """Return the address to which a provider sends visitors back; it is registered there."""
    return f"{url}/api/v1/sso/{provider}/callback"


async def _nameless(_issuer: str, _subject: str) -> bool:
    """Stand in for `known` where no names are needed: the account is there."""
    return True


def _no_such_provider() -> Refused:
    return Refused("no_such_provider", "There is no such way to sign in.", status=404)


def _failed(place: Provider, error: Unfit) -> Refused:
    """Return what a visitor is told; the operator reads the rest in the log."""
    logger.warning("a sign-in failed", provider=place.id, reason=str(error))
    return Refused(
        "provider_failed",
        f"{place.title} did not answer as it must: try again later, or tell who runs this server.",
        status=502,
    )
