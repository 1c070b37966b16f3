"""What people do in rooms, on a real database: roles, settings, guests, direct conversations, and the end of rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bridge.core.ports import RoomChanged
from bridge.model.errors import Refused
from bridge.model.events import Configured, Joined, Left, Ranked, Said, Told
from bridge.model.ids import MATRIX, PersonId, RoomId
from bridge.model.rooms import Link, Room
from bridge.store import log, people, rooms, tables
from tests.fakes.tidy import HostingNetwork
from tests.rigs.installation import Installation


@pytest.fixture
def network() -> HostingNetwork:
    return HostingNetwork()


@pytest.fixture
async def world(tmp_path: Path, network: HostingNetwork) -> AsyncIterator[Installation]:
    async def made(world: Installation) -> HostingNetwork:
        network.hub = world.hub
        return network

    async with Installation(tmp_path, made) as running:
        yield running


@pytest.fixture
async def anna(world: Installation) -> PersonId:
    return await world.person("Anna")


@pytest.fixture
async def bela(world: Installation) -> PersonId:
    return await world.person("Bela")


@pytest.fixture
async def room(world: Installation, anna: PersonId, bela: PersonId) -> Room:
    """Anna's public room, with Bela in it and a chat on the network."""
    made = await world.native.found_room("Piazza", anna)
    await world.native.join(made.id, bela)
    return made


async def link_of(world: Installation, room: RoomId) -> Link:
    (link,) = await world.db.read(lambda connection: rooms.links_of(connection, room))
    return link


async def refusal(work: object) -> str:
    with pytest.raises(Refused) as failed:
        await work  # type: ignore[misc]
    return failed.value.reason_code


# roles and settings


async def test_a_role_counts_at_once_and_after_a_restart(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    await world.native.rank(room.id, anna, bela, "muted")
    assert (await world.log(room.id))[-1] == Ranked(bela, "muted", "Bela")
    for _ in range(2):
        assert await refusal(world.native.say(room.id, bela, "hm")) == "muted"
        await world.restart()
    await world.native.rank(room.id, anna, bela, "moderator")
    await world.native.describe(room.id, bela, topic="by Bela")
    await world.native.rank(room.id, anna, bela, "moderator")
    assert [entry for entry in await world.log(room.id) if isinstance(entry, Ranked)][-1].role == "moderator"


async def test_settings_are_kept(world: Installation, room: Room, anna: PersonId) -> None:
    await world.native.configure(room.id, anna, access="invite", history="joined", slow_seconds=3, archived=True)
    assert (await world.log(room.id))[-2:] == [
        Configured(access="invite", history="joined", slow_seconds=3),
        Configured(archived=True),
    ]
    await world.restart()
    kept = (await world.hub.state(room.id)).room
    assert (kept.access, kept.history, kept.slow_seconds, kept.archived) == ("invite", "joined", 3, True)
    await world.native.configure(room.id, anna, archived=False, slow_seconds=0)
    opened = (await world.hub.state(room.id)).room
    assert (opened.archived, opened.slow_seconds) == (False, 0)


async def test_slow_mode_remembers_over_a_restart(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    await world.native.say(room.id, bela, "before slow mode")
    await world.native.configure(room.id, anna, slow_seconds=3_600)
    assert await refusal(world.native.say(room.id, bela, "at once")) == "slow_mode"
    await world.restart()
    with pytest.raises(Refused) as failed:
        await world.native.say(room.id, bela, "after a restart")
    assert failed.value.retry_after is not None
    assert 3_500 < failed.value.retry_after <= 3_600
    for number in range(3):
        await world.native.say(room.id, anna, f"{number}")
    first = await world.native.say(room.id, await _newcomer(world, room), "the first", client_id="1")
    assert first.fresh


async def _newcomer(world: Installation, room: Room) -> PersonId:
    carl = await world.person("Carl")
    await world.native.join(room.id, carl)
    return carl


async def test_a_repeat_is_answered_as_before_in_slow_mode(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    await world.native.configure(room.id, anna, slow_seconds=3_600)
    first = await world.native.say(room.id, bela, "once", client_id="1")
    again = await world.native.say(room.id, bela, "once", client_id="1")
    assert (again.seq, again.fresh) == (first.seq, False)


async def test_history_is_read_from_where_one_came_in(
    world: Installation, room: Room, anna: PersonId, bela: PersonId
) -> None:
    await world.native.say(room.id, anna, "before")
    await world.native.configure(room.id, anna, history="joined")
    assert await refusal(world.hub.reads_from(room.id, await world.person("Dora"))) == "join_to_read"
    carl = await _newcomer(world, room)
    after = await world.native.say(room.id, anna, "after")
    first = await world.hub.reads_from(room.id, carl)
    assert first == after.seq - 1
    page = await world.hub.page(room.id, first=first)
    assert [type(line.entry.present) for line in page] == [Joined, Said]
    assert await world.hub.page(room.id, before=first, first=first) == []
    older = await world.hub.page(room.id, after=0, limit=1, first=first)
    assert [line.entry.seq for line in older] == [first]
    await world.native.leave(room.id, bela)
    await world.native.join(room.id, bela)
    assert await world.hub.reads_from(room.id, bela) > after.seq


async def test_what_a_person_can_do_is_told(world: Installation, room: Room, anna: PersonId, bela: PersonId) -> None:
    boss = await world.person("Boss", admin=True)
    assert "configure" in await world.hub.can(room.id, anna)
    assert "configure" not in await world.hub.can(room.id, bela)
    assert {"join", "delete"} <= await world.hub.can(room.id, boss)


# sending away


async def test_who_is_sent_away_loses_the_seat(
    world: Installation, network: HostingNetwork, room: Room, anna: PersonId, bela: PersonId
) -> None:
    link = await link_of(world, room.id)
    await network.until(lambda: (link.id, bela) in network.seats)
    await world.native.kick(room.id, anna, bela, "enough")
    await network.until(lambda: (link.id, bela) not in network.seats)
    assert (await world.log(room.id))[-1] == Left("kicked", anna, "enough")
    assert await refusal(world.native.kick(room.id, anna, bela)) == "no_such_member"
    assert await refusal(world.native.kick(room.id, anna, anna)) == "bad_field"
    await world.native.join(room.id, bela)


async def test_somebody_of_the_network_is_sent_out_of_its_chat(
    world: Installation, network: HostingNetwork, room: Room, anna: PersonId
) -> None:
    visitor = await world.visitor(await link_of(world, room.id), "@marco")
    await visitor.do(Joined("Marco"))
    await world.native.kick(room.id, anna, visitor.person, "spam")
    await network.until(lambda: ("leave", visitor.person) in network.moves)
    await visitor.do(Joined("Marco"))
    await world.native.kick(room.id, anna, visitor.person)
    await network.until(lambda: network.moves.count(("leave", visitor.person)) == 2)


# guests


async def test_a_guest_is_spoken_for(
    world: Installation, network: HostingNetwork, room: Room, anna: PersonId
) -> None:
    gast = await world.person("Gast", guest=True)
    assert await refusal(world.native.join(room.id, gast)) == "guests_invited_only"
    await world.native.admit(room.id, gast)
    placed = await world.native.say(room.id, gast, "hello *all*")
    await world.native.edit(room.id, gast, placed.id, "hello", None)
    await world.idle()
    chat = (await link_of(world, room.id)).chat
    assert network.texts(chat) == ["Gast: hello"]
    assert all(out.sender.guest for out in network.requests)
    assert gast not in {person for _, person in network.seats}
    await world.native.rank(room.id, anna, gast, "muted")
    await world.native.remove(room.id, gast, placed.id, "", None)
    await world.idle()
    assert network.texts(chat) == []
    await world.restart()
    assert (await world.hub.state(room.id)).members[gast].guest


async def test_guests_make_nothing(world: Installation, anna: PersonId) -> None:
    gast = await world.person("Gast", guest=True)
    assert await refusal(world.native.found_room("Mine", gast)) == "no_guests"
    assert await refusal(world.native.direct(gast, anna)) == "no_guests"
    assert await refusal(world.native.direct(anna, gast)) == "no_such_person"


# direct conversations


async def test_two_people_have_one_conversation(
    world: Installation, network: HostingNetwork, anna: PersonId, bela: PersonId
) -> None:
    found = await asyncio.gather(
        *(world.native.direct(*pair) for pair in [(anna, bela), (bela, anna)] * 5)
    )
    (room,) = {each.id for each in found}
    assert await world.db.read(lambda c: [each.id for each in rooms.of_person(c, bela)]) == [room]
    assert network.opened == []
    assert await world.db.read(lambda c: rooms.links_of(c, room)) == []
    roles = {member.role for member in (await world.hub.state(room)).members.values()}
    assert roles == {"member"}
    await world.native.say(room, anna, "psst")


async def test_a_line_brings_the_other_back(world: Installation, anna: PersonId, bela: PersonId) -> None:
    room = (await world.native.direct(anna, bela)).id
    await world.native.leave(room, bela)
    assert await refusal(world.native.say(room, anna, "  ")) == "empty_text"
    assert not (await world.hub.state(room)).members[bela].joined
    await world.native.say(room, anna, "come back")
    assert (await world.hub.state(room)).members[bela].joined
    await world.native.leave(room, anna)
    assert (await world.native.direct(bela, anna)).id == room
    assert not (await world.hub.state(room)).members[anna].joined


async def test_nobody_writes_to_who_was_deactivated(world: Installation, anna: PersonId, bela: PersonId) -> None:
    room = (await world.native.direct(anna, bela)).id
    await world.native.deactivate(bela)
    assert await refusal(world.native.say(room, anna, "hello?")) == "person_gone"
    assert await refusal(world.native.direct(anna, bela)) == "no_such_person"
    assert [type(entry) for entry in await world.log(room)][-1] is Left


async def test_a_conversation_with_oneself_or_with_a_stranger_is_none(world: Installation, anna: PersonId) -> None:
    assert await refusal(world.native.direct(anna, anna)) == "bad_field"
    assert await refusal(world.native.direct(anna, PersonId("p-nobody"))) == "no_such_person"
    elsewhere = await world.people.at(MATRIX, "@marco:hs", "Marco")
    assert await refusal(world.native.direct(anna, elsewhere)) == "no_such_person"


# other networks


async def test_private_rooms_are_shown_elsewhere_only_when_asked(
    world: Installation, network: HostingNetwork, anna: PersonId, bela: PersonId
) -> None:
    quiet = await world.native.found_room("Quiet", anna, access="invite")
    assert network.opened == []
    loud = await world.native.found_room("Loud", anna, access="invite", mirror=True, federate=False)
    assert [link.federate for link in network.opened] == [False]
    assert not (await link_of(world, loud.id)).federate
    hidden = await world.native.found_room("Hidden", anna, mirror=False)
    assert await world.db.read(lambda c: rooms.links_of(c, hidden.id)) == []

    await world.native.admit(quiet.id, bela)
    await world.native.say(quiet.id, anna, "not for the network")
    assert await refusal(world.native.mirror(quiet.id, bela)) == "owners_only"
    await world.native.mirror(quiet.id, anna)
    link = await link_of(world, quiet.id)
    await network.until(lambda: {(link.id, anna), (link.id, bela)} <= network.seats.keys())
    await world.native.mirror(quiet.id, anna)
    assert (await world.log(quiet.id))[-1] == Told("mirrored", {"network": "tidy"})
    await world.native.say(quiet.id, bela, "for the network")
    await world.idle()
    assert network.texts(link.chat) == ["for the network"]
    network.mirroring = False
    assert await refusal(world.native.found_room("No", anna, mirror=True)) == "no_mirror"


async def test_new_settings_are_shown_after_the_last_lines(
    world: Installation, network: HostingNetwork, room: Room, anna: PersonId
) -> None:
    gate = network.gate()
    await world.native.say(room.id, anna, "last words")
    await world.native.configure(room.id, anna, access="invite")
    await network.until(lambda: bool(network.described) and network.described[-1].access == "invite")
    await gate.reached.wait()
    await world.native.configure(room.id, anna, archived=True)
    gate.open()
    await network.until(lambda: network.described[-1].archived)
    assert network.said_before[-1] == 1, "the last words are there before the chat is closed"


# the end


async def gone(world: Installation) -> None:
    """Wait until nothing is left to erase."""
    async with asyncio.timeout(20):
        while await world.db.read(rooms.unerased):
            await asyncio.sleep(0.01)


async def test_a_deleted_room_is_gone_at_once_and_erased_soon(
    world: Installation, network: HostingNetwork, room: Room, anna: PersonId, bela: PersonId
) -> None:
    link = await link_of(world, room.id)
    await network.until(lambda: {(link.id, anna), (link.id, bela)} <= network.seats.keys())
    gate = network.gate()
    sent = await world.native.say(room.id, anna, "on its way")
    await gate.reached.wait()
    secret = await world.native.say(room.id, bela, "a secret")
    async with world.hub.watch(room.id) as watch:
        assert await refusal(world.native.delete(room.id, bela)) == "owners_only"
        await world.native.delete(room.id, anna)
        shown = await watch.next()
        assert isinstance(shown, RoomChanged)
        assert shown.room.deleted
    gate.open()
    for work in (
        world.native.say(room.id, anna, "hello?"),
        world.native.join(room.id, bela),
        world.native.delete(room.id, anna),
        world.hub.page(room.id),
        world.hub.member(room.id, anna),
        world.hub.reads_from(room.id, anna),
    ):
        assert await refusal(work) == "no_such_room"
    assert await world.hub.snapshot(room.id) is None
    await network.until(lambda: not network.seats)
    await gone(world)
    await world.idle()
    assert [post.text for post in network.chats[link.chat]] == ["on its way"], "what waited is not sent any more"
    assert [each.id for each in network.given_up] == [link.id]
    assert (await link_of(world, room.id)).state == "gone"

    raw = await world.db.read(lambda c: log.page(c, room.id, limit=100, raw=True))
    assert [entry.seq for entry in raw] == list(range(1, secret.seq + 1)), "numbers stay"
    assert all(entry.erased and entry.present is None for entry in raw)
    assert sent.seq < secret.seq
    kept = await world.db.read(lambda c: rooms.get(c, room.id))
    assert kept is not None
    assert (kept.name, kept.topic, kept.slug) == ("", "", room.slug)
    assert await world.db.read(lambda c: rooms.of_person(c, anna)) == []
    assert (await world.native.found_room("Piazza", anna)).slug != room.slug


async def test_erasing_goes_on_after_a_stop(
    world: Installation, network: HostingNetwork, room: Room, anna: PersonId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "ERASE_AT_ONCE", 2)
    for number in range(9):
        await world.native.say(room.id, anna, f"line {number}")
    await world.idle()
    await world.native.delete(room.id, anna)
    await world.restart()
    await gone(world)
    contents = await world.db.read(
        lambda c: c.scalars(select(tables.events.c.content).where(tables.events.c.room == room.id)).all()
    )
    assert len(contents) > 9
    assert set(contents) == {None}
    await network.until(lambda: not network.seats)


async def test_a_chat_that_comes_to_be_too_late_is_given_up(
    world: Installation, network: HostingNetwork, anna: PersonId
) -> None:
    room = await world.native.found_room("Late", anna)
    link = await link_of(world, room.id)
    await world.native.delete(room.id, anna)
    await network.until(lambda: not network.seats)
    while network.tasks:
        await asyncio.gather(*network.tasks)
    network.given_up.clear()
    await world.hub.change_link(link)
    await world.idle()
    while network.tasks:
        await asyncio.gather(*network.tasks)
    assert [each.id for each in network.given_up] == [link.id]
    assert (await link_of(world, room.id)).state == "gone"


async def test_people_who_are_gone_are_gone_for_the_rules_too(world: Installation, room: Room, bela: PersonId) -> None:
    await world.native.deactivate(bela)
    assert await refusal(world.native.join(room.id, bela)) == "no_such_person"
    who = await world.db.read(lambda c: people.get(c, bela))
    assert who is not None
    assert not who.active
