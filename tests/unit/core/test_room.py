"""The actor of a room: order, repeats, a busy queue, failures that stay alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bridge.core import batch as batch_module
from bridge.core import room as room_module
from bridge.core.decide import decide
from bridge.core.items import Failed, Placed, Submission
from bridge.model.errors import Refused
from bridge.model.events import Content, Edited, Event, Joined, Left, Origin, Removed, Said
from bridge.model.ids import WEB, EventId, PersonId, RoomId, new_event_id
from bridge.model.rooms import Room
from bridge.store.database import Unit
from tests.fakes.tidy import TidyNetwork
from tests.rigs.installation import Installation


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Installation]:
    async with Installation(tmp_path, TidyNetwork()) as made:
        yield made


@pytest.fixture
async def anna(world: Installation) -> PersonId:
    return await world.person("Anna")


@pytest.fixture
async def room(world: Installation, anna: PersonId) -> Room:
    return await world.room(anna)


def submission(room: RoomId, who: PersonId, text: str, key: str = "") -> Submission:
    made = new_event_id()
    return Submission(Event(made, room, who, 0, Origin(WEB, room, key or made), Said(text)))


def texts(contents: list[Content]) -> list[str]:
    return [content.text for content in contents if isinstance(content, Said)]


async def test_many_at_once_get_numbers_without_a_hole(world: Installation, anna: PersonId, room: Room) -> None:
    placed = await asyncio.gather(*(world.native.say(room.id, anna, str(number)) for number in range(300)))
    numbers = [place.seq for place in placed]
    assert numbers == list(range(numbers[0], numbers[0] + 300)), "taken in the order in which they came"
    pages = [await world.hub.page(room.id, after=after, limit=200) for after in (1, 201)]
    assert [line.entry.event.content for page in pages for line in page] == [Said(str(number)) for number in range(300)]


async def test_a_client_id_is_one_line_for_ever(world: Installation, anna: PersonId, room: Room) -> None:
    async def say(text: str) -> Placed:
        return await world.native.say(room.id, anna, text, client_id="c1")

    first, *others = await asyncio.gather(*(say(f"try {number}") for number in range(8)))
    assert first.fresh
    assert {(other.seq, other.id, other.fresh) for other in others} == {(first.seq, first.id, False)}
    await world.restart()
    again = await say("after the restart")
    assert (again.seq, again.id, again.fresh) == (first.seq, first.id, False)
    bela = await world.person("Bela")
    await world.native.join(room.id, bela)
    hers = await world.native.say(room.id, bela, "mine", client_id="c1")
    assert hers.fresh
    other_room = await world.room(anna, name="Market")
    assert (await world.native.say(other_room.id, anna, "there", client_id="c1")).fresh
    assert texts(await world.log(room.id)) == ["try 0", "mine"]


async def test_a_repeat_is_answered_even_if_it_would_break_a_rule_by_now(
    world: Installation, anna: PersonId, room: Room
) -> None:
    line = await world.native.say(room.id, anna, "oops", client_id="c1")
    removal = await world.native.remove(room.id, anna, line.id, "", "c2")
    assert (await world.native.remove(room.id, anna, line.id, "", "c2")).seq == removal.seq
    await world.native.leave(room.id, anna)
    assert (await world.native.say(room.id, anna, "oops", client_id="c1")).seq == line.seq
    with pytest.raises(Refused, match="Join the room"):
        await world.native.say(room.id, anna, "new", client_id="c3")


async def test_an_origin_that_comes_again_beside_new_lines_spoils_none(
    world: Installation, anna: PersonId, room: Room
) -> None:
    (first,) = await world.hub.submit(room.id, [submission(room.id, anna, "one", "k1")])
    assert isinstance(first, Placed)
    results = await world.hub.submit(
        room.id,
        [
            submission(room.id, anna, "two", "k2"),
            submission(room.id, anna, "again", "k1"),
            submission(room.id, anna, "three", "k3"),
        ],
    )
    assert [(result.seq, result.fresh) for result in results if isinstance(result, Placed)] == [
        (first.seq + 1, True),
        (first.seq, False),
        (first.seq + 2, True),
    ]
    assert texts(await world.log(room.id)) == ["one", "two", "three"]


async def test_a_rules_bug_fails_one_item_and_no_other(
    world: Installation, anna: PersonId, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def buggy(draft: Any, item: Submission, rights: Any) -> Any:
        if item.event.content == Said("poison"):
            raise ZeroDivisionError("a bug")
        return decide(draft, item, rights)

    monkeypatch.setattr(batch_module, "decide", buggy)
    results = await world.hub.submit(room.id, [submission(room.id, anna, text) for text in ("a", "poison", "b")])
    assert [type(result) for result in results] == [Placed, Failed, Placed]
    assert texts(await world.log(room.id)) == ["a", "b"]


async def test_a_commit_that_fails_is_told_and_leaves_the_room_as_it_was(
    world: Installation, anna: PersonId, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = world.db.write

    async def full(unit: Unit[Any]) -> Any:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    before = (await world.native.say(room.id, anna, "before")).seq
    monkeypatch.setattr(world.db, "write", full)
    with pytest.raises(OperationalError, match="disk is full"):
        await world.native.say(room.id, anna, "lost", client_id="c1")
    monkeypatch.setattr(world.db, "write", write)
    after = await world.native.say(room.id, anna, "lost", client_id="c1")
    assert (after.seq, after.fresh) == (before + 1, True)


async def test_one_post_that_cannot_be_written_does_not_take_its_neighbours_along(
    world: Installation, anna: PersonId, room: Room
) -> None:
    nobody = PersonId("p-not-in-the-database")
    outcomes = await asyncio.gather(
        *(
            world.hub.submit(room.id, [submission(room.id, who, text)])
            for who, text in ((anna, "a"), (nobody, "never"), (anna, "b"))
        )
    )
    assert [type(result) for (result,) in outcomes] == [Placed, Failed, Placed]


async def test_a_full_queue_refuses_and_recovers(
    world: Installation, anna: PersonId, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "QUEUE", 5)
    posts = [asyncio.ensure_future(world.native.say(room.id, anna, str(number))) for number in range(9)]
    outcomes = await asyncio.gather(*posts, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert len(refused) == 4
    assert {(refusal.reason_code, refusal.status) for refusal in refused} == {("busy", 503)}
    assert (await world.native.say(room.id, anna, "later")).fresh
    assert texts(await world.log(room.id)) == ["0", "1", "2", "3", "4", "later"]


async def test_who_hangs_up_is_still_heard(world: Installation, anna: PersonId, room: Room) -> None:
    post = asyncio.ensure_future(world.native.say(room.id, anna, "bye"))
    await asyncio.sleep(0)
    post.cancel()
    await asyncio.gather(post, return_exceptions=True)
    await world.native.say(room.id, anna, "next")
    assert texts(await world.log(room.id)) == ["bye", "next"]


async def test_a_room_that_is_not_there_is_refused_and_may_come_to_be(world: Installation, anna: PersonId) -> None:
    with pytest.raises(Refused) as refused:
        await world.native.say(RoomId("r-nowhere"), anna, "hi")
    assert refused.value.status == 404
    assert await world.hub.snapshot(RoomId("r-nowhere")) is None


async def test_a_line_is_changed_by_the_id_that_another_network_gave_it(
    world: Installation, anna: PersonId, room: Room
) -> None:
    (link,) = await world.links(room)
    placed = await world.native.say(room.id, anna, "hi")
    (delivery,) = await world.deliveries(room, placed.seq)
    assert delivery.remote_id is not None
    marco = await world.visitor(link, "@marco")
    result = await marco.remove(delivery.remote_id)
    assert isinstance(result, Placed)
    (line,) = await world.hub.page(room.id, before=result.seq, limit=1)
    assert line.entry.removed_at is not None


async def test_what_happens_to_a_line_over_two_names_happens_once(
    world: Installation, anna: PersonId, room: Room
) -> None:
    """The page and a network remove the same line in the same batch."""
    (link,) = await world.links(room)
    placed = await world.native.say(room.id, anna, "hi")
    (delivery,) = await world.deliveries(room, placed.seq)
    marco = await world.visitor(link, "@marco")
    ours = Event(new_event_id(), room.id, anna, 0, Origin(WEB, room.id, "x1"), Removed(placed.id))
    theirs = Event(
        new_event_id(), room.id, marco.person, 0, Origin(link.network, link.chat, "x2"), Removed(EventId(""))
    )
    about = Origin(link.network, link.chat, delivery.remote_id or "")
    first, second = await world.hub.submit(room.id, [Submission(ours), Submission(theirs, about)])
    assert isinstance(first, Placed)
    assert not isinstance(second, Placed)


async def test_the_log_survives_a_restart(world: Installation, anna: PersonId, room: Room) -> None:
    line = await world.native.say(room.id, anna, "one")
    await world.native.edit(room.id, anna, line.id, "two", None)
    before = await world.log(room.id, raw=True)
    snapshot = await world.hub.snapshot(room.id)
    await world.restart()
    assert await world.log(room.id, raw=True) == before
    assert await world.hub.snapshot(room.id) == snapshot
    assert (await world.native.say(room.id, anna, "three")).seq == line.seq + 2


async def test_names_are_distinct_in_the_room_and_free_again(world: Installation, anna: PersonId, room: Room) -> None:
    (link,) = await world.links(room)
    impostor = await world.visitor(link, "@anna:hs")
    await impostor.do(Joined("Аnna"))  # a Cyrillic letter
    member = await world.hub.member(room.id, impostor.person)
    assert member is not None
    assert member.shown == "Аnna (@anna:hs)"
    await world.native.leave(room.id, anna)
    await impostor.do(Left())
    await impostor.do(Joined("Anna"))
    member = await world.hub.member(room.id, impostor.person)
    assert member is not None
    assert member.shown == "Anna"


async def test_the_display_name_of_an_admin_is_nobody_elses(world: Installation, room: Room) -> None:
    root = await world.person("Olga the Great", admin=True, login="root")
    (link,) = await world.links(room)
    impostor = await world.visitor(link, "@x:hs")

    async def shown_as(name: str) -> str:
        await impostor.do(Joined(name))
        member = await world.hub.member(room.id, impostor.person)
        assert member is not None
        return member.shown

    assert await shown_as("0lga the Great") == "0lga the Great (@x:hs)"
    assert await shown_as("root") == "root (@x:hs)"
    assert await shown_as("Katarina") == "Katarina"
    await world.native.set_profile(root, name="Katarina")
    assert await shown_as("Katarinа") == "Katarinа (@x:hs)"


async def test_an_edit_by_a_later_join_of_the_same_person_is_theirs(
    world: Installation, anna: PersonId, room: Room
) -> None:
    line = await world.native.say(room.id, anna, "one")
    await world.native.leave(room.id, anna)
    await world.native.join(room.id, anna)
    await world.native.edit(room.id, anna, line.id, "two", None)
    assert Said("two") in await world.log(room.id)
    assert not any(isinstance(content, Edited) for content in await world.log(room.id))
