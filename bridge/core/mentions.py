"""Whom the lines of a batch mean: web members by `@login`, `@shown name` or a link to their ghost, or `@room`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection

from bridge.model.events import Content, Edited, Event, Removed, Said
from bridge.model.ids import WEB, PersonId, RoomId
from bridge.model.people import Member
from bridge.store import mentions
from bridge.text.addressing import called, folded, may_call, pills

EVERYBODY = frozenset(map(folded, ("room", "all", "所有人")))


class Meant(msgspec.Struct, frozen=True):
    """Who is meant by a line: some people, or everybody but its author."""

    who: PersonId
    people: frozenset[PersonId] = frozenset()
    everybody: bool = False

    def means(self, person: PersonId) -> bool:
        """Tell whether somebody is meant."""
        return person != self.who and (self.everybody or person in self.people)


class Names:
    """The names of the web members of a room, as they are called: two may share one, and are both meant."""

    def __init__(self, base: Names | None = None) -> None:
        """`base` are names that count beside those that are put in here, and stay as they are."""
        self._base = base
        self._by_name: dict[str, set[PersonId]] = {}
        self._of: dict[PersonId, tuple[str, str]] = {}
        self._lengths: Counter[int] = Counter()

    def put(self, member: Member, login: str | None = None) -> None:
        """Take in a member as they are now; who has left, or is at home elsewhere, has no name here. A `login` that
        is not known stays as it was."""
        before = self._of.pop(member.person, ("", ""))
        for name in set(before):
            self._forget(name, member.person)
        if member.joined and member.home == WEB:
            names = (before[0] if login is None else folded(login), folded(member.shown))
            self._of[member.person] = names
            for name in set(names):
                self._learn(name, member.person)

    def meant(self, who: PersonId, text: str, html: str = "", *, everybody: bool = False) -> Meant:
        """Return whom a line by `who` means; `everybody` tells whether they may call everybody."""
        people = {PersonId(each) for each in pills(html) if self._has(PersonId(each))}
        everyone = False
        for name in called(text, lambda name: name in EVERYBODY or bool(self._find(name)), self._all_lengths()):
            people |= self._find(name)
            everyone = everyone or (everybody and name in EVERYBODY)
        return Meant(who, frozenset(people - {who}), everyone)

    def _find(self, name: str) -> set[PersonId]:
        found = self._by_name.get(name, set())
        return found | self._base._find(name) if self._base is not None else found

    def _has(self, person: PersonId) -> bool:
        return person in self._of or (self._base is not None and self._base._has(person))

    def _all_lengths(self) -> set[int]:
        lengths = self._lengths.keys() | {len(word) for word in EVERYBODY}
        return lengths | self._base._all_lengths() if self._base is not None else lengths

    def _learn(self, name: str, person: PersonId) -> None:
        if name:
            self._by_name.setdefault(name, set()).add(person)
            self._lengths[len(name)] += 1

    def _forget(self, name: str, person: PersonId) -> None:
        if name:
            self._by_name[name].discard(person)
            self._lengths[len(name)] -= 1
            if not self._by_name[name]:
                del self._by_name[name]
            if not self._lengths[len(name)]:
                del self._lengths[len(name)]


class Addressed:
    """The lines of one batch that call somebody, or do so no more; `resolve` before `write`."""

    def __init__(self) -> None:
        self.meant: dict[int, Meant] = {}
        self.changed: set[int] = set()
        """Lines from before this batch, or of it, whose mentions are written anew."""
        self._calls: dict[int, tuple[PersonId, str, str]] = {}

    def __bool__(self) -> bool:
        """Tell whether there is anything to resolve."""
        return bool(self._calls)

    def said(self, seq: int, who: PersonId, line: Said) -> None:
        """Take note of a new line."""
        if may_call(line.text, line.html):
            self._calls[seq] = (who, line.text, line.html)

    def changes(self, seq: int, event: Event, before: Content | None) -> None:
        """Take note that a line reads differently now, or is gone: it means whom it calls now, and nobody twice."""
        line = event.content
        if isinstance(line, Edited) and may_call(line.text, line.html):
            self._calls[seq] = (event.who, line.text, line.html)
            self.changed.add(seq)
            return
        self._calls.pop(seq, None)
        # A removal changes how many are unread, whoever was meant.
        if isinstance(line, Removed) or (isinstance(before, Said) and may_call(before.text, before.html)):
            self.changed.add(seq)

    def resolve(self, names: Names, may_call_everybody: Callable[[PersonId], bool]) -> None:
        """Find out who is meant."""
        for seq, (who, text, html) in self._calls.items():
            found = names.meant(who, text, html, everybody=may_call_everybody(who))
            if found.people or found.everybody:
                self.meant[seq] = found

    def write(self, connection: Connection, room: RoomId) -> None:
        """Write who is meant by which line; after the members of the batch were written."""
        if self.changed:
            mentions.drop(connection, room, sorted(self.changed))
        for seq, meant in self.meant.items():
            if meant.everybody:
                mentions.add_everybody(connection, room, seq, meant.who)
        people = [(seq, each) for seq, meant in self.meant.items() if not meant.everybody for each in meant.people]
        mentions.add(connection, room, people)
