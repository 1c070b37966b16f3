"""The one place where events come into being: appended to their room, in stream order, and told to listeners."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.fakes.homeserver import authority
from tests.fakes.homeserver.errors import MatrixError, bad_request, not_found
from tests.fakes.homeserver.formats import check_canonical, pruned, rendered, stripped, too_large
from tests.fakes.homeserver.world import Content, Event, Listener, RequesterKey, Room, World

_STRIPPED = (
    "m.room.create",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.encryption",
    "m.room.avatar",
    "m.room.name",
    "m.room.topic",
)
_STATE_ONLY = ("m.room.name", "m.room.topic", "m.room.power_levels", "m.room.join_rules", "m.room.canonical_alias")


class Timeline:
    """Appends events under the rules of rooms, and lets long polls wait for the next one."""

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        self.world = world
        self._clock = clock
        self.listeners: list[Listener] = []
        self._changed = asyncio.Event()

    def now(self) -> int:
        """Milliseconds since 1970 by the server's clock."""
        return int(self._clock() * 1000)

    def room(self, room_id: str) -> Room | None:
        """A room by its ID."""
        return self.world.rooms.get(room_id)

    def wake(self) -> None:
        """Let everybody who waits in `change` look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Return when anything happened after this call."""
        await self._changed.wait()

    def show(self, event: Event, **how: Any) -> Content:
        """`formats.rendered` at the present time."""
        return rendered(event, self.world.rooms[event.room_id], self.now(), **how)

    def append(
        self,
        room: Room,
        sender: str,
        type: str,
        content: Content,
        *,
        state_key: str | None = None,
        ts: int | None = None,
        redacts: str | None = None,
        hidden: bool = False,
        event_id: str | None = None,
        sent_as: tuple[RequesterKey, str] | None = None,
    ) -> Event:
        """Store an event without asking who may; 413 when it is too large."""
        if too_large(content):
            raise MatrixError(413, "M_TOO_LARGE", "event too large")
        world = self.world
        event = Event(
            position=len(world.events) + 1,
            event_id=event_id or "$" + world.opaque("event"),
            room_id=room.room_id,
            type=type,
            sender=sender,
            content=content,
            ts=self.now() if ts is None else ts,
            state_key=state_key,
            redacts=redacts,
            hidden=hidden,
            sent_as=sent_as,
        )
        before = {user for user in room.memberships if room.membership(user) == "join"}
        if state_key is not None:
            self._set_state(room, event)
        event.interested = self._interested(room, event, before)
        room.events.append(event)
        world.events.append(event)
        world.by_id[event.event_id] = event
        for listener in self.listeners:
            listener.stored(event)
        self.wake()
        return event

    def _set_state(self, room: Room, event: Event) -> None:
        assert event.state_key is not None
        key = (event.type, event.state_key)
        event.replaces = room.state.get(key)
        if event.type == "m.room.member":
            if event.membership == "invite":
                keys = [(type, "") for type in _STRIPPED] + [("m.room.member", event.sender)]
                event.stripped_state = [stripped(room.state[name]) for name in keys if name in room.state]
            room.memberships.setdefault(event.state_key, []).append((event.position, event.membership))
        room.state[key] = event

    def _interested(self, room: Room, event: Event, members_before: set[str]) -> tuple[str, ...]:
        """The application services that the event will be pushed to: one of their users is in the room or meant."""
        if event.hidden:
            return ()
        concerned = members_before | set(room.users()) | {event.sender}
        if event.type == "m.room.member" and event.state_key is not None:
            concerned.add(event.state_key)
        aliases = [alias for alias, (room_id, _) in self.world.aliases.items() if room_id == room.room_id]
        return tuple(
            service.id
            for service in self.world.appservices.values()
            if any(service.owns_user(user) for user in concerned) or any(service.owns_alias(one) for one in aliases)
        )

    def send(
        self,
        room_id: str,
        sender: str,
        type: str,
        content: Content,
        *,
        ts: int | None = None,
        sent_as: tuple[RequesterKey, str] | None = None,
    ) -> Event:
        """A message event of a user, under the rules of the room."""
        check_canonical(content)
        if type == "m.room.member":
            raise MatrixError(500, "M_UNKNOWN", "Tried to send member event through non-member codepath")
        if type in _STATE_ONLY:
            raise bad_request(f"'{type}' must be state events")
        if type == "m.room.message":
            _check_message(content)
        room = self._joined(room_id, sender)
        authority.check_send(room, sender, type, None)
        self._check_relation(room, sender, type, content)
        event = self.append(room, sender, type, content, ts=ts, sent_as=sent_as)
        self._note_edit(event)
        return event

    def put_state(
        self, room_id: str, sender: str, type: str, state_key: str, content: Content, *, ts: int | None = None
    ) -> Event:
        """Set state (anything but membership); the same content again gives back the event that is there."""
        check_canonical(content)
        room = self._joined(room_id, sender)
        authority.check_send(room, sender, type, state_key)
        if type == "m.room.create":
            raise MatrixError(500, "M_UNKNOWN", "Internal server error")
        if type == "m.room.power_levels":
            authority.check_levels(room.version, room.creators, content)
            authority.check_change(room, sender, content)
        if type == "m.room.canonical_alias":
            self._check_aliases(room, content)
        present = room.state.get((type, state_key))
        if present is not None and present.content == content and present.sender == sender:
            return present
        return self.append(room, sender, type, content, state_key=state_key, ts=ts)

    def redact(
        self,
        room_id: str,
        sender: str,
        target_id: str,
        content: Content,
        *,
        ts: int | None = None,
        sent_as: tuple[RequesterKey, str] | None = None,
    ) -> Event:
        """Redact an event; a second redaction of the same event is one more event."""
        room = self._joined(room_id, sender)
        authority.check_send(room, sender, "m.room.redaction", None)
        target = self.world.by_id.get(target_id)
        if target is None or target.room_id != room_id:
            if authority.user_level(room, sender) < authority.needed(room, "redact"):
                raise not_found(f"Could not find event {target_id}")
            target = None
        else:
            authority.check_redact(room, sender, target)
        event = self.append(
            room,
            sender,
            "m.room.redaction",
            {**content, "redacts": target_id},
            ts=ts,
            redacts=target_id,
            # The redaction of an event that nobody knows is accepted and shown to nobody.
            hidden=target is None,
            sent_as=sent_as,
        )
        if target is not None and target.redacted_by is None:
            target.redacted_by = event
            target.content = pruned(target)
        return event

    def _joined(self, room_id: str, user_id: str) -> Room:
        room = self.room(room_id)
        authority.check_joined(room or Room(room_id, "12", frozenset()), user_id)
        assert room is not None
        return room

    def _check_relation(self, room: Room, sender: str, type: str, content: Content) -> None:
        relation = content.get("m.relates_to")
        if not isinstance(relation, dict) or relation.get("rel_type") != "m.annotation":
            return
        if relation.get("event_id") not in self.world.by_id:
            raise bad_request("Can't send relation to unknown event")
        for event in room.events:
            same = event.type == type and event.sender == sender and event.redacted_by is None
            if same and event.content.get("m.relates_to") == relation:
                raise bad_request("Can't send same reaction twice", "M_DUPLICATE_ANNOTATION")

    def _note_edit(self, event: Event) -> None:
        relation = event.content.get("m.relates_to")
        if isinstance(relation, dict) and relation.get("rel_type") == "m.replace":
            target = self.world.by_id.get(str(relation.get("event_id")))
            if target is not None and (target.sender, target.type) == (event.sender, event.type):
                target.edited_by = event

    def _check_aliases(self, room: Room, content: Content) -> None:
        named = [content.get("alias"), *content.get("alt_aliases", ())]
        old = room.get("m.room.canonical_alias")
        known = {old.get("alias"), *old.get("alt_aliases", ())}
        for alias in named:
            if alias and alias not in known and self.world.aliases.get(alias, ("", ""))[0] != room.room_id:
                raise bad_request(f"Room alias {alias} does not point to the room", "M_BAD_ALIAS")


def _check_message(content: Content) -> None:
    for key in ("body", "msgtype"):
        if key not in content:
            raise bad_request(f"'{key}' not in content")
        if not isinstance(content[key], str):
            raise bad_request(f"'{key}' not a string type")
