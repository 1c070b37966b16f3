"""Whom a line means: names, logins, links to ghosts, everybody; and what edits and removals make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bridge.core.items import Placed, Submission
from bridge.core.mentions import Addressed, Meant, Names
from bridge.model.events import Edited, Joined, Removed, Said
from bridge.model.ids import MATRIX, EventId, PersonId
from bridge.model.rooms import Room
from tests.fakes.tidy import TidyNetwork
from tests.rigs.installation import Installation
from tests.unit.core.rules import ANNA, BELA, MARCO, event, member

# names


@pytest.fixture
def names() -> Names:
    made = Names()
    made.put(member(ANNA, "Anna"), "anna")
    made.put(member(BELA, "Bela von B"), "bela")
    made.put(member(MARCO, "Marco", home=MATRIX), None)
    return made


def meant(names: Names, text: str, who: PersonId = MARCO, **more: object) -> set[PersonId]:
    return set(names.meant(who, text, **more).people)  # type: ignore[arg-type]


def test_logins_and_shown_names(names: Names) -> None:
    assert meant(names, "@anna and @Bela von B") == {ANNA, BELA}
    assert meant(names, "@BELA") == {BELA}
    assert meant(names, "@Marco") == set()
    assert meant(names, "@anna", ANNA) == set()


def test_a_name_that_two_share_means_both(names: Names) -> None:
    names.put(member(BELA, "anna"))
    assert meant(names, "@anna @bela") == {ANNA, BELA}


def test_who_is_renamed_or_goes(names: Names) -> None:
    names.put(member(ANNA, "Annabel"))
    assert meant(names, "@annabel") == {ANNA}
    # The login name stays, without being told again.
    assert meant(names, "@anna") == {ANNA}
    names.put(member(ANNA, "Annabel", joined=False))
    assert meant(names, "@annabel @anna") == set()


def test_a_batch_of_its_own_does_not_touch_what_is_known(names: Names) -> None:
    after = Names(names)
    after.put(member(PersonId("p-new"), "Nova"), "nova")
    assert meant(after, "@nova @anna") == {"p-new", ANNA}
    assert meant(names, "@nova") == set()


def test_everybody_is_called_by_who_may(names: Names) -> None:
    for word in ("@room", "hello @all!", "@所有人 看这里"):
        assert names.meant(ANNA, word, everybody=True) == Meant(ANNA, frozenset(), True)
        assert names.meant(ANNA, word) == Meant(ANNA)
    assert Meant(ANNA, everybody=True).means(BELA)
    assert not Meant(ANNA, everybody=True).means(ANNA)


def test_links_to_ghosts_of_members(names: Names) -> None:
    ours, others = PersonId("p0123456789abcdef"), "p9999999999999999"
    names.put(member(ours, "Nina"), "nina")
    html = "".join(f'<a href="https://matrix.to/#/@rialto_{each}:hs">x</a>' for each in (ours, others))
    assert meant(names, "x", html=html) == {ours}


def test_the_lines_of_a_batch(names: Names) -> None:
    lines = Addressed()
    lines.said(1, MARCO, Said("@anna"))
    lines.said(2, MARCO, Said("nobody"))
    lines.said(3, MARCO, Said("@bela"))
    lines.changes(1, event(Edited(EventId("e1"), "@bela"), MARCO), Said("@anna"))
    lines.changes(3, event(Removed(EventId("e3")), MARCO), Said("@bela"))
    lines.changes(8, event(Edited(EventId("e8"), "nobody"), MARCO), Said("@anna"))
    lines.changes(9, event(Edited(EventId("e9"), "nobody"), MARCO), Said("nobody either"))
    lines.resolve(names, lambda _: False)
    assert {seq: set(found.people) for seq, found in lines.meant.items()} == {1: {BELA}}
    assert lines.changed == {1, 3, 8}


# in a room


class Scene:
    """Anna's room with Bela in it; Marco comes from another network."""

    def __init__(self, world: Installation, room: Room, anna: PersonId, bela: PersonId) -> None:
        self.world, self.room, self.anna, self.bela = world, room, anna, bela

    async def mentions(self, person: PersonId | None = None) -> int:
        return (await self.world.hub.badges.badges(person or self.bela))[self.room.id].mentions

    async def say(self, text: str, who: PersonId | None = None) -> Placed:
        return await self.world.native.say(self.room.id, who or self.anna, text)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with Installation(tmp_path, TidyNetwork()) as world:
        anna, bela = await world.person("Anna"), await world.person("Bela B", login="bela")
        yield Scene(world, await world.room(anna, bela), anna, bela)


async def test_a_line_means_members_by_either_name(scene: Scene) -> None:
    await scene.say("hello @bela")
    await scene.say("hello @Bela B")
    await scene.say("hello bela, hello @nobody")
    assert await scene.mentions() == 2
    assert await scene.mentions(scene.anna) == 0


async def test_an_edit_means_nobody_twice_and_can_mean_somebody_else(scene: Scene) -> None:
    placed = await scene.say("@bela")
    edit = scene.world.native.edit
    await edit(scene.room.id, scene.anna, placed.id, "@bela, hello", None)
    assert await scene.mentions() == 1
    await edit(scene.room.id, scene.anna, placed.id, "hello", None)
    assert await scene.mentions() == 0
    await edit(scene.room.id, scene.anna, placed.id, "hello @bela", None)
    assert await scene.mentions() == 1


async def test_a_removed_line_means_nobody(scene: Scene) -> None:
    placed = await scene.say("@bela")
    assert await scene.mentions() == 1
    await scene.world.native.remove(scene.room.id, scene.anna, placed.id, "", None)
    assert await scene.mentions() == 0


async def test_everybody(scene: Scene) -> None:
    nina = await scene.world.person("Nina")
    await scene.world.native.join(scene.room.id, nina)
    await scene.say("@room", scene.bela)
    assert (await scene.mentions(nina), await scene.mentions(scene.anna)) == (0, 0)
    placed = await scene.say("@room and @bela")
    assert (await scene.mentions(nina), await scene.mentions(), await scene.mentions(scene.anna)) == (1, 1, 0)
    await scene.world.native.remove(scene.room.id, scene.anna, placed.id, "", None)
    assert (await scene.mentions(nina), await scene.mentions()) == (0, 0)


async def test_a_new_name_and_a_newcomer(scene: Scene) -> None:
    await scene.say("@bela")
    await scene.world.native.set_profile(scene.bela, name="Belana")
    await scene.say("@Belana")
    await scene.say("@Bela B")
    assert await scene.mentions() == 3, "the login name, the new name, and the login name again"
    nina = await scene.world.person("Nina", login="nn")
    await scene.world.native.join(scene.room.id, nina)
    await scene.say("@nn @Nina")
    assert await scene.mentions(nina) == 1


async def test_a_newcomer_who_is_called_in_the_batch_that_brings_them(scene: Scene) -> None:
    nina = await scene.world.person("Nina", login="nn")
    joined = msgspec.structs.replace(event(Joined("Nina"), nina, id="j1"), room=scene.room.id)
    said = msgspec.structs.replace(event(Said("@nn"), scene.anna, id="s1"), room=scene.room.id)
    results = await scene.world.hub.submit(scene.room.id, [Submission(joined), Submission(said)])
    assert all(isinstance(result, Placed) for result in results)
    assert await scene.mentions(nina) == 1


async def test_lines_from_other_networks_mean_members_too(scene: Scene) -> None:
    (link,) = await scene.world.links(scene.room)
    marco = await scene.world.visitor(link, "@marco")
    await marco.do(Said("ciao @bela"))
    html = f'ciao <a href="https://matrix.to/#/@rialto_{scene.bela}:example.org">Bela</a>'
    await marco.do(Said("ciao Bela", html))
    assert await scene.mentions() == 2


async def test_names_are_known_again_after_a_restart(scene: Scene) -> None:
    await scene.say("@bela")
    await scene.world.restart()
    await scene.say("@bela")
    assert await scene.mentions() == 2
