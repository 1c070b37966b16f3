"""Lanes: in order, never lost, each delaying nobody but itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from bridge.core import why
from bridge.core.items import LinkChange
from bridge.core.lanes import WINDOW
from bridge.model.deliveries import Outgoing
from bridge.model.errors import AuthFailed, NotJoined, Rejected, Retry, Unreachable
from bridge.model.events import Said, Told
from bridge.model.ids import PersonId
from bridge.model.rooms import Room
from tests.fakes.tidy import EVERYTHING, PeopledNetwork, TidyNetwork
from tests.rigs.installation import Installation

TOO_LARGE = Rejected("PUT /send/abc answered 413", status=413, errcode="M_TOO_LARGE")


def says(text: str) -> Callable[[Outgoing], bool]:
    return lambda out: isinstance(out.content, Said) and out.content.text == text


class Scene:
    """One room, Anna in it, and the network that her lines go to."""

    def __init__(self, world: Installation, network: TidyNetwork, room: Room, anna: PersonId) -> None:
        self.world, self.network, self.room, self.anna = world, network, room, anna
        self.chat = f"{room.id}-{network.id}"

    async def say(self, *texts: str) -> list[int]:
        return [(await self.world.native.say(self.room.id, self.anna, text)).seq for text in texts]

    def there(self) -> list[str]:
        return self.network.texts(self.chat)

    async def told(self) -> list[Told]:
        return [content for content in await self.world.log(self.room.id) if isinstance(content, Told)]


async def begin(world: Installation) -> Scene:
    anna = await world.person("Anna")
    return Scene(world, world.networks[0], await world.room(anna), anna)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with Installation(tmp_path, TidyNetwork()) as world:
        yield await begin(world)


async def test_lines_go_out_in_order_and_are_known_by_their_ids(scene: Scene) -> None:
    count = 2 * WINDOW + 5
    first, *_ = await scene.say(*(str(number) for number in range(count)))
    await scene.world.idle()
    assert scene.there() == [str(number) for number in range(count)]
    (delivery,) = await scene.world.deliveries(scene.room, first)
    assert (delivery.state, delivery.remote_id, delivery.reason) == ("sent", "tidy-1", "")


async def test_an_error_that_passes_loses_nothing_and_changes_no_order(scene: Scene) -> None:
    errors = [
        Retry("429", after=60, status=429),
        Retry("502", status=502),
        Unreachable("reset"),
        Retry("504", status=504),
    ]
    scene.network.fail(*errors[:2], *errors[2:])
    scene.network.fail(Unreachable("reset after the effect"), late=True, fits=says("b"))
    first, *_ = await scene.say("a", "b", "c")
    await scene.world.idle()
    assert scene.there() == ["a", "b", "c"]
    (delivery,) = await scene.world.deliveries(scene.room, first)
    assert (delivery.state, delivery.attempts) == ("sent", 4)
    assert scene.world.hub.lane_waits_for((await scene.world.links(scene.room))[0].id) == ""


async def test_bad_credentials_pause_and_make_no_dead_letter(scene: Scene) -> None:
    scene.network.fail(*(AuthFailed("401 unknown token") for _ in range(30)))
    await scene.say("a", "b")
    await scene.world.idle()
    assert scene.there() == ["a", "b"]
    assert await why.dead_letters(scene.world.hub) == []


async def test_a_refusal_is_a_dead_letter_told_once_and_the_lane_goes_on(scene: Scene) -> None:
    for text in ("b", "d", "e"):
        error = Rejected(f"PUT /send/{text} answered 413", status=413, errcode="M_TOO_LARGE")
        scene.network.fail(error, fits=says(text))
    scene.network.fail(Rejected("PUT /send/f answered 403", status=403, errcode="M_FORBIDDEN"), fits=says("f"))
    _, second, *_ = await scene.say("a", "b", "c", "d", "e", "f", "g")
    await scene.world.idle()
    assert scene.there() == ["a", "c", "g"]
    (delivery,) = await scene.world.deliveries(scene.room, second)
    assert (delivery.state, delivery.reason) == ("dead", "PUT /send/b answered 413")
    told = await scene.told()
    assert [line.key for line in told] == ["delivery_failed", "delivery_failed"], (
        "once for each cause, not for each line"
    )
    assert told[0].values == {"network": "tidy", "reason": "PUT /send/b answered 413"}
    assert len(await why.dead_letters(scene.world.hub, scene.room.id)) == 4


async def test_a_dead_letter_is_replayed_with_its_present_words(scene: Scene) -> None:
    scene.network.fail(TOO_LARGE, fits=says("a"))
    placed = await scene.world.native.say(scene.room.id, scene.anna, "a")
    await scene.say("b")
    # Edited any sooner, the line would be sent in its new wording at the first try.
    await scene.world.idle()
    await scene.world.native.edit(scene.room.id, scene.anna, placed.id, "shorter", None)
    await scene.world.idle()
    assert scene.there() == ["b"]
    (letter,) = await why.dead_letters(scene.world.hub)
    assert await why.replay(scene.world.hub, letter.letter)
    await scene.world.idle()
    assert scene.there() == ["b", "shorter"]
    assert not await why.replay(scene.world.hub, letter.letter)
    assert not await why.replay(scene.world.hub, "nonsense")


async def test_an_edit_that_is_replayed_late_does_not_undo_a_later_one(scene: Scene) -> None:
    placed = await scene.world.native.say(scene.room.id, scene.anna, "one")
    await scene.world.idle()
    scene.network.fail(TOO_LARGE)
    await scene.world.native.edit(scene.room.id, scene.anna, placed.id, "two", None)
    await scene.world.idle()
    await scene.world.native.edit(scene.room.id, scene.anna, placed.id, "three", None)
    await scene.world.idle()
    (letter,) = await why.dead_letters(scene.world.hub)
    assert await why.replay(scene.world.hub, letter.letter)
    await scene.world.idle()
    assert scene.there() == ["three"]


async def test_what_depends_on_a_dead_letter_is_skipped(scene: Scene) -> None:
    scene.network.fail(TOO_LARGE, fits=says("a"))
    placed = await scene.world.native.say(scene.room.id, scene.anna, "a")
    await scene.world.idle()
    edit = await scene.world.native.edit(scene.room.id, scene.anna, placed.id, "b", None)
    removal = await scene.world.native.remove(scene.room.id, scene.anna, placed.id, "", None)
    (edited,) = await scene.world.deliveries(scene.room, edit.seq)
    (removed,) = await scene.world.deliveries(scene.room, removal.seq)
    assert (removed.state, removed.reason) == ("skipped", "target failed")
    assert edited.state in ("skipped", "cancelled")
    assert scene.there() == []


# what changes while it waits


async def test_a_line_that_was_removed_while_it_waited_is_never_sent(scene: Scene) -> None:
    gate = scene.network.gate(says("first"))
    await scene.say("first")
    await gate.reached.wait()
    secret = await scene.world.native.say(scene.room.id, scene.anna, "secret")
    removal = await scene.world.native.remove(scene.room.id, scene.anna, secret.id, "", None)
    gate.open()
    await scene.world.idle()
    assert not any("secret" in repr(out) for out in scene.network.requests)
    assert await scene.world.state(scene.room, secret) == ["cancelled"]
    assert await scene.world.state(scene.room, removal) == ["folded"]


async def test_a_line_that_is_removed_between_two_tries_is_not_sent(scene: Scene) -> None:
    gate = scene.network.gate(says("secret"))
    scene.network.fail(Retry("429", status=429), fits=says("secret"))
    secret = await scene.world.native.say(scene.room.id, scene.anna, "secret")
    await gate.reached.wait()
    await scene.world.native.remove(scene.room.id, scene.anna, secret.id, "", None)
    gate.open()
    await scene.world.idle()
    assert scene.there() == []
    assert len(scene.network.requests) == 1
    assert await scene.world.state(scene.room, secret) == ["cancelled"]


async def test_an_edit_is_folded_into_a_line_that_still_waits(scene: Scene) -> None:
    gate = scene.network.gate(says("first"))
    await scene.say("first")
    await gate.reached.wait()
    line = await scene.world.native.say(scene.room.id, scene.anna, "tpyo")
    edit = await scene.world.native.edit(scene.room.id, scene.anna, line.id, "typo", None)
    gate.open()
    await scene.world.idle()
    assert scene.there() == ["first", "typo"]
    assert scene.network.chats[scene.chat][1].history == ["typo"], "the first wording was never there"
    assert await scene.world.state(scene.room, line) == ["sent"]
    assert await scene.world.state(scene.room, edit) == ["folded"]


async def test_an_edit_of_a_line_that_is_being_sent_waits_for_it(scene: Scene) -> None:
    gate = scene.network.gate(says("one"), late=True)
    line = await scene.world.native.say(scene.room.id, scene.anna, "one")
    await gate.reached.wait()
    await scene.world.native.edit(scene.room.id, scene.anna, line.id, "two", None)
    gate.open()
    await scene.world.idle()
    assert scene.network.chats[scene.chat][0].history == ["one", "two"]


async def test_an_edit_whose_line_is_removed_meanwhile_is_not_sent(scene: Scene) -> None:
    line = await scene.world.native.say(scene.room.id, scene.anna, "one")
    await scene.world.idle()
    gate = scene.network.gate(lambda out: out.target is not None)
    scene.network.fail(Retry("429", status=429))
    await scene.world.native.edit(scene.room.id, scene.anna, line.id, "secret", None)
    await gate.reached.wait()
    await scene.world.native.remove(scene.room.id, scene.anna, line.id, "", None)
    gate.open()
    await scene.world.idle()
    assert scene.there() == []
    tried = [out for out in scene.network.requests if out.wording is not None and out.wording.text == "secret"]
    assert len(tried) == 1, "the one that was refused"


# long lines


async def test_the_parts_of_a_line_come_before_the_next_line(tmp_path: Path) -> None:
    network = TidyNetwork(can=msgspec.structs.replace(EVERYTHING, text_bytes=20, html=False))
    async with Installation(tmp_path, network) as world:
        scene = await begin(world)
        gate = network.gate(says("stop"))
        await scene.say("stop")
        await gate.reached.wait()
        line, *_ = await scene.say("one two three four five six seven eight", "next", "and next")
        gate.open()
        await world.idle()
        there = scene.there()
        assert " ".join(there) == "stop one two three four five six seven eight next and next"
        assert len(there) == 5
        assert [d.state for d in await world.deliveries(scene.room, line)] == ["sent"] * 2


async def test_a_line_grows_and_shrinks_and_goes_with_all_its_parts(tmp_path: Path) -> None:
    network = TidyNetwork(can=msgspec.structs.replace(EVERYTHING, text_bytes=20, html=False))
    async with Installation(tmp_path, network) as world:
        scene = await begin(world)
        line = await world.native.say(scene.room.id, scene.anna, "one two three four five")
        for text in ("short", "one two three four five six seven eight", "one two three four six"):
            await world.idle()
            await world.native.edit(scene.room.id, scene.anna, line.id, text, None)
        await world.idle()
        assert " ".join(sorted(scene.there(), key="one two three four six".index)) == "one two three four six"
        await world.native.remove(scene.room.id, scene.anna, line.id, "", None)
        await world.idle()
        assert scene.there() == []
        assert [post.history for post in network.chats[scene.chat] if post.history] == [], "edits go too"


# one room never holds up another


async def test_a_stuck_lane_holds_up_neither_its_room_nor_others(tmp_path: Path) -> None:
    slow, quick = TidyNetwork("slow"), TidyNetwork("quick")
    async with Installation(tmp_path, slow, quick) as world:
        stuck = await begin(world)
        free = Scene(world, slow, await world.room(stuck.anna, name="Market"), stuck.anna)
        gate = slow.gate(lambda out: out.key.room == stuck.room.id)
        await stuck.say("a", "b")
        await gate.reached.wait()
        await free.say("c", "d")
        await slow.until(lambda: free.there() == ["c", "d"])
        await quick.until(lambda: len(quick.texts(f"{stuck.room.id}-quick")) == 2)
        assert stuck.there() == []
        gate.open()
        await world.idle()
        assert stuck.there() == ["a", "b"]


async def test_one_room_that_fails_for_ever_leaves_the_other_alone(tmp_path: Path) -> None:
    network = TidyNetwork()
    async with Installation(tmp_path, network) as world:
        bad = await begin(world)
        good = Scene(world, network, await world.room(bad.anna, name="Market"), bad.anna)
        network.fail(*(Retry("500", status=500) for _ in range(10_000)), fits=lambda out: out.key.room == bad.room.id)
        await bad.say("never")
        await network.until(lambda: len(network.requests) > 50)
        await good.say("a", "b")
        await network.until(lambda: good.there() == ["a", "b"])


async def test_a_closed_chat_waits_and_goes_on_when_it_is_told(scene: Scene) -> None:
    scene.network.closed.add(scene.chat)
    await scene.say("a", "b")
    await scene.world.idle()
    (link,) = await scene.world.links(scene.room)
    assert scene.there() == []
    assert scene.world.hub.lane_waits_for(link.id) == "the chat is not ready"
    scene.network.closed.clear()
    scene.world.hub.wake(link.id)
    await scene.world.idle()
    assert scene.there() == ["a", "b"]


# encryption


@pytest.mark.parametrize("held", ["while a try fails", "behind another line"])
async def test_nothing_is_sent_once_the_chat_is_encrypted(scene: Scene, held: str) -> None:
    gate = scene.network.gate(lambda out: True)
    scene.network.fail(Retry("503", status=503))
    first, second = await scene.say("plain", "secret")
    await gate.reached.wait()
    (link,) = await scene.world.links(scene.room)
    await scene.world.hub.submit(scene.room.id, [LinkChange(msgspec.structs.replace(link, state="encrypted"))])
    gate.open()
    await scene.world.idle()
    await scene.say("later")
    await scene.world.idle()
    assert len(scene.network.requests) == 1, "nothing but the request that was under way"
    for seq in (first, second):
        (delivery,) = await scene.world.deliveries(scene.room, seq)
        assert (delivery.state, delivery.reason) == ("skipped", "the chat is encrypted")


# who is not in the chat


async def test_who_is_not_joined_is_brought_in_once_and_heard(tmp_path: Path) -> None:
    network = PeopledNetwork()
    async with Installation(tmp_path, network) as world:
        scene = await begin(world)
        await network.until(lambda: ("join", scene.anna) in network.moves)
        network.fail(NotJoined("not in the room", status=403))
        await scene.say("a")
        await world.idle()
        assert scene.there() == ["a"]
        assert network.moves.count(("join", scene.anna)) == 2


async def test_who_is_not_joined_even_then_is_a_dead_letter(tmp_path: Path) -> None:
    network = PeopledNetwork()
    async with Installation(tmp_path, network) as world:
        scene = await begin(world)
        network.fail(*(NotJoined("not in the room", status=403, errcode="M_FORBIDDEN") for _ in range(2)))
        first, _ = await scene.say("a", "b")
        await world.idle()
        assert scene.there() == ["b"]
        assert [d.state for d in await world.deliveries(scene.room, first)] == ["dead"]


async def test_a_ghost_that_is_refused_fails_its_own_lines_only(tmp_path: Path) -> None:
    network = PeopledNetwork()
    async with Installation(tmp_path, network) as world:
        scene = await begin(world)
        bela = await world.person("Bela")
        network.seat_faults[bela] = [Rejected("banned", status=403, errcode="M_FORBIDDEN") for _ in range(3)]
        await world.native.join(scene.room.id, bela)
        await world.native.say(scene.room.id, bela, "unheard")
        await scene.say("heard")
        await world.idle()
        assert scene.there() == ["heard"]
        # The chat changed its mind.
        network.seat_faults.clear()
        await world.native.say(scene.room.id, bela, "heard again")
        await world.idle()
        assert scene.there() == ["heard", "heard again"]


async def test_the_last_words_of_who_left_are_heard_and_the_ghost_goes(tmp_path: Path) -> None:
    network = PeopledNetwork()
    async with Installation(tmp_path, network) as world:
        scene = await begin(world)
        await network.until(lambda: network.moves.count(("join", scene.anna)) == 1)
        network.closed.add(scene.chat)
        await scene.say("bye", "all")
        await world.native.leave(scene.room.id, scene.anna)
        await network.until(lambda: network.moves.count(("leave", scene.anna)) == 1)
        network.closed.clear()
        (link,) = await world.links(scene.room)
        world.hub.wake(link.id)
        await network.until(lambda: scene.there() == ["bye", "all"])
        await network.until(lambda: network.moves.count(("leave", scene.anna)) == 2)
        moves = [move for move, _ in network.moves if move != "try"]
        assert moves == ["join", "leave", "join", "leave"], "in for all of the last words, and out again"


@pytest.mark.parametrize("what", ["encrypted", "removed", "edited"])
async def test_what_changes_while_the_speaker_comes_in(tmp_path: Path, what: str) -> None:
    """The last look at the line is just before it leaves."""
    network = PeopledNetwork()
    async with Installation(tmp_path, network) as world:
        scene = await begin(world)
        bela = await world.person("Bela")
        network.held[bela] = asyncio.Event()
        await world.native.join(scene.room.id, bela)
        line = await world.native.say(scene.room.id, bela, "secret")
        await network.until(lambda: ("try", bela) in network.moves)
        (link,) = await world.links(scene.room)
        if what == "encrypted":
            await world.hub.submit(scene.room.id, [LinkChange(msgspec.structs.replace(link, state="encrypted"))])
        elif what == "removed":
            await world.native.remove(scene.room.id, bela, line.id, "", None)
        else:
            await world.native.edit(scene.room.id, bela, line.id, "open", None)
        network.held[bela].set()
        await world.idle()
        texts = [out.wording.text for out in network.requests if out.wording is not None]
        assert texts == (["open"] if what == "edited" else [])
