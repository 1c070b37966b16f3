"""Invites to a room, or to the server alone; only the hash of an invite's token is stored."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from bridge.model.ids import InviteId, PersonId, RoomId
from bridge.store.tables import invites


class Invite(msgspec.Struct, frozen=True):
    """Lets its holder into `room` (and in `signup: invite` onto the server), or onto the server alone where `room` is
    None; with `guests` also who has no account. None as `expires_at` (UTC milliseconds) or `max_uses`: no limit."""

    id: InviteId
    room: RoomId | None
    guests: bool
    created_by: PersonId | None
    created_at: int
    expires_at: int | None = None
    uses: int = 0
    max_uses: int | None = None
    revoked_at: int | None = None

    def is_open(self, at: int) -> bool:
        """Tell whether it can be used at the time `at`."""
        spent = self.max_uses is not None and self.uses >= self.max_uses
        expired = self.expires_at is not None and self.expires_at <= at
        return self.revoked_at is None and not spent and not expired

    @property
    def uses_left(self) -> int | None:
        """Return how often it can still be used; None is as often as people like."""
        return None if self.max_uses is None else max(0, self.max_uses - self.uses)


def _invite(row: Row[Any]) -> Invite:
    return Invite(
        id=row.id,
        room=row.room,
        guests=row.guests,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        uses=row.uses,
        max_uses=row.max_uses,
        revoked_at=row.revoked_at,
    )


def _open(at: int) -> ColumnElement[bool]:
    return (
        invites.c.revoked_at.is_(None)
        & or_(invites.c.expires_at.is_(None), invites.c.expires_at > at)
        & or_(invites.c.max_uses.is_(None), invites.c.uses < invites.c.max_uses)
    )


def add(connection: Connection, invite: Invite, token_hash: str) -> None:
    """Insert an invite."""
    connection.execute(insert(invites), {"token_hash": token_hash, **msgspec.structs.asdict(invite)})


def by_token(connection: Connection, token_hash: str) -> Invite | None:
    """Return the invite of a token, be it open or over, or None."""
    row = connection.execute(select(invites).where(invites.c.token_hash == token_hash)).one_or_none()
    return None if row is None else _invite(row)


def open_ones(connection: Connection, room: RoomId | None, at: int) -> list[Invite]:
    """Return the invites to a room (None: to the server alone) that can be used, the newest first."""
    statement = select(invites).where(invites.c.room.is_not_distinct_from(room), _open(at))
    rows = connection.execute(statement.order_by(invites.c.created_at.desc(), invites.c.id))
    return [_invite(row) for row in rows]


def count_open(connection: Connection, room: RoomId | None, at: int) -> int:
    """Return how many invites to a room (None: to the server alone) can be used."""
    statement = select(func.count()).select_from(invites)
    return connection.scalar(statement.where(invites.c.room.is_not_distinct_from(room), _open(at))) or 0


def spend(connection: Connection, token_hash: str, at: int) -> Invite | None:
    """Count one use of an invite and return it, or None where it cannot be used: of two who come for the last use,
    one gets it."""
    statement = update(invites).where(invites.c.token_hash == token_hash, _open(at))
    counted = connection.execute(statement.values(uses=invites.c.uses + 1)).rowcount
    return by_token(connection, token_hash) if counted else None


def give_back(connection: Connection, invite: InviteId) -> None:
    """Take back one use, because it let nobody in."""
    statement = update(invites).where(invites.c.id == invite, invites.c.uses > 0)
    connection.execute(statement.values(uses=invites.c.uses - 1))


def revoke(connection: Connection, invite: InviteId, room: RoomId | None, at: int) -> bool:
    """End an invite to this room (None: to the server alone); tell False where there is none such that is open."""
    statement = update(invites).where(invites.c.id == invite, invites.c.room.is_not_distinct_from(room), _open(at))
    return connection.execute(statement.values(revoked_at=at)).rowcount > 0


def revoke_of(connection: Connection, person: PersonId, at: int, room: RoomId | None = None) -> None:
    """End all invites that a person made, or those to one room."""
    mine = (invites.c.created_by == person) & _open(at)
    _revoke(connection, mine if room is None else mine & (invites.c.room == room), at)


def revoke_to_server_of(connection: Connection, person: PersonId, at: int) -> None:
    """End the invites to the server alone that a person made."""
    _revoke(connection, (invites.c.created_by == person) & invites.c.room.is_(None) & _open(at), at)


def _revoke(connection: Connection, which: ColumnElement[bool], at: int) -> None:
    connection.execute(update(invites).where(which).values(revoked_at=at))


def forget(connection: Connection, before: int) -> None:
    """Delete invites that were revoked, or whose time was over, before `before` (UTC milliseconds)."""
    connection.execute(delete(invites).where(or_(invites.c.revoked_at < before, invites.c.expires_at < before)))
