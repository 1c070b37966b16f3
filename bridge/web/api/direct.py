"""The API of conversations of two people: finding the other one, and the one room for both."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from bridge.model.ids import PersonId
from bridge.store import people
from bridge.web.api import shapes
from bridge.web.api.operations import Call, Operation
from bridge.web.api.rooms import Id
from bridge.web.api.shapes import OtherShape, RoomShape
from bridge.web.avatars import PICTURES, Avatars
from bridge.web.parts import WebParts
from bridge.web.places import Places

FOUND = 20
"""How many people one search answers."""


class PeopleQuery(msgspec.Struct):
    """Whom one looks for: at least two characters of a name, or a whole login name."""

    q: Annotated[str, Meta(min_length=1, max_length=64)]


class PeopleList(msgspec.Struct):
    """People with accounts here, by name."""

    people: list[OtherShape]


class Conversation(msgspec.Struct):
    """The other one, by the ID of their person."""

    person: Id


class DirectApi:
    """/direct and /people."""

    def __init__(self, parts: WebParts, places: Places, avatars: Avatars) -> None:
        self._db = parts.db
        self._view = parts.hub
        self._native = parts.native
        self._places = places
        self._avatars = avatars

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag = "direct"
        return [
            Operation(
                "GET", "/people", "findPeople", "People whom one can write to.", tag, self.people,
                query=PeopleQuery, answer=PeopleList, door="full", refusals=("no_guests",),
            ),
            Operation(
                "GET", "/people/{person}/avatar", "showPersonAvatar", "The picture of somebody with an account here.",
                tag, self.avatar, answers=PICTURES, also=(304,), door="full", refusals=("no_guests", "no_picture"),
            ),
            Operation(
                "POST", "/direct", "openConversation", "The one conversation with somebody.", tag, self.open,
                body=Conversation, answer=RoomShape, counts="change", door="full",
                refusals=("no_guests", "no_such_person", "busy"),
            ),
        ]

    async def people(self, call: Call) -> PeopleList:
        """Answer people whom the visitor can write to."""
        wanted = call.query.q.strip()
        found = await self._db.read(
            lambda c: people.with_accounts(c, wanted, but=call.person, exact=len(wanted) < 2, limit=FOUND)
        )
        return PeopleList([shapes.other(each) for each in found])

    async def avatar(self, call: Call) -> web.Response:
        """Answer somebody's picture; people of other networks and guests have theirs in rooms only."""
        person = PersonId(call.path["person"])
        found = await self._db.read(lambda c: people.with_account(c, person))
        return await self._avatars.show(call.request, "" if found is None else found.avatar)

    async def open(self, call: Call) -> RoomShape:
        """Answer the conversation, made where it is missing."""
        room = await self._native.direct(call.person, PersonId(call.body.person))
        return await self._places.shape(room.id, call.person)
