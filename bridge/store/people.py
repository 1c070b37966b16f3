"""People, and what each network knows of them: their own faces there, and their ghosts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, or_, select, update

from bridge.model.clock import now_ms
from bridge.model.ids import NetworkId, PersonId
from bridge.model.people import Ghost, Person
from bridge.store.tables import accounts, faces, people
from bridge.store.upsert import insert_or_ignore


def _person(row: Row[Any]) -> Person:
    return Person(id=row.id, home=row.home, name=row.name, avatar=row.avatar, active=row.active)


def _ghost(row: Row[Any]) -> Ghost:
    return Ghost(
        person=row.person,
        network=row.network,
        remote_id=row.remote_id,
        registered=row.registered,
        device=row.device,
        name_set=row.name_set,
        avatar_set=row.avatar_set,
    )


def add(connection: Connection, person: Person) -> None:
    """Insert a person."""
    connection.execute(
        insert(people),
        {
            "id": person.id,
            "home": person.home,
            "name": person.name,
            "avatar": person.avatar,
            "active": person.active,
            "created_at": now_ms(),
        },
    )


def get(connection: Connection, person: PersonId) -> Person | None:
    """Return a person, or None."""
    row = connection.execute(select(people).where(people.c.id == person)).one_or_none()
    return None if row is None else _person(row)


def get_many(connection: Connection, wanted: Iterable[PersonId]) -> dict[PersonId, Person]:
    """Return those of the people that exist, by ID."""
    rows = connection.execute(select(people).where(people.c.id.in_(list(wanted))))
    return {row.id: _person(row) for row in rows}


def guests(connection: Connection, wanted: Iterable[PersonId]) -> set[PersonId]:
    """Return those of the people who are guests: their account came with an invite, and is nobody's for long."""
    statement = select(accounts.c.person).where(accounts.c.person.in_(list(wanted)), accounts.c.kind == "guest")
    return {PersonId(person) for person in connection.scalars(statement)}


def with_accounts(
    connection: Connection, wanted: str, *, but: PersonId, exact: bool = False, limit: int = 20
) -> list[Person]:
    """Return up to `limit` people with accounts of their own (no guests, nobody who was deactivated) by name: those
    whose login name is `wanted`, and unless `exact` those whose name holds it."""
    names = func.lower(people.c.name), accounts.c.name
    fits = func.lower(accounts.c.name) == wanted.lower()
    if not exact:
        fits = or_(fits, *(each.contains(wanted.lower(), autoescape=True) for each in names))
        fits = or_(fits, people.c.name.contains(wanted, autoescape=True))
    statement = _with_account().where(people.c.id != but, fits).order_by(names[0], people.c.id).limit(limit)
    return [_person(row) for row in connection.execute(statement)]


def with_account(connection: Connection, person: PersonId) -> Person | None:
    """Return somebody with an account of their own, or None."""
    row = connection.execute(_with_account().where(people.c.id == person)).one_or_none()
    return None if row is None else _person(row)


def _with_account() -> Select[Any]:
    return (
        select(people)
        .join(accounts, accounts.c.person == people.c.id)
        .where(accounts.c.kind == "full", accounts.c.active.is_(True), people.c.active.is_(True))
    )


def save(connection: Connection, person: Person) -> None:
    """Write what may change in a person."""
    connection.execute(
        update(people)
        .where(people.c.id == person.id)
        .values(name=person.name, avatar=person.avatar, active=person.active)
    )


def by_face(connection: Connection, network: NetworkId, remote_id: str) -> Person | None:
    """Return the person whose own face on `network` has this ID; ghosts do not count."""
    row = connection.execute(
        select(people)
        .join(faces, faces.c.person == people.c.id)
        .where(faces.c.network == network, faces.c.remote_id == remote_id, faces.c.ghost.is_(False))
    ).one_or_none()
    return None if row is None else _person(row)


def own_face(connection: Connection, person: PersonId, network: NetworkId) -> str | None:
    """Return the ID of a person's own face on a network, or None."""
    return connection.scalar(
        select(faces.c.remote_id).where(
            faces.c.person == person, faces.c.network == network, faces.c.ghost.is_(False)
        )
    )


def add_face(connection: Connection, person: PersonId, network: NetworkId, remote_id: str) -> None:
    """Bind a person to their own face on a network."""
    connection.execute(
        insert(faces),
        {
            "person": person,
            "network": network,
            "remote_id": remote_id,
            "ghost": False,
            "registered": True,
            "device": False,
        },
    )


def ghost(connection: Connection, person: PersonId, network: NetworkId, remote_id: str) -> Ghost:
    """Return the person's ghost on a network; its row is made where it is missing."""
    insert_or_ignore(
        connection,
        faces,
        [
            {
                "person": person,
                "network": network,
                "remote_id": remote_id,
                "ghost": True,
                "registered": False,
                "device": False,
            }
        ],
    )
    row = connection.execute(select(faces).where(faces.c.person == person, faces.c.network == network)).one()
    return _ghost(row)


def save_ghost(connection: Connection, known: Ghost) -> None:
    """Write which steps of a ghost's making are done."""
    connection.execute(
        update(faces)
        .where(faces.c.person == known.person, faces.c.network == known.network)
        .values(
            registered=known.registered,
            device=known.device,
            name_set=known.name_set,
            avatar_set=known.avatar_set,
        )
    )


def stale_ghosts(connection: Connection, network: NetworkId) -> list[PersonId]:
    """Return the people whose registered ghost shows an older name or avatar than theirs."""
    statement = (
        select(people.c.id)
        .join(faces, faces.c.person == people.c.id)
        .where(faces.c.network == network, faces.c.ghost.is_(True), faces.c.registered.is_(True))
        .where(
            faces.c.name_set.is_distinct_from(people.c.name)
            | (func.coalesce(faces.c.avatar_set, "") != people.c.avatar)
        )
    )
    return [PersonId(person) for person in connection.scalars(statement)]
