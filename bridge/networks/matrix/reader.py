"""Reads the homeserver's events into items for a room (client-server API, room events)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bridge.core.items import Echo, Item, LinkChange, Skip, Submission
from bridge.model.clock import now_ms
from bridge.model.events import Content, Described, Edited, Event, Joined, Left, Origin, Removed, Said, Style, Told
from bridge.model.ids import MATRIX, RIALTO, EventId, PersonId, new_event_id
from bridge.model.rooms import Link
from bridge.networks.matrix.marker import Marker
from bridge.networks.matrix.naming import Naming
from bridge.store.inbox import InboxRow
from bridge.text.matrix_html import sanitize, to_text
from bridge.text.replies import strip_fallback

FindPerson = Callable[[str, str], Awaitable[PersonId]]

STYLES: dict[str, Style] = {"m.text": "text", "m.notice": "notice", "m.emote": "emote"}
SYMBOLS = {"m.image": "🖼", "m.video": "🎞", "m.audio": "🔊", "m.file": "📎", "m.location": "📍", "m.sticker": "🏷"}
"""Set before the name of what is not carried as itself yet."""
STATE = {"m.room.name": "name", "m.room.topic": "topic", "m.room.avatar": "url"}


class RawEvent(msgspec.Struct):
    """The fields of a client event that are read; `redacts` is at the top in room versions before 11."""

    event_id: str
    type: str
    sender: str
    content: dict[str, Any] = {}
    origin_server_ts: int = 0
    state_key: str | None = None
    redacts: str | None = None


class Reading(msgspec.Struct):
    """What one event means: items for the room, and what it says of a ghost's place (actual, reason)."""

    items: list[Item]
    ghost: PersonId | None = None
    actual: str = ""
    reason: str = ""


_decoder = msgspec.json.Decoder(RawEvent, strict=False)


class Reader:
    """Knows who is ours and whose marks to believe; `person` finds or makes the person behind a user ID."""

    def __init__(self, naming: Naming, marker: Marker, person: FindPerson, bot: PersonId) -> None:
        self._naming = naming
        self._marker = marker
        self._person = person
        self._bot = bot

    async def read(self, link: Link, row: InboxRow) -> Reading:
        """Read one row of the inbox; what is malformed or not for the room becomes a `Skip` with its reason."""
        origin = Origin(MATRIX, row.chat, row.origin)
        try:
            raw = _decoder.decode(row.raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _skip(origin, row, f"malformed: {error}")
        if raw.type == "m.room.encryption" and raw.state_key == "":
            return self._encrypted(link, origin, row)
        if raw.type == "m.room.member" and raw.state_key is not None:
            return await self._member(link, origin, row, raw)
        if self._naming.ours(raw.sender):
            return self._own(link, origin, row, raw)
        content, target = _content(raw, row.chat)
        if content is None:
            return _skip(origin, row, f"{raw.type} is not for the room")
        return await self._submission(link, origin, row, raw, raw.sender, content, target)

    async def _submission(
        self,
        link: Link,
        origin: Origin,
        row: InboxRow,
        raw: RawEvent,
        user_id: str,
        content: Content,
        target: Origin | None = None,
    ) -> Reading:
        name = content.name if isinstance(content, Joined) else user_id[1:].split(":", 1)[0]
        event = Event(
            id=new_event_id(),
            room=link.room,
            who=await self._person(user_id, name),
            at=_time(raw.origin_server_ts),
            origin=origin,
            content=content,
            hops=self._marker.hops(raw.content),
        )
        return Reading([Submission(event, target=target, inbox=row.id)])

    def _own(self, link: Link, origin: Origin, row: InboxRow, raw: RawEvent) -> Reading:
        """An event of our own bot or ghosts: an echo where it carries our mark."""
        marked = self._marker.read_delivery(raw.content)
        if marked is None or marked[0].link != link.id or marked[0].room != link.room:
            return _skip(origin, row, "our own")
        return Reading([Echo(origin, marked[0], marked[1], inbox=row.id)])

    async def _member(self, link: Link, origin: Origin, row: InboxRow, raw: RawEvent) -> Reading:
        """m.room.member: of our ghosts it tells where they are, of others who is in the room."""
        user_id, membership = raw.state_key or "", _text(raw.content.get("membership"))
        ghost = self._naming.person(user_id)
        if ghost is not None or user_id == self._naming.bot:
            reading = _skip(origin, row, "a place of our own")
            if ghost is not None and membership in ("leave", "ban") and not self._naming.ours(raw.sender):
                reading.ghost, reading.actual = ghost, "left" if membership == "leave" else "refused"
                reading.reason = f"{membership} by {raw.sender}: {_text(raw.content.get('reason'))}".rstrip(": ")
            return reading
        if membership == "join":
            name = _text(raw.content.get("displayname")) or user_id[1:].split(":", 1)[0]
            return await self._submission(
                link, origin, row, raw, user_id, Joined(name, _avatar(raw.content.get("avatar_url")))
            )
        if membership in ("leave", "ban"):
            left = await self._left(raw, user_id, membership)
            return await self._submission(link, origin, row, raw, user_id, left)
        return _skip(origin, row, f"membership {membership!r}")

    async def _left(self, raw: RawEvent, user_id: str, membership: str) -> Left:
        reason = _text(raw.content.get("reason"))
        if raw.sender == user_id:
            return Left(reason=reason)
        ghost = self._naming.person(raw.sender)
        if raw.sender == self._naming.bot:
            by = self._bot
        else:
            by = ghost or await self._person(raw.sender, raw.sender[1:].split(":", 1)[0])
        return Left(how="banned" if membership == "ban" else "kicked", by=by, reason=reason)

    def _encrypted(self, link: Link, origin: Origin, row: InboxRow) -> Reading:
        """The chat became encrypted: from now on nothing is written there, and the room is told once."""
        told = Event(
            id=new_event_id(),
            room=link.room,
            who=self._bot,
            at=now_ms(),
            origin=Origin(RIALTO, link.room, f"encrypted:{link.id}"),
            content=Told("encrypted", {"network": MATRIX}),
        )
        closed = msgspec.structs.replace(link, state="encrypted")
        items: list[Item] = [LinkChange(closed), Submission(told), Skip(origin, "encryption begins", row.id)]
        return Reading(items)


def _content(raw: RawEvent, chat: str) -> tuple[Content | None, Origin | None]:
    """Return what an event of someone else says, and what it is about."""
    if raw.type == "m.room.redaction":
        target = raw.redacts or raw.content.get("redacts")
        if not isinstance(target, str):
            return None, None
        return Removed(EventId(""), reason=_text(raw.content.get("reason"))), Origin(MATRIX, chat, target)
    if raw.type in STATE and raw.state_key == "":
        value = _text(raw.content.get(STATE[raw.type]))
        if raw.type == "m.room.avatar":
            return Described(avatar=_avatar(value)), None
        return (Described(name=value) if raw.type == "m.room.name" else Described(topic=value)), None
    if raw.type == "m.sticker":
        return _line({**raw.content, "msgtype": "m.sticker"}), None
    if raw.type != "m.room.message":
        return None, None
    relation = raw.content.get("m.relates_to")
    if isinstance(relation, dict) and relation.get("rel_type") == "m.replace":
        new, target = raw.content.get("m.new_content"), relation.get("event_id")
        # The new content may leave out what has not changed.
        line = _line({"msgtype": raw.content.get("msgtype"), **new}) if isinstance(new, dict) else None
        if line is None or not isinstance(target, str):
            return None, None
        edited = Edited(EventId(""), text=line.text, html=line.html, style=line.style)
        return edited, Origin(MATRIX, chat, target)
    return _line(raw.content, reply=isinstance(relation, dict) and "m.in_reply_to" in relation), None


def _line(content: dict[str, Any], *, reply: bool = False) -> Said | None:
    """Return the line of an m.room.message content, None where it has no readable body."""
    msgtype, body = content.get("msgtype"), content.get("body")
    if not isinstance(body, str) or not isinstance(msgtype, str):
        return None
    html = content.get("formatted_body") if content.get("format") == "org.matrix.custom.html" else None
    formatted = html if isinstance(html, str) else None
    if reply:
        body, formatted = strip_fallback(body, formatted)
    if msgtype in SYMBOLS:
        return Said(text=f"{SYMBOLS[msgtype]} {body}".strip())
    safe = sanitize(formatted) if formatted else ""
    text = body or to_text(safe)
    if not text.strip():
        return None
    return Said(text=text, html="" if safe == text else safe, style=STYLES.get(msgtype, "text"))


def _skip(origin: Origin, row: InboxRow, reason: str) -> Reading:
    return Reading([Skip(origin, reason, row.id)])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _avatar(value: object) -> str:
    return f"matrix:{value}" if isinstance(value, str) and value.startswith("mxc://") else ""


def _time(at: int) -> int:
    # A homeserver may say anything; what no clock can show is replaced by ours.
    return at if 0 < at < 1 << 52 else now_ms()
