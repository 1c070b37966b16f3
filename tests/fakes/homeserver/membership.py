"""Joins, leaves, invitations, kicks and bans, and the names that travel with them."""

from __future__ import annotations

from tests.fakes.homeserver import authority
from tests.fakes.homeserver.errors import MatrixError, bad_request, forbidden
from tests.fakes.homeserver.timeline import Timeline
from tests.fakes.homeserver.world import Content, Event, Room, World


class Memberships:
    """The rules of membership; every change is one m.room.member event."""

    def __init__(self, world: World, timeline: Timeline) -> None:
        self._world = world
        self._timeline = timeline

    def face(self, user_id: str) -> Content:
        """The display name and avatar that a member event of this user carries."""
        user = self._world.users.get(user_id)
        profile = user.profile if user else {}
        return {key: profile[key] for key in ("displayname", "avatar_url") if profile.get(key)}

    def change(
        self,
        room: Room,
        actor: str,
        target: str,
        membership: str,
        *,
        reason: str | None = None,
        extra: Content | None = None,
        ts: int | None = None,
    ) -> Event:
        """Bring `target` to `membership` if `actor` may; the same again is no new event."""
        content: Content = {"membership": membership, **(extra or {})}
        if reason is not None:
            content["reason"] = reason
        if membership == "join":
            self._check_join(room, actor, target)
            content = self.face(target) | content
        elif membership == "invite":
            self._check_invite(room, actor, target)
            content = self.face(target) | content
        elif membership == "ban":
            self._check_actor(room, actor)
            authority.check_ban(room, actor, target)
        elif membership == "leave":
            self._check_leave(room, actor, target)
        else:
            raise bad_request(f"{membership} is no membership that this server handles")
        present = room.state.get(("m.room.member", target))
        if present is not None and present.content == content:
            return present
        return self._timeline.append(room, actor, "m.room.member", content, state_key=target, ts=ts)

    def unban(self, room: Room, actor: str, target: str) -> Event:
        """Lift a ban; 403 M_BAD_STATE when there is none."""
        self._check_actor(room, actor)
        now = room.membership(target)
        if now != "ban":
            raise MatrixError(403, "M_BAD_STATE", f"Cannot unban user who was not banned (membership={now})")
        authority.check_above(room, actor, target, "ban", "You don't have permission to unban")
        return self._timeline.append(room, actor, "m.room.member", {"membership": "leave"}, state_key=target)

    def kick(self, room: Room, actor: str, target: str, reason: str | None) -> Event:
        """Remove somebody who is in the room or invited."""
        self._check_actor(room, actor)
        if room.membership(target) == "ban":
            raise MatrixError(403, "M_BAD_STATE", "Cannot kick user who was banned")
        if room.membership(target) not in ("join", "invite", "knock"):
            raise forbidden("The target user is not in the room")
        return self.change(room, actor, target, "leave", reason=reason)

    def propagate(self, user_id: str) -> None:
        """Tell every room that the user is in of a new name or avatar."""
        for room in self._world.rooms.values():
            if room.membership(user_id) == "join":
                self.change(room, user_id, user_id, "join")

    def _check_actor(self, room: Room, actor: str) -> None:
        if room.membership(actor) != "join":
            raise forbidden(f"{actor} not in room {room.room_id}.")

    def _check_join(self, room: Room, actor: str, target: str) -> None:
        if actor != target:
            raise forbidden("Cannot force another user to join.")
        now = room.membership(target)
        if now == "ban":
            raise MatrixError(403, "M_BAD_STATE", "Cannot join user who was banned")
        if now in ("join", "invite") or (target in room.creators and len(room.events) == 1):
            return
        rules = room.get("m.room.join_rules")
        if rules.get("join_rule") == "public" or self._restricted(rules, target):
            return
        raise forbidden("You are not invited to this room.")

    def _restricted(self, rules: Content, user_id: str) -> bool:
        """Whether a restricted room lets the user in, being in one of the rooms that it names."""
        if rules.get("join_rule") not in ("restricted", "knock_restricted"):
            return False
        named = [self._world.rooms.get(item.get("room_id", "")) for item in rules.get("allow", [])]
        return any(room is not None and room.membership(user_id) == "join" for room in named)

    def _check_invite(self, room: Room, actor: str, target: str) -> None:
        self._check_actor(room, actor)
        if room.membership(target) == "ban":
            raise MatrixError(403, "M_BAD_STATE", "Cannot invite user who was banned")
        if room.membership(target) == "join":
            raise forbidden(f"{target} is already in the room.")
        if authority.user_level(room, actor) < authority.needed(room, "invite"):
            raise forbidden("You don't have permission to invite users")

    def _check_leave(self, room: Room, actor: str, target: str) -> None:
        if actor == target:
            if room.membership(actor) not in ("join", "invite", "knock"):
                raise forbidden(f"{actor} not in room {room.room_id}.")
            return
        authority.check_above(room, actor, target, "kick", f"You cannot kick user {target}.")
