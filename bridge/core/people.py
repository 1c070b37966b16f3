"""The people that Rialto knows: found by ID or by their face on a network, made when first seen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable

import msgspec
from sqlalchemy import Connection

from bridge.core.decisions import Rights
from bridge.model.ids import RIALTO, WEB, NetworkId, PersonId, new_person_id
from bridge.model.people import Person
from bridge.store import accounts, meta, people
from bridge.store.database import Database
from bridge.text.names import skeleton

CACHED = 50_000
BOT_NAME = "Rialto"
GUEST_HINT = "guest"
"""Stands behind the name of a guest that somebody else has too: a guest has no login name."""


class _Known(msgspec.Struct):
    """What is cached of a person; `rights` are made when they are first asked for."""

    person: Person
    hint: str
    admin: bool
    guest: bool = False
    rights: Rights | None = None


class People:
    """A cache over the people of the database; a few are kept in memory, all are in the tables."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: OrderedDict[PersonId, _Known] = OrderedDict()
        self._by_face: OrderedDict[tuple[NetworkId, str], PersonId] = OrderedDict()
        self._reserved: set[str] = set()
        self.bot = PersonId("")

    async def start(self) -> None:
        """Make the bot's person where it is missing, and learn the names of the admins."""
        self.bot = PersonId(await self._db.write(_bot))
        await self.reload_reserved()

    async def reload_reserved(self) -> None:
        """Learn again which names nobody but an admin may be shown under."""
        admins = await self._db.read(accounts.admin_names)
        self._reserved = {skeleton(name) for name in (BOT_NAME, *admins)}

    async def load(self, wanted: Iterable[PersonId]) -> None:
        """Bring people into memory, so that `rights` can answer."""
        missing: list[PersonId] = []
        for person in set(wanted):
            if person in self._known:
                # What is wanted now must not make room for what is loaded beside it.
                self._known.move_to_end(person)
            else:
                missing.append(person)
        if not missing:
            return
        for person, known in (await self._db.read(lambda c: _load(c, missing))).items():
            self._keep(person, known)

    def rights(self, person: PersonId) -> Rights:
        """Return what the rules need to know of a loaded person."""
        known = self._known.get(person)
        if known is None:
            raise LookupError(f"person {person} is not loaded")
        if known.rights is None or known.rights.reserved is not self._reserved:
            bot = person == self.bot
            reserved: Container[str] = frozenset() if bot else self._reserved
            known.rights = Rights(
                admin=known.admin or bot,
                reserved=reserved,
                hint=known.hint,
                home=known.person.home,
                guest=known.guest,
                active=known.person.active,
            )
        return known.rights

    async def get(self, person: PersonId) -> Person | None:
        """Return a person, or None."""
        await self.load([person])
        known = self._known.get(person)
        return None if known is None else known.person

    def forget(self, person: PersonId) -> None:
        """Drop what is cached of a person, because a row changed."""
        self._known.pop(person, None)

    async def at(self, network: NetworkId, remote_id: str, name: str) -> PersonId:
        """Return whose own face on `network` this is; someone new is made a person, called `name`."""
        key = (network, remote_id)
        found = self._by_face.get(key)
        if found is not None:
            self._by_face.move_to_end(key)
            return found
        known = await self._db.read(lambda c: people.by_face(c, network, remote_id))
        person = known.id if known is not None else await self._make(network, remote_id, name)
        self._by_face[key] = person
        if len(self._by_face) > CACHED:
            self._by_face.popitem(last=False)
        return person

    async def _make(self, network: NetworkId, remote_id: str, name: str) -> PersonId:
        person = Person(id=new_person_id(), home=network, name=name)

        def unit(connection: Connection) -> PersonId:
            known = people.by_face(connection, network, remote_id)
            if known is not None:
                return known.id
            people.add(connection, person)
            people.add_face(connection, person.id, network, remote_id)
            return person.id

        return await self._db.write(unit)

    def _keep(self, person: PersonId, known: _Known) -> None:
        self._known[person] = known
        while len(self._known) > CACHED:
            self._known.popitem(last=False)


def _bot(connection: Connection) -> str:
    person = meta.get_or_make(connection, "bot_person", new_person_id)
    if people.get(connection, PersonId(person)) is None:
        people.add(connection, Person(id=PersonId(person), home=RIALTO, name=BOT_NAME))
    return person


def _load(connection: Connection, wanted: list[PersonId]) -> dict[PersonId, _Known]:
    found: dict[PersonId, _Known] = {}
    guests = people.guests(connection, wanted)
    for person in people.get_many(connection, wanted).values():
        if person.home == WEB:
            account = accounts.by_person(connection, person.id)
            hint, admin = (account.name, account.admin) if account else (person.id, False)
            if person.id in guests:
                # Their account is named by an ID, which tells nobody anything.
                hint = "guest"
            if person.id in guests:
                hint = GUEST_HINT
        else:
            hint, admin = people.own_face(connection, person.id, person.home) or person.id, False
        found[person.id] = _Known(person, hint, admin, person.id in guests)
    return found
