"""Short ways to write the values that the rules of a room work on."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.core.decide import Append, Decision, Drop, Rights, decide
from bridge.core.items import Submission
from bridge.core.state import Draft, RoomState, Target
from bridge.model.errors import Refused
from bridge.model.events import Content, Event, Origin, Said
from bridge.model.ids import MATRIX, RIALTO, WEB, EventId, LinkId, NetworkId, PersonId, RoomId
from bridge.model.people import Member, Role
from bridge.model.rooms import Link, Room
from bridge.text.names import skeleton

ROOM = RoomId("r1")
ANNA, BELA, MARCO, ADMIN, BOT = (PersonId(name) for name in ("p-anna", "p-bela", "p-marco", "p-admin", "p-bot"))
MATRIX_LINK = Link(LinkId("l-matrix"), ROOM, MATRIX, "!chat", "ready")
IRC_LINK = Link(LinkId("l-irc"), ROOM, NetworkId("irc"), "#chat", "ready")
RESERVED = frozenset(map(skeleton, ("Rialto", "admin")))


def room(**changes: Any) -> Room:
    """A room that Anna made, with five events in it."""
    made = Room(ROOM, "piazza", "Piazza", "a topic", "", "public", ANNA, 0, last_seq=5)
    return msgspec.structs.replace(made, **changes)


def member(
    person: PersonId, shown: str, *, home: NetworkId = WEB, role: Role = "member", joined: bool = True
) -> Member:
    """A place in the room."""
    return Member(person, home, shown, shown, role=role, joined=joined)


def state(*extra: Member, links: tuple[Link, ...] = (MATRIX_LINK, IRC_LINK)) -> RoomState:
    """Anna (owner) and Bela from the page, Marco from Matrix."""
    members = [member(ANNA, "Anna", role="owner"), member(BELA, "Bela"), member(MARCO, "Marco", home=MATRIX), *extra]
    return RoomState(room(), {m.person: m for m in members}, {link.id: link for link in links})


def event(
    content: Content, who: PersonId = ANNA, *, network: NetworkId = WEB, chat: str = "", id: str = "e9", hops: int = 0
) -> Event:
    """Something that happens; from the page unless a network is named."""
    place = chat or {MATRIX: "!chat", NetworkId("irc"): "#chat"}.get(network, ROOM)
    return Event(EventId(id), ROOM, who, 1_000, Origin(network, place, id), content, hops)


def line(
    seq: int, who: PersonId = ANNA, *, network: NetworkId = WEB, removed: bool = False, text: str = "old"
) -> Target:
    """A line that is in the log."""
    origin = event(Said(text), who, network=network, id=f"e{seq}").origin
    return Target(seq, EventId(f"e{seq}"), who, None if removed else Said(text), 0, removed, origin)


def decided(
    happening: Event,
    *targets: Target,
    base: RoomState | None = None,
    rights: Rights | None = None,
    about: Origin | None = None,
) -> Decision:
    """What the rules say, with the rights that go with the sender unless others are given."""
    return decide(Draft(base or state(), targets), Submission(happening, about), rights or rights_of(happening.who))


def rights_of(person: PersonId) -> Rights:
    """The rights that these people have in the tests."""
    if person == BOT:
        return Rights(admin=True, hint="rialto", home=RIALTO)
    if person == ADMIN:
        return Rights(admin=True, reserved=RESERVED, hint="admin")
    if person == MARCO:
        return Rights(reserved=RESERVED, hint="@marco:hs", home=MATRIX)
    return Rights(reserved=RESERVED, hint=person.removeprefix("p-"))


def appended(decision: Decision) -> Append:
    """The decision, which must be to append."""
    assert isinstance(decision, Append), decision
    return decision


def refused(decision: Decision) -> Refused:
    """The decision, which must be a refusal with a remedy."""
    assert isinstance(decision, Refused), decision
    assert decision.message
    return decision


def dropped(decision: Decision) -> str:
    """The reason of the decision, which must be to drop."""
    assert isinstance(decision, Drop), decision
    return decision.reason
