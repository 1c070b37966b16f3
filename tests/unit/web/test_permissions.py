"""The permission matrix over HTTP: everybody tries everything in every kind of room, as it is written down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from aiohttp import ClientResponse
from aiohttp.pytest_plugin import AiohttpClient

from bridge.core.rights import ACTIONS, Action
from bridge.model.ids import EventId, PersonId, RoomId
from bridge.model.people import Role
from bridge.store import rooms
from tests.rigs.permissions import CELLS, PEOPLE, ROOMS, Cell
from tests.unit.web.conftest import Client
from tests.unit.web.rig import Rig, Visitor, rigged, visitor


@dataclass
class Place:
    """One room of one kind, in which `who` of each standing has said a line, and `keeper` too."""

    id: RoomId
    keeper: PersonId
    target: PersonId
    theirs: str
    own: dict[str, str] = field(default_factory=dict)


@dataclass
class Stage:
    """Who tries, and how to make what they try it on."""

    rig: Rig
    client: Client
    keeper: Visitor
    target: Visitor
    people: dict[str, Visitor]
    number: int = 0

    async def place(self, cell: Cell) -> Place:
        """Make a room for one cell: its people, their lines, then what makes it of its kind."""
        native, keeper, target = self.rig.native, PersonId(self.keeper.person), PersonId(self.target.person)
        self.number += 1
        room = await native.found_room(f"Room {self.number}", keeper, access="public")
        await native.admit(room.id, target)
        theirs = (await native.say(room.id, target, "theirs")).id
        made = Place(room.id, keeper, target, theirs)
        if cell.who != "signed_out":
            await self._cast(cell, made)
        await self._turn(cell, made)
        return made

    async def _cast(self, cell: Cell, made: Place) -> None:
        native, who = self.rig.native, PersonId(self.people[cell.who].person)
        await native.admit(made.id, who)
        made.own[cell.who] = (await native.say(made.id, who, "own")).id
        if cell.who in ("stranger", "admin"):
            await native.leave(made.id, who)
        elif cell.who not in ("member", "guest"):
            role: Role = next(each for each in get_args(Role) if each == cell.who)
            await native.rank(made.id, made.keeper, who, role)

    async def _turn(self, cell: Cell, made: Place) -> None:
        native = self.rig.native
        if cell.room == "members_history":
            await native.configure(made.id, made.keeper, history="joined")
        if cell.room in ("invite", "archived_invite"):
            await native.configure(made.id, made.keeper, access="invite")
        if cell.room.startswith("archived"):
            await native.configure(made.id, made.keeper, archived=True)
        if cell.room == "deleted":
            await native.delete(made.id, made.keeper)
        if cell.room == "direct":
            await self._direct(made)

    async def _direct(self, made: Place) -> None:
        """Let it be a conversation of two people, which nobody can make with these roles in it."""
        state = await self.rig.hub.state(made.id)
        state.room = msgspec.structs.replace(state.room, access="direct")


Ask = Callable[[Visitor, Place, Cell], Awaitable[ClientResponse]]


def path(made: Place, below: str = "") -> str:
    return f"/api/v1/rooms/{made.id}{below}"


def written(kind: str, content: Callable[[Place, Cell], dict[str, Any]]) -> Ask:
    async def ask(who: Visitor, made: Place, cell: Cell) -> ClientResponse:
        return await who.ask("POST", path(made, "/events"), {"kind": kind, "content": content(made, cell)})

    return ask


def own(made: Place, cell: Cell) -> str:
    return made.own.get(cell.who, "e0000")


def asked(method: str, below: str, body: Callable[[Cell], Any] = lambda cell: None) -> Ask:
    async def ask(who: Visitor, made: Place, cell: Cell) -> ClientResponse:
        return await who.ask(method, path(made, below.format(target=made.target)), body(cell))

    return ask


TRIES: dict[Action, Ask] = {
    "read": asked("GET", "/events"),
    "say": written("said", lambda made, cell: {"text": "hi"}),
    "edit_own": written("edited", lambda made, cell: {"target": own(made, cell), "text": "new"}),
    "remove_own": written("removed", lambda made, cell: {"target": own(made, cell)}),
    "remove_other": written("removed", lambda made, cell: {"target": made.theirs}),
    "describe": asked("PATCH", "", lambda cell: {"topic": "another"}),
    "configure": asked("PATCH", "", lambda cell: {"slow_seconds": 7}),
    "invite": asked("POST", "/invites", lambda cell: {}),
    "invite_guests": asked("POST", "/invites", lambda cell: {"guests": True}),
    "kick": asked("DELETE", "/members/{target}"),
    "rank": asked("PATCH", "/members/{target}", lambda cell: {"role": "muted"}),
    "archive": asked("PATCH", "", lambda cell: {"archived": not cell.room.startswith("archived")}),
    "delete": asked("DELETE", ""),
    "join": asked("POST", "/join", lambda cell: {}),
    "leave": asked("POST", "/leave", lambda cell: {}),
}


@pytest.fixture
async def stage(tmp_path: Path, aiohttp_client: AiohttpClient) -> AsyncIterator[Stage]:
    async with rigged(tmp_path) as rig:
        client = await aiohttp_client(rig.app)
        people = {
            each: await visitor(rig, client, each.replace("_", "-"), admin=each == "admin")
            for each in PEOPLE
            if each != "signed_out"
        }
        await rig.make_guest(people["guest"].person)
        nobody = Visitor(client, {"token": "none", "account": {"person": "p-none"}})
        people["signed_out"] = nobody
        yield Stage(rig, client, await visitor(rig, client, "keeper"), await visitor(rig, client, "target"), people)


def test_every_action_is_tried_for_everybody_everywhere() -> None:
    assert set(TRIES) == set(ACTIONS)
    assert {(cell.room, cell.action, cell.who) for cell in CELLS} == set(product(ROOMS, ACTIONS, PEOPLE))


@pytest.mark.parametrize("room", ROOMS)
async def test_the_api_does_what_is_written_down(stage: Stage, room: str) -> None:
    for cell in CELLS:
        if cell.room != room:
            continue
        made = await stage.place(cell)
        here = cell.who not in ("stranger", "admin", "signed_out")
        response = await TRIES[cell.action](stage.people[cell.who], made, cell)
        text = f"{cell}: {response.status} {await response.text()}"
        if cell.action == "join" and here and cell.room != "deleted":
            # Who is here already stays: nothing is refused, and nothing happens.
            assert response.status == 200, text
            continue
        if cell.allowed:
            assert response.status in (200, 201), text
            continue
        error = (await response.json())["error"]
        expected = (401,) if cell.who == "signed_out" else (403, 404, 409)
        assert response.status in expected, text
        assert error["message"].endswith("."), text
        await unchanged(stage, made, cell)


async def unchanged(stage: Stage, made: Place, cell: Cell) -> None:
    """What was refused has had no effect."""
    kept = await stage.rig.db.read(lambda c: rooms.get(c, made.id))
    assert kept is not None
    assert (kept.topic, kept.slow_seconds) == ("", 0), cell
    assert kept.archived == cell.room.startswith("archived"), cell
    assert kept.deleted == (cell.room == "deleted"), cell
    assert await stage.rig.accounts.invites.open_ones(made.id) == [], cell
    if not kept.deleted:
        lines = await stage.rig.hub.page(made.id, limit=100)
        said = {line.entry.event.id: line.entry for line in lines}
        for event in (made.theirs, *made.own.values()):
            entry = said[EventId(event)]
            assert entry.removed_at is None, cell
            assert entry.version == 0, cell

