"""Who is to be, and who is, in the chat of a link: the durable table behind the member scheduler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, or_, select, update

from bridge.model.ids import LinkId, NetworkId, PersonId
from bridge.store.tables import accounts, faces, links, members
from bridge.store.upsert import insert_or_ignore, insert_or_update


class Seat(msgspec.Struct, frozen=True):
    """A person's place in a link's chat: `wanted` and `actual` are `joined`, `left` or, actual only,
    `refused`; `shown` is the name to show there and `shown_set` the one that is shown."""

    link: LinkId
    person: PersonId
    wanted: str
    actual: str = "left"
    shown: str = ""
    shown_set: str | None = None
    reason: str = ""
    attempts: int = 0

    @property
    def settled(self) -> bool:
        """Tell whether there is nothing to do."""
        if self.wanted == "joined":
            return self.actual == "refused" or (self.actual == "joined" and self.shown == self.shown_set)
        return self.actual != "joined"


def _seat(row: Row[Any]) -> Seat:
    return Seat(
        link=row.link,
        person=row.person,
        wanted=row.wanted,
        actual=row.actual,
        shown=row.shown,
        shown_set=row.shown_set,
        reason=row.reason,
        attempts=row.attempts,
    )


def want(connection: Connection, seats: Iterable[Seat]) -> None:
    """Write what is wanted; what is actual stays as it is known."""
    _want(connection, seats, ("wanted", "shown"))


def want_anew(connection: Connection, seats: Iterable[Seat]) -> None:
    """Write what is wanted, and that the name has to be shown again even where it is the same."""
    _want(connection, seats, ("wanted", "shown", "shown_set"))


def evict(connection: Connection, seats: Iterable[Seat]) -> None:
    """Write that somebody of the chat's own network has to be sent out of it, as `Seat.reason` says."""
    insert_or_update(
        connection,
        members,
        [
            {
                "link": seat.link,
                "person": seat.person,
                "wanted": "left",
                "actual": "joined",
                "shown": seat.shown,
                "shown_set": None,
                "reason": seat.reason,
            }
            for seat in seats
        ],
        update=("wanted", "actual", "reason"),
    )


def empty(connection: Connection, link: LinkId) -> None:
    """Want everybody out of a link's chat."""
    connection.execute(update(members).where(members.c.link == link).values(wanted="left"))


def present(connection: Connection, link: LinkId) -> list[PersonId]:
    """Return whose ghosts are in a link's chat, as far as is known."""
    statement = select(members.c.person).where(members.c.link == link, members.c.actual == "joined")
    return [PersonId(person) for person in connection.scalars(statement)]


def _want(connection: Connection, seats: Iterable[Seat], update: tuple[str, ...]) -> None:
    insert_or_update(
        connection,
        members,
        [
            {
                "link": seat.link,
                "person": seat.person,
                "wanted": seat.wanted,
                "actual": "left",
                "shown": seat.shown,
                "shown_set": None,
            }
            for seat in seats
        ],
        update=update,
    )


def add_if_missing(connection: Connection, seat: Seat) -> None:
    """Insert a seat unless there is one."""
    insert_or_ignore(
        connection,
        members,
        [
            {
                "link": seat.link,
                "person": seat.person,
                "wanted": seat.wanted,
                "actual": seat.actual,
                "shown": seat.shown,
            }
        ],
    )


def get(connection: Connection, link: LinkId, person: PersonId) -> Seat | None:
    """Return a seat, or None."""
    row = connection.execute(select(members).where(members.c.link == link, members.c.person == person)).one_or_none()
    return None if row is None else _seat(row)


def held_until(connection: Connection, link: LinkId, person: PersonId) -> int:
    """Return until when a person who has not spoken is kept out of a link's chat (UTC milliseconds; 0: not at all):
    people who are new here get no ghost there before they speak, but one that they have already may come."""
    network = select(links.c.network).where(links.c.id == link).scalar_subquery()
    ghost = select(faces.c.person).where(
        faces.c.person == person,
        faces.c.network == network,
        faces.c.ghost.is_(True),
        faces.c.registered.is_(True),
    )
    statement = select(accounts.c.newcomer_until).where(accounts.c.person == person, ~ghost.exists())
    return connection.scalar(statement) or 0


def unsettled(connection: Connection, network: NetworkId) -> list[Seat]:
    """Return the seats of a network's links where something is to be done."""
    statement = (
        select(members)
        .join(links, links.c.id == members.c.link)
        .where(links.c.network == network)
        .where(
            or_(
                members.c.wanted != members.c.actual,
                members.c.shown.is_distinct_from(members.c.shown_set),
            )
        )
    )
    return [seat for seat in map(_seat, connection.execute(statement)) if not seat.settled]


def record(
    connection: Connection,
    link: LinkId,
    person: PersonId,
    actual: str,
    *,
    shown_set: str | None = None,
    reason: str = "",
) -> None:
    """Write what a network's chat shows."""
    values: dict[str, Any] = {"actual": actual, "reason": reason}
    if shown_set is not None:
        values["shown_set"] = shown_set
    connection.execute(update(members).where(members.c.link == link, members.c.person == person).values(**values))
