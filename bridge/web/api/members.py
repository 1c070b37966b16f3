"""The API of the people in a room: who they are, what they may do, and sending them away."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from bridge.core.native import REASON_CHARS
from bridge.model.ids import PersonId
from bridge.store import rooms
from bridge.web.api import shapes
from bridge.web.api.operations import Call, Operation
from bridge.web.api.rooms import MOST, NOT_DONE, Id, Query, room_of
from bridge.web.api.shapes import MemberShape
from bridge.web.avatars import PICTURES, Avatars
from bridge.web.parts import WebParts
from bridge.web.places import Places, no_such_room


class MemberList(msgspec.Struct):
    """A page of people in a room, by the name that is shown; `next` is what to give as `after` for the page that
    follows, if there is one."""

    members: list[MemberShape]
    next: str | UnsetType = UNSET


class MembersQuery(msgspec.Struct):
    """Which people: those whose shown name holds `q`, from the one after the person `after` on."""

    q: Query = ""
    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 50


class Rank(msgspec.Struct):
    """The role that somebody is to have."""

    role: Literal["owner", "moderator", "member", "muted", "guest"]


class KickQuery(msgspec.Struct):
    """Why somebody is sent away, for all to read."""

    reason: Annotated[str, Meta(max_length=REASON_CHARS)] = ""


class MembersApi:
    """Everything below /rooms/{room}/members."""

    def __init__(self, parts: WebParts, places: Places, avatars: Avatars) -> None:
        self._db = parts.db
        self._view = parts.hub
        self._native = parts.native
        self._places = places
        self._avatars = avatars

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag, many = "members", "/rooms/{room}/members"
        one = f"{many}/{{person}}"
        return [
            Operation(
                "GET", many, "listMembers", "Who is in a room, by name.", tag, self.members,
                query=MembersQuery, answer=MemberList, refusals=("no_such_room",),
            ),
            Operation(
                "PATCH", one, "rankMember", "Give somebody in a room another role.", tag, self.rank,
                body=Rank, answer=MemberShape, counts="change",
                refusals=(*NOT_DONE, "no_such_member", "outranked", "last_owner"),
            ),
            Operation(
                "DELETE", one, "kickMember", "Send somebody out of a room.", tag, self.kick,
                query=KickQuery, counts="change", refusals=(*NOT_DONE, "no_such_member", "outranked"),
            ),
            Operation(
                "GET", f"{one}/avatar", "showMemberAvatar",
                "The picture of someone who is or was in a room.", tag, self.avatar,
                answers=PICTURES, also=(304,), refusals=("no_such_room", "no_picture"),
            ),
        ]

    async def members(self, call: Call) -> MemberList:
        """Answer a page of who is in a room."""
        room, query = room_of(call), call.query
        await self._places.visible(room, call.person)
        after = None if query.after is None else PersonId(query.after)
        found = await self._db.read(
            lambda c: rooms.search_members(c, room, query=query.q.strip(), after=after, limit=query.limit + 1)
        )
        shown = found[: query.limit]
        following = shown[-1].person if len(found) > len(shown) else UNSET
        return MemberList([shapes.member(each, room) for each in shown], following)

    async def rank(self, call: Call) -> MemberShape:
        """Give somebody another role; answer them as they are then."""
        room, person = room_of(call), PersonId(call.path["person"])
        await self._places.visible(room, call.person)
        await self._native.rank(room, call.person, person, call.body.role)
        member = await self._view.member(room, person)
        assert member is not None, "the rules have found the person in the room"
        return shapes.member(member, room)

    async def kick(self, call: Call) -> None:
        """Send somebody out."""
        room = room_of(call)
        await self._places.visible(room, call.person)
        await self._native.kick(room, call.person, PersonId(call.path["person"]), call.query.reason)

    async def avatar(self, call: Call) -> web.Response:
        """Answer the picture of someone who is or was in a room."""
        room = room_of(call)
        await self._places.visible(room, call.person)
        member = await self._view.member(room, PersonId(call.path["person"]))
        if member is None:
            raise no_such_room()
        return await self._avatars.show(call.request, member.avatar)
