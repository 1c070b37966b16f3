"""A room's settings on Matrix: who may come in, read back, invite and write; guests; who is sent away; the end."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.model.errors import Refused
from bridge.model.ids import MATRIX, PersonId
from bridge.model.rooms import Link, Room
from bridge.networks.matrix.openness import with_powers
from bridge.store import rooms
from tests.rigs.caller import Caller
from tests.rigs.installation import Installation
from tests.rigs.matrix_side import MatrixSide, alias_of
from tests.unit.core.rules import room as ROOM


class Place:
    """A portal, and Anna who owns its room."""

    def __init__(self, side: MatrixSide, world: Installation, room: Room, anna: PersonId, link: Link) -> None:
        self.side, self.world, self.room, self.anna, self.link = side, world, room, anna, link

    @property
    def there(self) -> Any:
        """The room as the homeserver has it."""
        return self.side.matrix_room(self.link.chat)

    async def until(self, true: Any) -> None:
        """Wait until something is true on the homeserver."""
        while not true():
            await self.side.settle()

    def listed(self) -> bool:
        """Tell whether the room is in the homeserver's directory."""
        return bool(self.there.published)

    async def configure(self, **settings: Any) -> None:
        await self.world.native.configure(self.room.id, self.anna, **settings)
        await self.side.settle()


async def placed(side: MatrixSide, world: Installation, **settings: Any) -> Place:
    anna = await world.person("Anna")
    room = await world.native.found_room("Piazza", anna, **settings)
    link = await side.portal(room)
    await side.settle()
    return Place(side, world, room, anna, link)


@pytest.fixture
async def place(world: Installation, side: MatrixSide) -> Place:
    return await placed(side, world)


async def test_a_public_room_is_open_and_listed(place: Place) -> None:
    assert place.there.get("m.room.join_rules") == {"join_rule": "public"}
    assert place.there.get("m.room.history_visibility") == {"history_visibility": "shared"}
    assert place.listed()
    assert "m.federate" not in place.there.get("m.room.create")


async def test_a_private_room_keeps_strangers_out_and_lets_ghosts_in(world: Installation, side: MatrixSide) -> None:
    place = await placed(side, world, access="invite", history="joined", mirror=True, federate=False)
    there = place.there
    assert there.get("m.room.join_rules") == {"join_rule": "invite"}
    assert there.get("m.room.history_visibility") == {"history_visibility": "joined"}
    assert there.get("m.room.create")["m.federate"] is False
    assert there.get("m.room.power_levels")["invite"] == 50
    assert not place.listed()
    bela = await world.person("Bela")
    await world.native.admit(place.room.id, bela)
    await world.native.say(place.room.id, bela, "inside")
    await side.settle()
    assert side.bodies(place.link.chat) == ["inside"]
    marco, _ = await side.user("marco")
    assert (await marco.join(place.link.chat)).status == 403


async def test_people_of_matrix_are_invited_to_a_private_room(world: Installation, side: MatrixSide) -> None:
    place = await placed(side, world, access="invite", mirror=True)
    marco, user_id = await side.user("marco")
    native = world.native
    for wrong in ("marco", "@marco", "@rialto_p1:localhost", "@a b:localhost", side.network.naming.bot):
        with pytest.raises(Refused) as refused:
            await native.invite_from(place.room.id, place.anna, MATRIX, wrong)
        assert (refused.value.reason_code, refused.value.field) == ("bad_field", "user")
    with pytest.raises(Refused) as refused:
        await native.invite_from(place.room.id, await world.person("Nobody"), MATRIX, user_id)
    assert refused.value.status == 404
    for _ in range(2):
        await native.invite_from(place.room.id, place.anna, MATRIX, user_id)
    (await marco.join(place.link.chat)).ok()
    await native.invite_from(place.room.id, place.anna, MATRIX, user_id)
    (await side.bot().member(place.link.chat, "ban", user_id=user_id)).ok()
    with pytest.raises(Refused) as refused:
        await native.invite_from(place.room.id, place.anna, MATRIX, user_id)
    assert refused.value.reason_code == "not_invited"
    quiet = await native.found_room("Quiet", place.anna, access="invite")
    with pytest.raises(Refused) as refused:
        await native.invite_from(quiet.id, place.anna, MATRIX, user_id)
    assert refused.value.reason_code == "not_on_network"


async def test_access_and_history_follow_the_room(place: Place) -> None:
    marco, _ = await place.side.user("marco")
    await place.configure(access="invite", history="joined")
    assert place.there.get("m.room.join_rules") == {"join_rule": "invite"}
    assert place.there.get("m.room.history_visibility") == {"history_visibility": "joined"}
    assert place.there.get("m.room.power_levels")["invite"] == 50
    assert not place.listed()
    alias = place.side.network.address(place.room)
    assert (await marco.join(alias)).status == 403
    await place.configure(access="public", history="all")
    assert place.there.get("m.room.join_rules") == {"join_rule": "public"}
    assert place.there.get("m.room.power_levels")["invite"] == 0
    assert place.listed()
    (await marco.join(place.link.chat)).ok()


async def test_a_new_name_asks_nothing_of_the_rules(place: Place) -> None:
    before = len(place.side.hs.requests)
    await place.world.native.describe(place.room.id, place.anna, name="Market")
    await place.side.settle()
    paths = [note.path for note in place.side.hs.requests[before:]]
    assert any("m.room.name" in path for path in paths)
    assert not any("join_rules" in path or "directory/list" in path or "power_levels" in path for path in paths)


async def test_an_archived_room_can_only_be_read(place: Place) -> None:
    marco, _ = await place.side.user("marco")
    (await marco.join(place.link.chat)).ok()
    line = (await marco.send(place.link.chat, "mine")).ok()["event_id"]
    await place.side.settle()
    await place.world.native.say(place.room.id, place.anna, "last words")
    await place.configure(archived=True)
    assert place.side.bodies(place.link.chat) == ["mine", "last words"]
    assert (await marco.send(place.link.chat, "after")).status == 403
    (await marco.redact(place.link.chat, line)).ok()
    await place.side.settle()
    assert place.side.bodies(place.link.chat) == ["last words"]
    page = await place.world.hub.page(place.room.id)
    assert [entry.entry.present for entry in page if entry.entry.removed_at is not None] == [None]
    other, _ = await place.side.user("other")
    assert (await other.join(place.link.chat)).status == 403
    await place.configure(archived=False)
    (await marco.send(place.link.chat, "again")).ok()
    (await other.join(place.link.chat)).ok()
    assert place.there.get("m.room.power_levels")["events"].get("m.room.redaction") is None


def test_powers_keep_what_the_homeserver_says_otherwise() -> None:
    levels = {"users": {"@m:hs": 50}, "events": {"m.room.name": 50}, "events_default": 0, "invite": 0, "kick": 50}
    assert with_powers(levels, ROOM()) == levels
    shut = with_powers(levels, ROOM(archived_at=1))
    assert shut["events"] == {"m.room.name": 50, "m.room.redaction": 0}
    assert (shut["events_default"], shut["users"], shut["kick"]) == (100, {"@m:hs": 50}, 50)
    assert with_powers(shut, ROOM()) == levels


# guests


async def test_the_bot_speaks_for_guests(place: Place) -> None:
    gast = await place.world.person("Gast & Co", guest=True)
    await place.world.native.admit(place.room.id, gast)
    said = await place.world.native.say(place.room.id, gast, "hello @room **all**")
    await place.world.native.say(place.room.id, gast, "waves", style="emote")
    await place.side.settle()
    chat, naming = place.link.chat, place.side.network.naming
    first, second = place.side.events(chat)
    assert {first.sender, second.sender} == {naming.bot}
    assert first.content["body"] == "Gast & Co: hello @room **all**"
    assert first.content["formatted_body"] == "<strong>Gast &amp; Co:</strong> hello @room <strong>all</strong>"
    assert first.content["m.mentions"] == {}, "the bot may call the whole room; a guest may not"
    assert second.content["body"] == "* Gast & Co waves"
    assert naming.ghost(gast) not in place.side.hs.world.users

    await place.world.native.edit(place.room.id, gast, said.id, "hello", None)
    await place.side.settle()
    assert place.side.bodies(chat) == ["Gast & Co: hello", "* Gast & Co waves"]
    await place.world.native.remove(place.room.id, gast, said.id, "", None)
    await place.side.settle()
    assert place.side.bodies(chat) == ["* Gast & Co waves"]
    assert len(await place.world.log(place.room.id)) == 4, "what the bot says comes back as an echo, not as a line"


async def test_a_moderator_removes_what_a_guest_said(place: Place) -> None:
    gast = await place.world.person("Gast", guest=True)
    await place.world.native.admit(place.room.id, gast)
    said = await place.world.native.say(place.room.id, gast, "rude")
    await place.side.settle()
    await place.world.native.remove(place.room.id, place.anna, said.id, "", None)
    await place.side.settle()
    assert place.side.bodies(place.link.chat) == []


async def test_a_reply_to_a_guest_finds_its_line(place: Place) -> None:
    gast = await place.world.person("Gast", guest=True)
    await place.world.native.admit(place.room.id, gast)
    await place.world.native.say(place.room.id, gast, "before the restart")
    await place.side.settle()
    await place.world.restart()
    await place.side.settle()
    await place.world.native.say(place.room.id, gast, "after it")
    await place.side.settle()
    assert place.side.bodies(place.link.chat) == ["Gast: before the restart", "Gast: after it"]


# sending away


async def come(place: Place, name: str) -> tuple[Caller, str, PersonId]:
    caller, user_id = await place.side.user(name)
    (await caller.join(place.link.chat)).ok()
    await place.side.settle()
    state = await place.world.hub.state(place.room.id)
    (person,) = (member.person for member in state.members.values() if member.name == name)
    return caller, user_id, person


async def test_somebody_from_matrix_is_sent_away_there_too(place: Place) -> None:
    marco, user_id, person = await come(place, "marco")
    await place.world.native.kick(place.room.id, place.anna, person, "spam")
    await place.until(lambda: place.there.get("m.room.member", user_id)["membership"] == "leave")
    assert place.there.get("m.room.member", user_id)["reason"] == "spam"
    assert (await marco.send(place.link.chat, "still?")).status == 403
    await place.side.settle()
    kinds = [type(entry).__name__ for entry in await place.world.log(place.room.id)]
    assert kinds == ["Joined", "Joined", "Left"], "said once, although Matrix tells it too"
    (await marco.join(place.link.chat)).ok()
    await place.side.settle()
    assert (await place.world.hub.state(place.room.id)).members[person].joined


async def test_who_is_sent_away_from_here_leaves_there(place: Place) -> None:
    bela = await place.world.person("Bela")
    await place.world.native.join(place.room.id, bela)
    await place.side.settle()
    await place.world.native.kick(place.room.id, place.anna, bela)
    ghost = place.side.ghost(bela)
    await place.until(lambda: place.there.get("m.room.member", ghost)["membership"] == "leave")


async def test_a_muted_person_of_matrix_is_heard_there_alone(place: Place) -> None:
    marco, _, person = await come(place, "marco")
    await place.world.native.rank(place.room.id, place.anna, person, "muted")
    (await marco.send(place.link.chat, "hello?")).ok()
    await place.side.settle()
    assert [type(entry).__name__ for entry in await place.world.log(place.room.id)][-1] == "Ranked"


# the end


async def ended(place: Place) -> None:
    while (await place.world.links(place.room))[0].state != "gone":
        await place.side.settle()


async def test_the_portal_of_a_deleted_room_is_given_up(place: Place) -> None:
    marco, user_id, _ = await come(place, "marco")
    await place.world.native.say(place.room.id, place.anna, "hello")
    await place.side.settle()
    await place.world.native.delete(place.room.id, place.anna)
    await ended(place)
    there, alias = place.there, place.side.network.address(place.room)
    assert (await alias_of(marco, alias)).status == 404, "nor is it made again"
    assert not place.listed()
    assert there.get("m.room.join_rules") == {"join_rule": "invite"}
    assert place.side.bodies(place.link.chat)[-1] == "This room was deleted."
    for user in (user_id, place.side.ghost(place.anna), place.side.network.naming.bot):
        assert there.get("m.room.member", user)["membership"] == "leave", user
    assert (await marco.join(place.link.chat)).status == 403
    while await place.world.db.read(rooms.unerased):
        await place.side.settle()


@pytest.mark.parametrize("away", [True, False])
async def test_giving_up_goes_on_after_a_stop(place: Place, away: bool) -> None:
    """The homeserver is away, or Rialto is stopped at once."""
    if away:
        await place.side.hs.stop()
    await place.world.native.delete(place.room.id, place.anna)
    await place.world.stop()
    if away:
        await place.side.hs.start()
    await place.world.start()
    await ended(place)
    assert place.there.get("m.room.member", place.side.ghost(place.anna))["membership"] == "leave"
    assert place.side.bodies(place.link.chat) == ["This room was deleted."]


async def test_no_words_go_into_an_encrypted_portal(place: Place) -> None:
    bot = place.side.bot()
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    (await bot.put_state(place.link.chat, "m.room.encryption", algorithm)).ok()
    await place.side.settle()
    await place.world.native.delete(place.room.id, place.anna)
    await ended(place)
    assert place.side.events(place.link.chat) == []
    assert place.there.get("m.room.member", place.side.ghost(place.anna))["membership"] == "leave"
