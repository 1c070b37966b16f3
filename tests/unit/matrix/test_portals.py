"""Portals: one for each room, whoever asks and wherever the making is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.core.hub import Hub
from bridge.model.errors import Rejected
from bridge.model.ids import MATRIX, NetworkId
from bridge.model.rooms import Link, Room
from bridge.store import portals, rooms
from tests.rigs.installation import Installation
from tests.rigs.matrix_side import MatrixSide, alias_of

CREATE = "/createRoom"


async def found(world: Installation, name: str = "Piazza") -> Room:
    anna = await world.person(f"Anna of {name}")
    return await world.native.found_room(name, anna, topic="all of it")


def rooms_of_bot(side: MatrixSide) -> list[str]:
    return [room_id for room_id, room in side.hs.world.rooms.items() if side.network.naming.bot in room.creators]


async def test_a_room_has_its_portal_when_it_is_founded(world: Installation, side: MatrixSide) -> None:
    room = await found(world)
    link = await side.portal(room)
    there = side.matrix_room(link.chat)
    assert there.get("m.room.name") == {"name": "Piazza"}
    assert there.get("m.room.topic")["topic"] == "all of it"
    assert there.get("m.room.join_rules")["join_rule"] == "public"
    assert there.get("m.room.canonical_alias")["alias"] == "#rialto_piazza:localhost"
    assert there.get("m.room.power_levels")["events"]["m.room.encryption"] == 100
    assert side.hs.world.aliases["#rialto_piazza:localhost"][0] == link.chat
    assert there.published
    assert world.hub.address(link, room) == "#rialto_piazza:localhost"


async def test_however_many_ask_there_is_one(world: Installation, side: MatrixSide) -> None:
    hold = side.hs.hold("POST", CREATE)
    founding = asyncio.create_task(found(world))
    await hold.entered.wait()
    (link,) = await world.db.read(lambda c: rooms.all_links(c, side.network.id))
    tasks = {side.network.portals.open(link) for _ in range(5)}
    queries = [asyncio.create_task(side.network.alias_exists("#rialto_piazza:localhost")) for _ in range(5)]
    assert len(tasks) == 1
    hold.release()
    await founding
    assert await asyncio.gather(*queries) == [True] * 5
    assert len(rooms_of_bot(side)) == 1
    assert [note.path for note in side.hs.requests].count("/_matrix/client/v3/createRoom") == 1


async def test_a_user_who_joins_by_the_alias_opens_the_portal(world: Installation, side: MatrixSide) -> None:
    """Also while it is being made, and when the homeserver refused it before."""
    marco, marco_id = await side.user("marco")
    side.hs.fail_next("POST", CREATE, 500, "M_UNKNOWN", count=3)
    founding = asyncio.create_task(found(world))
    while not any(note.path.endswith(CREATE) for note in side.hs.requests):
        await asyncio.sleep(0.005)
    joined = (await marco.join("#rialto_piazza:localhost")).ok()
    room = await founding
    link = await side.portal(room)
    assert joined["room_id"] == link.chat
    await side.settle()
    marco_here = await world.hub.member(room.id, await world.people.at(MATRIX, marco_id, "marco"))
    assert marco_here is not None
    assert marco_here.joined
    assert len(rooms_of_bot(side)) == 1


@pytest.mark.parametrize("alias", ["#rialto_nowhere:localhost", "#rialto_irc_x:localhost", "#rialto_:localhost"])
async def test_an_alias_of_nothing_is_answered_so(world: Installation, side: MatrixSide, alias: str) -> None:
    marco, _ = await side.user("marco")
    assert (await alias_of(marco, alias)).status == 404
    assert not await side.network.alias_exists(alias)


async def test_an_answer_that_was_lost_leads_to_the_room_that_was_made(world: Installation, side: MatrixSide) -> None:
    side.hs.drop_reply("POST", CREATE, count=2)
    room = await found(world)
    link = await side.portal(room)
    assert rooms_of_bot(side) == [link.chat]


async def test_a_half_made_room_has_its_alias_moved(world: Installation, side: MatrixSide) -> None:
    side.hs.cut_next_room(after_events=2)
    room = await found(world)
    link = await side.portal(room)
    assert len(rooms_of_bot(side)) == 2
    assert side.hs.world.aliases["#rialto_piazza:localhost"][0] == link.chat
    assert side.matrix_room(link.chat).get("m.room.name") == {"name": "Piazza"}


async def test_a_room_of_somebody_elses_under_our_alias_is_not_adopted(
    world: Installation, side: MatrixSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even one with our mark, which anyone can copy: only the bot's own rooms are ours."""
    create, asked, go = side.network.client.create_room, asyncio.Event(), asyncio.Event()

    async def late(body: Mapping[str, Any], **more: Any) -> str:
        asked.set()
        await go.wait()
        return await create(body, **more)

    monkeypatch.setattr(side.network.client, "create_room", late)
    founding = asyncio.create_task(found(world))
    await asked.wait()
    (link,) = await world.db.read(lambda c: rooms.all_links(c, side.network.id))
    marco, marco_id = await side.user("marco")
    stolen = await marco.create_room(preset="public_chat", creation_content=side.marker.portal(link.room))
    (await side.bot().join(stolen)).ok()
    side.hs.world.aliases["#rialto_piazza:localhost"] = (stolen, marco_id)
    go.set()
    link = await side.portal(await founding)
    assert link.chat != stolen
    assert side.hs.world.aliases["#rialto_piazza:localhost"][0] == link.chat


@pytest.mark.parametrize("crash", ["before the room", "after the room", "after it was noted"])
async def test_an_interrupted_making_goes_on_after_a_restart(world: Installation, side: MatrixSide, crash: str) -> None:
    anna = await world.person("Anna")
    hold = {
        "before the room": lambda: side.hs.hold("POST", CREATE),
        "after the room": lambda: side.hs.hold("POST", CREATE, after=True),
        "after it was noted": lambda: side.hs.hold("GET", "/state/m.room.encryption"),
    }[crash]()
    founding = asyncio.create_task(world.native.found_room("Piazza", anna))
    await hold.entered.wait()
    founding.cancel()
    await world.stop()
    hold.release()
    await side.hs.pushed()
    await world.start()
    (link,) = await world.db.read(lambda c: rooms.all_links(c, side.network.id))
    room = await world.db.read(lambda c: rooms.get(c, link.room))
    assert room is not None
    link = await side.portal(room)
    await side.settle()
    assert rooms_of_bot(side) == [link.chat]
    portal = await world.db.read(lambda c: portals.get(c, link.id))
    assert portal is not None
    assert portal.room_id == link.chat
    await world.native.join(room.id, anna)
    await world.native.say(room.id, anna, "hi")
    await side.settle()
    assert side.bodies(link.chat) == ["hi"]


async def test_what_is_said_before_we_know_the_room_is_kept(
    world: Installation, side: MatrixSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room is made, somebody joins and speaks; the answer to createRoom never came, and we are restarted.

    The hub goes on with portals at its start too; the inbox must not depend on which of the two comes first.
    """
    anna = await world.person("Anna")
    marco, _ = await side.user("marco")
    hold = side.hs.hold("POST", CREATE, after=True)
    founding = asyncio.create_task(world.native.found_room("Piazza", anna))
    await hold.entered.wait()
    (room_id,) = side.hs.world.rooms
    (await marco.join(room_id)).ok()
    (await marco.send(room_id, "early")).ok()
    await side.hs.pushed()
    founding.cancel()
    await world.stop()
    hold.release()

    async def nothing(hub: Hub, network: NetworkId) -> None:
        """The hub is late."""

    monkeypatch.setattr(Hub, "_resume", nothing)
    await world.start()
    (link,) = await world.db.read(lambda c: rooms.all_links(c, side.network.id))
    room = await world.db.read(lambda c: rooms.get(c, link.room))
    assert room is not None
    await asyncio.wait_for(side.portal(room), 10)
    (await marco.send(room_id, "late")).ok()
    await side.settle()
    said = [content.text for content in await world.log(room.id) if hasattr(content, "text")]
    assert said == ["early", "late"]


async def test_a_portal_that_is_refused_for_ever_holds_up_no_other(
    world: Installation, side: MatrixSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own making never ends; what comes from the other's room must not wait for it."""
    anna = await world.person("Anna")
    create = side.network.client.create_room
    refused = asyncio.Event()

    async def refusing(body: Mapping[str, Any], **more: Any) -> str:
        if body["room_alias_name"] == "rialto_doomed":
            refused.set()
            raise Rejected("not here", status=403)
        return await create(body, **more)

    monkeypatch.setattr(side.network.client, "create_room", refusing)
    doomed = asyncio.create_task(world.native.found_room("Doomed", anna))
    await refused.wait()
    # The other room's events come before the answer to its createRoom.
    hold = side.hs.hold("POST", CREATE, after=True)
    founding = asyncio.create_task(world.native.found_room("Piazza", anna))
    while not any(room.get("m.room.name") == {"name": "Piazza"} for room in side.hs.world.rooms.values()):
        await asyncio.sleep(0.005)
    await side.hs.pushed()
    hold.release()
    room = await founding
    link = await asyncio.wait_for(side.portal(room), 10)
    marco, _ = await side.user("marco")
    (await marco.join(link.chat)).ok()
    (await marco.send(link.chat, "hi")).ok()
    async with world.hub.watch(room.id), asyncio.timeout(10):
        while not any(getattr(content, "text", "") == "hi" for content in await world.log(room.id)):
            await asyncio.sleep(0.005)
    doomed.cancel()


async def test_an_adopted_room_shows_what_was_renamed_meanwhile(world: Installation, side: MatrixSide) -> None:
    anna = await world.person("Anna")
    hold = side.hs.hold("POST", CREATE, after=True)
    founding = asyncio.create_task(world.native.found_room("Piazza", anna))
    await hold.entered.wait()
    founding.cancel()
    (link,) = await world.db.read(lambda c: rooms.all_links(c, side.network.id))
    await world.native.join(link.room, anna)
    await world.native.describe(link.room, anna, name="Market")
    await world.stop()
    hold.release()
    await world.start()
    room = await world.db.read(lambda c: rooms.get(c, link.room))
    assert room is not None
    chat = (await side.portal(room)).chat
    await side.settle()
    assert side.matrix_room(chat).get("m.room.name") == {"name": "Market"}
    assert side.hs.world.aliases["#rialto_piazza:localhost"][0] == chat, "the old alias leads there still"


async def test_a_room_without_a_link_is_never_opened(world: Installation, side: MatrixSide) -> None:
    anna = await world.person("Anna")
    await world.native.found_room("Secret", anna, access="invite")
    assert not await side.network.alias_exists("#rialto_secret:localhost")
    assert rooms_of_bot(side) == []


async def test_an_encrypted_room_is_known_as_such_from_the_start(world: Installation, side: MatrixSide) -> None:
    anna = await world.person("Anna")
    hold = side.hs.hold("GET", "/state/m.room.encryption")
    founding = asyncio.create_task(world.native.found_room("Piazza", anna))
    await hold.entered.wait()
    (room_id,) = side.hs.world.rooms
    bot = side.bot()
    (await bot.put_state(room_id, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})).ok()
    hold.release()
    room = await founding
    await world.native.say(room.id, anna, "secret")
    await side.settle()
    assert side.sends() == []


async def test_a_room_of_an_older_version_gives_the_bot_its_rights(short_pauses: None, tmp_path: Path) -> None:
    async with (
        MatrixSide(room_version="10", moderators=("@op:localhost",)) as side,
        Installation(tmp_path, side.make) as world,
    ):
        anna = await world.person("Anna")
        link = await side.portal(await world.native.found_room("Piazza", anna))
        levels = side.matrix_room(link.chat).get("m.room.power_levels")
        assert levels["users"] == {"@op:localhost": 50, "@rialto:localhost": 100}
        assert levels["events"]["m.room.tombstone"] == 100


async def test_a_link_that_is_opened_twice_is_one_room(world: Installation, side: MatrixSide) -> None:
    room = await found(world)
    link = await side.portal(room)
    stale = Link(link.id, link.room, link.network)
    await side.network.portals.open(stale)
    await side.settle()
    assert rooms_of_bot(side) == [link.chat]
