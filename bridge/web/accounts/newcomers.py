"""Newcomers: people who make an account of their own, or come as guests, as far and as fast as the operator allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import structlog
from sqlalchemy import Connection

from bridge.core.native import Native
from bridge.model.errors import Refused
from bridge.model.ids import AccountId, RoomId
from bridge.store import rooms
from bridge.store.accounts import Account
from bridge.store.database import Database
from bridge.store.invites import Invite
from bridge.web.accounts.invites import Invites
from bridge.web.accounts.options import HOUR_MS, AccountOptions
from bridge.web.accounts.registry import Also, Registry, wish
from bridge.web.accounts.sessions import UNKNOWN, Sessions, Visit
from bridge.web.limits import Limit

logger = structlog.get_logger(__name__)


class Newcomers:
    """Signing up, and coming as a guest."""

    def __init__(
        self, db: Database, options: AccountOptions, registry: Registry, invites: Invites, sessions: Sessions,
        native: Native, clock: Callable[[], int],
    ) -> None:
        self._db = db
        self._options = options
        self._registry = registry
        self._invites = invites
        self._sessions = sessions
        self._native = native
        self._clock = clock
        hourly = options.signups_per_hour
        self._signups = Limit(hourly / 3600, max(1.0, hourly), "Many people sign up just now: try again in a while.")
        hourly = options.guests_per_hour
        self._guests = Limit(hourly / 3600, max(1.0, hourly), "Many guests come just now: try again in a while.")

    def _newcomer_until(self) -> int:
        """Return until when somebody who makes an account now is new (UTC milliseconds)."""
        return self._clock() + int(self._options.newcomer_hours * HOUR_MS)

    def _count_signup(self) -> None:
        """Count a new account that nobody of this server made for somebody; raise `TooFast`."""
        self._signups.check("")

    async def add_proved(
        self, logins: Iterable[str], shown: Iterable[str], bind: Also, *, invite: str = ""
    ) -> Account:
        """Make an account without a password for somebody whom another server vouches for.

        It takes the first login name and the first display name that are free; `bind(connection, account)` runs in
        the same transaction, and an invite, where one is given, is used in it. Raises what `bind` raises, `Refused`
        for the invite, and `TooFast`.
        """
        self._count_signup()
        used: list[Invite] = []

        def also(connection: Connection, account: AccountId) -> None:
            bind(connection, account)
            used[:] = [self._used(connection, invite)] if invite else []

        account = await self._registry.add_proved(logins, shown, also, newcomer_until=self._newcomer_until())
        await self._admit(used, account)
        return account

    async def sign_up(
        self, name: str, password: str, *, display_name: str | None = None, invite: str = "", visit: Visit = UNKNOWN
    ) -> tuple[str, Account, RoomId | None]:
        """Make an account for who asks; return a session's token, the account, and the room that the invite led to.

        Raises `Refused` where the operator, the invite, a name or the password stands against it.
        """
        if self._options.signup == "closed":
            raise Refused("signup_closed", "Accounts on this server are made by its administrators.", status=403)
        if self._options.signup == "invite" and not invite:
            raise Refused("invite_needed", "To make an account here you need an invite.", field="invite", status=403)
        used: list[Invite] = []
        if invite:
            await self._invites.look(invite)
        wanted = wish(name, display_name, newcomer_until=self._newcomer_until())

        def also(connection: Connection, _account: AccountId) -> None:
            # A unit may run again: what the last run found counts.
            used[:] = [self._used(connection, invite)] if invite else []

        account = await self._registry.make(wanted, password, also, last_check=self._count_signup)
        room = await self._admit(used, account)
        return await self._sessions.open(account, visit), account, room

    async def _admit(self, used: Sequence[Invite], account: Account) -> RoomId | None:
        """Bring a new account into the room of the invite that it came by; return the room, or None."""
        room = used[0].room if used else None
        if room is not None:
            try:
                await self._native.admit(room, account.person)
            except Refused as refusal:
                # The room was archived or deleted at this moment: the account is there, and good without it.
                logger.info("an invite led to a room that is closed", room=room, reason=refusal.message)
                room = None
        return room

    async def come_as_guest(
        self, invite: str, display_name: str, visit: Visit = UNKNOWN
    ) -> tuple[str, Account, RoomId]:
        """Let a guest into the room of an invite that takes guests; return a session's token, the account and the
        room. Raises `Refused`."""
        if not self._options.guests:
            raise Refused("guests_off", "This server takes no guests.", status=403)
        found = await self._invites.look(invite)
        if found.room is None or not found.guests:
            raise Refused(
                "not_for_guests", "This invite is for people with an account: sign in or sign up.",
                field="invite", status=403,
            )
        self._guests.check("")

        def also(connection: Connection, _account: AccountId) -> None:
            self._used(connection, invite)

        account = await self._registry.add_guest(display_name, also)
        try:
            await self._native.admit(found.room, account.person)
        except BaseException:
            await self._invites.give_back(found)
            await self._registry.close(account)
            raise
        return await self._sessions.open(account, visit), account, found.room

    def _used(self, connection: Connection, token: str) -> Invite:
        """Count one use of an invite, whose room is there for people; raise `Refused`."""
        used = self._invites.spend(connection, token)
        room = rooms.get(connection, used.room) if used.room is not None else None
        if room is not None and (room.archived or room.deleted):
            raise Refused("invite_over", "The room of this invite is closed.", field="invite", status=410)
        return used
