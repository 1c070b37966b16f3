"""Invites: made, listed, looked at, used and revoked, to rooms and to the server alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import Connection

from bridge.model.errors import Refused
from bridge.model.ids import InviteId, PersonId, RoomId, new_invite_id
from bridge.store import invites
from bridge.store.database import Database
from bridge.store.invites import Invite
from bridge.web.accounts.options import DAY_MS, SECOND_MS, AccountOptions
from bridge.web.accounts.tokens import new_token, token_hash

MOST_OPEN = 100
"""So many invites to one room, and to the server alone, may be open at once."""
KEPT_MS = 30 * DAY_MS
"""For so long it can be told that an invite is over; then it is as if it had never been."""


class Invites:
    """All invites; who may make one is for the caller to know."""

    def __init__(self, db: Database, options: AccountOptions, clock: Callable[[], int]) -> None:
        self._db = db
        self._options = options
        self._clock = clock

    async def make(
        self,
        by: PersonId | None,
        *,
        room: RoomId | None = None,
        guests: bool = False,
        expires_in: int | None = None,
        max_uses: int | None = None,
    ) -> tuple[Invite, str]:
        """Make an invite to a room, or to the server alone; return it and its token, which is shown this once.

        `expires_in` is in seconds; None for it and for `max_uses` sets no limit. `by` None is the operator.
        """
        if guests and (room is None or not self._options.guests):
            raise Refused("guests_off", "This server takes no guests here.", field="guests", status=403)
        for field, number in (("expires_in", expires_in), ("max_uses", max_uses)):
            if number is not None and number < 1:
                raise Refused("bad_field", f"{field} must be at least 1.", field=field)
        at, token = self._clock(), new_token()
        invite = Invite(
            id=new_invite_id(),
            room=room,
            guests=guests,
            created_by=by,
            created_at=at,
            expires_at=None if expires_in is None else at + expires_in * SECOND_MS,
            max_uses=max_uses,
        )

        def unit(connection: Connection) -> None:
            if invites.count_open(connection, room, at) >= MOST_OPEN:
                raise Refused(
                    "too_many_invites", f"{MOST_OPEN} invites are open already: revoke one first.", status=409
                )
            invites.add(connection, invite, token_hash(token))

        await self._db.write(unit)
        return invite, token

    async def open_ones(self, room: RoomId | None) -> Sequence[Invite]:
        """Return the open invites to a room (None: to the server alone), the newest first."""
        return await self._db.read(lambda c: invites.open_ones(c, room, self._clock()))

    async def look(self, token: str, *, field: str = "invite") -> Invite:
        """Return the open invite of a token; raise `Refused` (404, or 410 where it is over)."""
        found = await self._db.read(lambda c: invites.by_token(c, token_hash(token)))
        return self._usable(found, field)

    def spend(self, connection: Connection, token: str, *, field: str = "invite") -> Invite:
        """Count one use in the transaction that gives what it is for; raise `Refused` where it cannot be used."""
        spent = invites.spend(connection, token_hash(token), self._clock())
        if spent is None:
            self._usable(invites.by_token(connection, token_hash(token)), field)
            raise _over(field)
        return spent

    async def enter(self, token: str, admit: Callable[[RoomId], Awaitable[None]]) -> RoomId:
        """Use an invite to a room: count one use, then `admit`, which brings somebody in; where that fails the use is
        given back. Returns the room. (A crash in between leaves a use counted: never are there more than allowed.)"""
        if (await self.look(token)).room is None:
            raise Refused("no_room_invite", "This invite leads to no room.", field="invite", status=409)
        invite = await self._db.write(lambda c: self.spend(c, token))
        assert invite.room is not None
        try:
            await admit(invite.room)
        except BaseException:
            await self.give_back(invite)
            raise
        return invite.room

    async def give_back(self, invite: Invite) -> None:
        """Take back one use, because it let nobody in."""
        await self._db.write(lambda c: invites.give_back(c, invite.id))

    async def revoke(self, invite: InviteId, room: RoomId | None) -> None:
        """End an open invite to this room (None: to the server alone); raise `Refused` (404) where there is none."""
        if not await self._db.write(lambda c: invites.revoke(c, invite, room, self._clock())):
            raise Refused("no_such_invite", "There is no such invite that is open.", field="id", status=404)

    async def drop_old(self) -> None:
        """Forget the invites that were over long ago."""
        await self._db.write(lambda c: invites.forget(c, self._clock() - KEPT_MS))

    def _usable(self, found: Invite | None, field: str) -> Invite:
        if found is None:
            raise Refused(
                "no_such_invite", "This invite is not known here: ask for a new one.", field=field, status=404
            )
        if not found.is_open(self._clock()):
            raise _over(field)
        return found


def _over(field: str) -> Refused:
    return Refused("invite_over", "This invite is over: ask for a new one.", field=field, status=410)
