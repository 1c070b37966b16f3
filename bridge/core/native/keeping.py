"""How a room is kept by its owner and moderators: its description and settings, roles, and who has to go."""

from __future__ import annotations

from bridge.core.decide_settings import TOPIC_CHARS
from bridge.core.items import Deletion
from bridge.core.native.desk import Desk
from bridge.core.ports import CanInvite
from bridge.core.rights import refusal, standing
from bridge.model.clock import now_ms
from bridge.model.errors import NetworkError, Refused, Rejected
from bridge.model.events import Configured, Described, Left, Ranked
from bridge.model.ids import NetworkId, PersonId, RoomId, new_id
from bridge.model.people import Role
from bridge.model.rooms import Access, History

REASON_CHARS = 500


class Keeping:
    """Changes to rooms, and to other people in them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def describe(
        self,
        room: RoomId,
        person: PersonId,
        *,
        name: str | None = None,
        topic: str | None = None,
        avatar: str | None = None,
    ) -> None:
        """Change a room's name, topic or picture (an opaque reference, "" for none)."""
        if topic is not None and len(topic) > TOPIC_CHARS:
            raise Refused("topic_too_long", f"A topic may have {TOPIC_CHARS} characters.", field="topic")
        await self._desk.submit(room, person, Described(name=name, topic=topic, avatar=avatar), new_id("described-"))

    async def configure(
        self,
        room: RoomId,
        person: PersonId,
        *,
        access: Access | None = None,
        history: History | None = None,
        slow_seconds: int | None = None,
        archived: bool | None = None,
    ) -> None:
        """Change a room's settings; it is opened before and archived after the others are changed."""
        settings = Configured(access=access, history=history, slow_seconds=slow_seconds)
        steps = [settings] if settings != Configured() else []
        if archived is not None:
            steps.insert(len(steps) if archived else 0, Configured(archived=archived))
        for step in steps:
            await self._desk.submit(room, person, step, new_id("configured-"))

    async def rank(self, room: RoomId, by: PersonId, person: PersonId, role: Role) -> None:
        """Give somebody in the room another role."""
        await self._desk.submit(room, by, Ranked(person, role), new_id("ranked-"))

    async def kick(self, room: RoomId, by: PersonId, person: PersonId, reason: str = "") -> None:
        """Send somebody out of the room, who may come back where the room is open to them."""
        if len(reason) > REASON_CHARS:
            raise Refused("bad_field", f"A reason may have {REASON_CHARS} characters.", field="reason")
        if by == person:
            raise Refused("bad_field", "To go yourself, leave the room.", field="person")
        content = Left(how="kicked", by=by, reason=reason.strip())
        await self._desk.submit(room, person, content, new_id("kicked-"))

    async def invite_from(self, room: RoomId, by: PersonId, network: NetworkId, remote_id: str) -> None:
        """Invite somebody of another network, by its name for them, to the room's chat there."""
        shown, members = await self._desk.room(room)
        hub = self._desk.hub
        against = refusal("invite", standing(members.get(by)), shown, admin=await hub.is_admin(by))
        if against is not None:
            raise against
        found = hub.network(network)
        link = next((each for each in (await hub.state(room)).links.values() if each.network == network), None)
        if link is None or not link.open or found is None or not isinstance(found, CanInvite):
            raise Refused("not_on_network", "The room is not there now.", field="network", status=409)
        try:
            await found.invite(link, remote_id)
        except Rejected as error:
            raise Refused("not_invited", f"The other side says: {error.told}.", field="user", status=409) from error
        except NetworkError as error:
            raise Refused("busy", "The other network cannot be reached: try again.", status=503) from error

    async def delete(self, room: RoomId, person: PersonId) -> None:
        """Delete a room: it is gone for everybody when this returns; what was said is erased soon after."""
        await self._desk.send(room, Deletion(person, now_ms()))
