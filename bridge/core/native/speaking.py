"""How people speak: lines, edits of them, and taking them back."""

from __future__ import annotations

import asyncio

from bridge.core.decide_lines import TEXT_BYTES, check_text
from bridge.core.items import Placed, Submission
from bridge.core.native.desk import Desk
from bridge.model.events import Edited, Joined, Removed, Said, Style
from bridge.model.ids import EventId, PersonId, RoomId, new_id
from bridge.model.rooms import people_of
from bridge.text.markdown import to_html

IN_PLACE_CHARS = 500


class Speaking:
    """Writes to logs. The same `client_id` from the same person in the same room is the same act for ever."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def say(
        self, room: RoomId, person: PersonId, text: str, *, style: Style = "text", client_id: str | None = None
    ) -> Placed:
        """Write a line; in a direct conversation it brings the other one back who has left."""
        content = Said(text=text, html=await _formatted(text), style=style)
        line = self._desk.submission(room, person, content, _key("said-", person, client_id))
        return await self._desk.send(room, *await self._brought_back(room, person, text), line)

    async def _brought_back(self, room: RoomId, person: PersonId, text: str) -> list[Submission]:
        shown, members = await self._desk.room(room)
        if shown.access != "direct" or shown.direct is None or check_text(text) is not None:
            return []
        found = []
        for other in people_of(shown.direct):
            member = members.get(other)
            if other != person and (member is None or not member.joined):
                who = await self._desk.person(other)
                joined = Joined(who.name, who.avatar)
                found.append(self._desk.submission(room, other, joined, new_id("join-"), admitted=True))
        return found

    async def edit(
        self,
        room: RoomId,
        person: PersonId,
        target: EventId,
        text: str,
        client_id: str | None,
        *,
        style: Style = "text",
    ) -> Placed:
        """Give one's own line a new wording."""
        content = Edited(target=target, text=text, html=await _formatted(text), style=style)
        return await self._desk.submit(room, person, content, _key("edit-", person, client_id))

    async def remove(
        self, room: RoomId, person: PersonId, target: EventId, reason: str, client_id: str | None
    ) -> Placed:
        """Take a line back: one's own, or as a moderator anyone's."""
        content = Removed(target=target, reason=reason)
        return await self._desk.submit(room, person, content, _key("remove-", person, client_id))


def _key(prefix: str, person: PersonId, client_id: str | None) -> str:
    return new_id(prefix) if client_id is None else f"{person}:{client_id}"


async def _formatted(text: str) -> str:
    """Return the HTML of a line's Markdown; a long line is converted in a thread, for it may take a while."""
    if len(text) > TEXT_BYTES:
        return ""  # it is refused anyway
    return to_html(text) if len(text) <= IN_PLACE_CHARS else await asyncio.to_thread(to_html, text)
