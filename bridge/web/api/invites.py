"""The API of invites to rooms: making and revoking them, and coming in with one."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bridge.core.rights import Action, may, refusal, standing
from bridge.model.errors import Refused
from bridge.model.ids import InviteId, NetworkId, PersonId, RoomId
from bridge.store.invites import Invite
from bridge.web.accounts.tokens import invite_url
from bridge.web.api.operations import Call, Made, Operation
from bridge.web.api.rooms import NOT_DONE, room_of
from bridge.web.api.shapes import RoomShape
from bridge.web.parts import WebParts
from bridge.web.places import Places

YEAR_SECONDS = 366 * 24 * 3600
OVER = ("no_such_invite", "invite_over")


class RoomInvite(msgspec.Struct):
    """An invite to a room; null as `expires_at` or `max_uses` is no limit, as `created_by` the operator of the
    machine. With `guests` it lets people in who have no account."""

    id: str
    created_by: str | None
    created_at: int
    expires_at: int | None
    uses: int
    max_uses: int | None
    guests: bool


class RoomInviteList(msgspec.Struct):
    """Open invites, the newest first: all for owners and moderators, one's own for others."""

    invites: list[RoomInvite]


class NewRoomInvite(msgspec.Struct):
    """An invite to a room; `expires_in` is in seconds. What is left out sets no limit."""

    expires_in: Annotated[int, Meta(ge=60, le=YEAR_SECONDS)] | None = None
    max_uses: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    guests: bool = False


class MadeRoomInvite(msgspec.Struct):
    """An invite and its link, which is shown this once."""

    invite: RoomInvite
    url: str


class InviteFrom(msgspec.Struct):
    """Somebody of another network, by its name for them."""

    user: Annotated[str, Meta(min_length=1, max_length=255)]
    network: Literal["matrix"] = "matrix"


class InvitedTo(msgspec.Struct):
    """As much of a room as who holds an invite to it may know."""

    name: str
    topic: str
    members: int


class Invitation(msgspec.Struct):
    """What an invite is for: a room, or null for the server alone."""

    room: InvitedTo | None
    guests: bool
    expires_at: int | UnsetType = UNSET
    uses_left: int | UnsetType = UNSET


class InvitesApi:
    """/rooms/{room}/invites and /invites."""

    def __init__(self, parts: WebParts, places: Places) -> None:
        self._view = parts.hub
        self._native = parts.native
        self._invites = parts.accounts.invites
        self._url = parts.url
        self._places = places

    def operations(self) -> list[Operation]:
        """Return what it does."""
        tag, many, one = "invites", "/rooms/{room}/invites", "/invites/{token}"
        return [
            Operation(
                "GET", many, "listInvites", "The open invites to a room.", tag, self.list_open,
                answer=RoomInviteList, refusals=NOT_DONE,
            ),
            Operation(
                "POST", many, "makeInvite", "Make an invite to a room.", tag, self.make,
                body=NewRoomInvite, answer=MadeRoomInvite, status=201, counts="change",
                refusals=(*NOT_DONE, "guests_off", "too_many_invites"),
            ),
            Operation(
                "DELETE", f"{many}/{{invite}}", "revokeInvite", "End an invite to a room.", tag, self.revoke,
                counts="change", refusals=(*NOT_DONE, "no_such_invite"),
            ),
            Operation(
                "POST", "/rooms/{room}/invited", "inviteFrom", "Invite a Matrix user to the room's Matrix room.", tag,
                self.invite_from, body=InviteFrom, counts="change",
                refusals=(*NOT_DONE, "not_on_network", "not_invited", "busy"),
            ),
            Operation(
                "GET", one, "showInvite", "What an invite is for.", tag, self.show,
                answer=Invitation, door="open", refusals=OVER,
            ),
            Operation(
                "POST", one, "useInvite", "Come into the room of an invite.", tag, self.use,
                answer=RoomShape, counts="change",
                refusals=(*OVER, "no_room_invite", "not_for_guests", "room_archived", "no_such_room"),
            ),
        ]

    async def list_open(self, call: Call) -> RoomInviteList:
        """Answer the open invites to a room."""
        room = room_of(call)
        everyones = await self._may(room, call.person, "invite")
        found = await self._invites.open_ones(room)
        return RoomInviteList([_shape(each) for each in found if everyones or each.created_by == call.person])

    async def make(self, call: Call) -> Made:
        """Make an invite; its link is shown this once."""
        body: NewRoomInvite = call.body
        room = room_of(call)
        await self._may(room, call.person, "invite_guests" if body.guests else "invite")
        made, token = await self._invites.make(
            call.person, room=room, guests=body.guests, expires_in=body.expires_in, max_uses=body.max_uses
        )
        return Made(MadeRoomInvite(_shape(made), invite_url(self._url, token)), 201)

    async def revoke(self, call: Call) -> None:
        """End an invite: one's own, or as a moderator anybody's."""
        room, invite = room_of(call), InviteId(call.path["invite"])
        if not await self._may(room, call.person, "invite"):
            own = (each.id for each in await self._invites.open_ones(room) if each.created_by == call.person)
            if invite not in own:
                raise Refused("no_such_invite", "There is no such invite of yours.", field="invite", status=404)
        await self._invites.revoke(invite, room)

    async def invite_from(self, call: Call) -> None:
        """Have somebody of another network invited there."""
        room, body = room_of(call), call.body
        await self._places.visible(room, call.person)
        await self._native.invite_from(room, call.person, NetworkId(body.network), body.user)

    async def _may(self, room: RoomId, person: PersonId, action: Action) -> bool:
        """Raise `Refused` where a person may not do something; tell whether everybody's invites are theirs to see."""
        place = await self._places.visible(room, person)
        state, who, admin = await self._view.state(room), standing(place), await self._view.is_admin(person)
        if (against := refusal(action, who, state.room, admin=admin)) is not None:
            raise against
        return may("kick", who, state.room, admin=admin)

    async def show(self, call: Call) -> Invitation:
        """Answer what an invite is for; who holds it may know the room's name."""
        invite = await self._invites.look(call.path["token"], field="token")
        return Invitation(
            None if invite.room is None else await self._room(invite.room),
            invite.guests,
            UNSET if invite.expires_at is None else invite.expires_at,
            UNSET if invite.uses_left is None else invite.uses_left,
        )

    async def _room(self, room: RoomId) -> InvitedTo:
        snapshot = await self._view.snapshot(room)
        if snapshot is None or snapshot.room.archived:
            raise Refused("invite_over", "The room of this invite is closed.", field="token", status=410)
        return InvitedTo(snapshot.room.name, snapshot.room.topic, len(snapshot.members))

    async def use(self, call: Call) -> RoomShape:
        """Bring the visitor into the room; for who is there already nothing is used up."""
        token = call.path["token"]
        invite = await self._invites.look(token, field="token")
        if call.session.account.kind == "guest" and not invite.guests:
            raise Refused(
                "not_for_guests", "This invite is for people with an account: sign up first.", field="token", status=403
            )
        room = invite.room
        if room is None or not await self._is_there(room, call.person):
            room = await self._invites.enter(token, lambda room: self._native.admit(room, call.person))
        return await self._places.shape(room, call.person)

    async def _is_there(self, room: RoomId, person: PersonId) -> bool:
        member = await self._view.member(room, person)
        return member is not None and member.joined


def _shape(of: Invite) -> RoomInvite:
    return RoomInvite(of.id, of.created_by, of.created_at, of.expires_at, of.uses, of.max_uses, of.guests)
