"""Ghosts: made step by step, each step once, and shown under names that are nobody else's."""

from __future__ import annotations

import asyncio

import pytest

from bridge.model.ids import MATRIX, PersonId
from bridge.model.rooms import Link, Room
from bridge.store import blobs, people
from bridge.store.blobs import Blob
from tests.rigs.installation import Installation
from tests.rigs.matrix_side import MatrixSide


class Place:
    """A portal with Anna in it."""

    def __init__(self, side: MatrixSide, world: Installation, room: Room, link: Link, anna: PersonId) -> None:
        self.side, self.world, self.room, self.link, self.anna = side, world, room, link, anna

    def shown(self, person: PersonId) -> str | None:
        """The name of a ghost in the room, None where it is not in it."""
        there = self.side.matrix_room(self.link.chat)
        ghost = self.side.ghost(person)
        if there.membership(ghost) != "join":
            return None
        return str(there.get("m.room.member", ghost).get("displayname"))

    def asked(self, method: str, part: str) -> int:
        """How many requests of a kind came."""
        return sum(note.method == method and part in note.path for note in self.side.hs.requests)


@pytest.fixture
async def place(world: Installation, side: MatrixSide) -> Place:
    anna = await world.person("Anna")
    room = await world.native.found_room("Piazza", anna)
    link = await side.portal(room)
    await side.settle()
    return Place(side, world, room, link, anna)


async def test_a_ghost_is_made_with_device_and_name_and_comes_in(place: Place) -> None:
    account = place.side.hs.world.users[place.side.ghost(place.anna)]
    assert account.registered
    assert account.devices == {"RIALTO": "Rialto"}
    assert account.profile["displayname"] == "Anna"
    assert place.shown(place.anna) == "Anna"


async def test_each_step_is_made_once_also_after_a_restart(place: Place) -> None:
    before = [place.asked(*what) for what in (("POST", "/register"), ("PUT", "/devices/"), ("PUT", "/displayname"))]
    await place.world.native.say(place.room.id, place.anna, "one")
    await place.world.restart()
    await place.side.portal(place.room)
    await place.world.native.say(place.room.id, place.anna, "two")
    await place.side.settle()
    after = [place.asked(*what) for what in (("POST", "/register"), ("PUT", "/devices/"), ("PUT", "/displayname"))]
    assert after[0] - before[0] == 1, "the bot's own"
    assert after[1] - before[1] == 1
    assert after[2] == before[2]
    assert place.side.bodies(place.link.chat) == ["one", "two"]


@pytest.mark.parametrize("step", ["/register", "/devices/", "/displayname", "/join"])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_an_interrupted_step_is_taken_up(place: Place, step: str, late: bool) -> None:
    bela = await place.world.person("Bela")
    method = "POST" if step in ("/register", "/join") else "PUT"
    hold = place.side.hs.hold(method, step, after=late)
    await place.world.native.join(place.room.id, bela)
    await hold.entered.wait()
    await place.world.stop()
    hold.release()
    await place.world.start()
    await place.world.native.say(place.room.id, bela, "hi")
    await place.side.portal(place.room)
    await place.side.settle()
    assert place.shown(bela) == "Bela"
    assert place.side.bodies(place.link.chat) == ["hi"]


async def test_two_of_a_name_are_kept_apart_on_matrix_too(place: Place) -> None:
    twin = await place.world.person("Anna", login="anna2")
    await place.world.native.join(place.room.id, twin)
    await place.side.settle()
    assert place.shown(twin) == "Anna (anna2)"
    assert place.shown(place.anna) == "Anna"
    await place.world.native.set_profile(twin, name="Bela")
    await place.side.settle()
    assert place.shown(twin) == "Bela"


async def test_a_new_picture_does_not_bring_anothers_name_back(place: Place) -> None:
    """The homeserver writes the profile's name over those of single rooms."""
    twin = await place.world.person("Anna", login="anna2")
    await place.world.native.join(place.room.id, twin)
    await place.side.settle()
    picture = Blob("b" * 8, "image/png", b"\x89PNG")
    await place.world.db.write(lambda c: blobs.put(c, picture))
    await place.world.native.set_profile(twin, avatar=f"{blobs.REFERENCE}{picture.id}")
    await place.side.settle()
    ghost = place.side.ghost(twin)
    assert place.side.hs.world.users[ghost].profile["avatar_url"].startswith("mxc://")
    assert place.shown(twin) == "Anna (anna2)"


async def test_a_profile_is_brought_up_to_date_after_a_stop(place: Place) -> None:
    await place.world.stop()
    await place.world.start()
    hold = place.side.hs.hold("PUT", "/displayname")
    changing = asyncio.create_task(place.world.native.set_profile(place.anna, name="Annabel"))
    await hold.entered.wait()
    await changing
    await place.world.stop()
    hold.release()
    await place.world.start()
    await place.side.portal(place.room)
    await place.side.settle()
    stale = await place.world.db.read(lambda c: people.stale_ghosts(c, MATRIX))
    assert stale == []
    assert place.shown(place.anna) == "Annabel"


async def test_who_leaves_takes_the_ghost_along(place: Place) -> None:
    await place.world.native.leave(place.room.id, place.anna)
    await place.side.settle()
    assert place.shown(place.anna) is None


async def test_a_ghost_is_invited_where_it_may_not_come_by_itself(place: Place) -> None:
    bot = place.side.bot()
    (await bot.put_state(place.link.chat, "m.room.join_rules", {"join_rule": "invite"})).ok()
    bela = await place.world.person("Bela")
    await place.world.native.join(place.room.id, bela)
    await place.side.settle()
    assert place.shown(bela) == "Bela"


async def test_which_users_the_homeserver_may_think_are_there(place: Place) -> None:
    network = place.side.network
    ghost = place.side.ghost(place.anna)
    assert await network.user_exists(ghost)
    assert await network.user_exists(network.naming.bot)
    marco = await place.world.people.at(MATRIX, "@marco:localhost", "marco")
    for user_id in ("@rialto_nobody:localhost", "@marco:localhost", network.naming.ghost(marco)):
        assert not await network.user_exists(user_id)
    await place.world.native.deactivate(place.anna)
    assert not await network.user_exists(ghost)


async def test_the_description_follows_both_ways(place: Place) -> None:
    marco, marco_id = await place.side.user("marco")
    (await marco.join(place.link.chat)).ok()
    await place.world.native.describe(place.room.id, place.anna, name="Market", topic="news")
    await place.side.settle()
    there = place.side.matrix_room(place.link.chat)
    assert there.get("m.room.name") == {"name": "Market"}
    assert there.get("m.room.topic")["topic"] == "news"
    bot = place.side.bot()
    levels = {**there.get("m.room.power_levels"), "users": {marco_id: 50}}
    (await bot.put_state(place.link.chat, "m.room.power_levels", levels)).ok()
    names_before = len(place.side.events(place.link.chat, "m.room.name"))
    (await marco.put_state(place.link.chat, "m.room.name", {"name": "Bazaar"})).ok()
    await place.side.settle()
    snapshot = await place.world.hub.snapshot(place.room.id)
    assert snapshot is not None
    assert (snapshot.room.name, snapshot.room.topic) == ("Bazaar", "news")
    assert len(place.side.events(place.link.chat, "m.room.name")) == names_before + 1, "not said back"
