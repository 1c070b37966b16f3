"""The contract between the core and its networks: one suite, run over each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.core import describer, lanes, seats, why
from bridge.core.doubts import MOST_REPEATS, REPEATED
from bridge.core.pace import Backoff
from bridge.model.events import Content, Edited, Joined, Left, Profiled, Removed, Said
from bridge.model.ids import PersonId
from bridge.model.rooms import Room
from bridge.networks.matrix import catchup, inbox, network, portals
from bridge.store import outbox
from tests.contract.sides import Matrix, Nasty, Shown, Side


class ShortPauses(Backoff):
    """The same pauses, fifty times shorter."""

    def next(self, after: float | None = None) -> float:
        """Return the pause in seconds."""
        return super().next(after) / 50


@pytest.fixture(params=["matrix", "nasty"])
async def side(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Side]:
    """Each network, with a Rialto beside it."""
    for module in (describer, lanes, seats, catchup, inbox, portals):
        monkeypatch.setattr(module, "Backoff", ShortPauses)
    monkeypatch.setattr(network, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(network, "HEARTBEAT_DOWN_SECONDS", 0.05)
    if request.param == "matrix":
        matrix = Matrix(tmp_path)
        async with matrix.matrix, matrix.world:
            yield matrix
    else:
        nasty = Nasty(tmp_path)
        await nasty.daemon.start()
        async with nasty.world:
            yield nasty
        await nasty.close()
        await nasty.daemon.stop()


@pytest.fixture
async def anna(side: Side) -> PersonId:
    return await side.world.person("Anna")


@pytest.fixture
async def room(side: Side, anna: PersonId) -> Room:
    """A room with Anna from the page and Marco from the network."""
    made = await side.found("Piazza", anna)
    await side.enter("Marco")
    await side.settle()
    return made


async def said(side: Side, room: Room) -> list[Said]:
    return [content for content in await side.world.log(room.id) if isinstance(content, Said)]


async def moves(side: Side, room: Room) -> list[Content]:
    log = await side.world.log(room.id)
    return [content for content in log if isinstance(content, Joined | Left | Profiled)]


# guests


async def test_a_guest_is_spoken_for(side: Side, anna: PersonId, room: Room) -> None:
    gast = await side.world.person("Gast", guest=True)
    await side.world.native.admit(room.id, gast)
    placed = await side.world.native.say(room.id, gast, "hello")
    await side.settle()
    assert side.shown() == [Shown("Gast", "hello")]
    await side.world.native.edit(room.id, gast, placed.id, "goodbye", None)
    await side.settle()
    assert side.shown()[-1] == Shown("Gast", "goodbye" if side.can.edits else "✎ goodbye")
    assert await said(side, room) == [Said("goodbye")], "what is said for a guest does not come back as a line"
    await side.world.native.remove(room.id, gast, placed.id, "", None)
    await side.settle()
    assert (side.shown() == []) is side.can.removals


async def test_a_guest_is_spoken_for_once(side: Side, anna: PersonId, room: Room) -> None:
    gast = await side.world.person("Gast", guest=True)
    await side.world.native.admit(room.id, gast)
    await side.down()
    for text in ("one", "two"):
        await side.world.native.say(room.id, gast, text)
    await side.world.native.say(room.id, anna, "three")
    await side.up()
    await side.settle()
    assert side.shown() == [Shown("Gast", "one"), Shown("Gast", "two"), Shown("Anna", "three")]


# lines


async def test_a_line_from_here_is_read_there(side: Side, anna: PersonId, room: Room) -> None:
    placed = await side.world.native.say(room.id, anna, "hello there")
    await side.settle()
    assert side.shown() == [Shown("Anna", "hello there")]
    (delivery,) = await side.world.deliveries(room, placed.seq)
    assert (delivery.state, delivery.reason) == ("sent", "")
    assert (delivery.remote_id is not None) is side.can.ids


async def test_a_line_from_there_is_read_here(side: Side, anna: PersonId, room: Room) -> None:
    await side.say("Marco", "hello here")
    await side.settle()
    assert await said(side, room) == [Said("hello here")]
    (line,) = await side.world.hub.page(room.id, limit=1)
    assert (line.who.shown, line.who.joined) == ("Marco", True)
    assert line.deliveries == [], "it does not go back to where it came from"


async def test_formatting_is_kept_or_left_out(side: Side, anna: PersonId, room: Room) -> None:
    await side.world.native.say(room.id, anna, "very **bold** words")
    await side.say("Marco", "quite *slanted*", html="quite <em>slanted</em>")
    await side.settle()
    (shown,) = side.shown()
    if side.can.html:
        assert "<strong>bold</strong>" in shown.html
        assert await said(side, room) == [
            Said("very **bold** words", "very <strong>bold</strong> words"),
            Said("quite *slanted*", "quite <em>slanted</em>"),
        ]
    else:
        assert shown == Shown("Anna", "very **bold** words")
        assert (await said(side, room))[-1] == Said("quite *slanted*")


async def test_acts_and_notices(side: Side, anna: PersonId, room: Room) -> None:
    await side.world.native.say(room.id, anna, "waves", style="emote")
    await side.world.native.say(room.id, anna, "all aboard", style="notice")
    await side.say("Marco", "waves back", style="emote")
    await side.settle()
    act, notice = side.shown()
    assert act == Shown("Anna", "waves", "emote")
    assert (notice.who, notice.text) == ("Anna", "all aboard")
    assert notice.style == ("notice" if side.can.ghosts else "text")
    assert (await said(side, room))[-1] == Said("waves back", style="emote")


@pytest.mark.parametrize("text", ["🙂 👩‍👩‍👧 🇮🇹", "中文字 かな", "čćž ñ ø", "<b>& \"quoted\" 'words'", "/me * _ `x`"])
async def test_every_script_and_sign(side: Side, anna: PersonId, room: Room, text: str) -> None:
    await side.world.native.say(room.id, anna, text)
    await side.say("Marco", text)
    await side.settle()
    (shown,) = side.shown()
    assert shown.text == text
    assert [line.text for line in await said(side, room)] == [text, text]


async def test_a_long_line_arrives_whole_and_before_the_next(side: Side, anna: PersonId, room: Room) -> None:
    text = " ".join(f"word{number}é" for number in range(1_200))
    await side.world.native.say(room.id, anna, text)
    await side.world.native.say(room.id, anna, "next")
    await side.settle()
    *parts, last = side.shown()
    assert " ".join(part.text for part in parts) == text
    assert {part.who for part in parts} == {"Anna"}
    assert last == Shown("Anna", "next")
    assert (len(parts) == 1) is (side.can.text_bytes > 20_000)


async def test_each_senders_order_is_kept_both_ways(side: Side, anna: PersonId, room: Room) -> None:
    bela = await side.world.person("Bela")
    await side.world.native.join(room.id, bela)
    await side.enter("Lucia")
    for number in range(25):
        await side.world.native.say(room.id, (anna, bela)[number % 2], f"here {number}")
        await side.say(("Marco", "Lucia")[number % 2], f"there {number}")
    await side.settle()
    assert [line.text for line in side.shown()] == [f"here {number}" for number in range(25)]
    texts = [line.text for line in await said(side, room)]
    assert [text for text in texts if text.startswith("here")] == [f"here {number}" for number in range(25)]
    for half in (0, 1):
        # Two clients of a network without order may overtake each other; nobody overtakes themselves.
        own = [text for text in texts if text.startswith("there") and int(text.split()[1]) % 2 == half]
        assert own == [f"there {number}" for number in range(half, 25, 2)]


async def test_nothing_goes_round_in_circles(side: Side, anna: PersonId, room: Room) -> None:
    await side.world.native.say(room.id, anna, "one")
    await side.say("Marco", "two")
    for _ in range(3):
        await side.settle()
    assert [line.text for line in side.shown()] == ["one"]
    assert sorted(line.text for line in await said(side, room)) == ["one", "two"]


# edits and removals


async def test_an_edit_from_here(side: Side, anna: PersonId, room: Room) -> None:
    placed = await side.world.native.say(room.id, anna, "tpyo")
    await side.settle()
    edit = await side.world.native.edit(room.id, anna, placed.id, "typo", None)
    await side.settle()
    if side.can.edits:
        assert side.shown() == [Shown("Anna", "typo")]
    else:
        assert side.shown() == [Shown("Anna", "tpyo"), Shown("Anna", "✎ typo")]
    assert await side.world.state(room, edit) == ["sent"]


async def test_a_removal_from_here(side: Side, anna: PersonId, room: Room) -> None:
    placed = await side.world.native.say(room.id, anna, "oops")
    await side.settle()
    removal = await side.world.native.remove(room.id, anna, placed.id, "", None)
    await side.settle()
    (delivery,) = await side.world.deliveries(room, removal.seq)
    if side.can.removals:
        assert side.shown() == []
        assert delivery.state == "sent"
    else:
        assert side.shown() == [Shown("Anna", "oops")]
        assert (delivery.state, delivery.reason) == ("skipped", "the network cannot take lines back")


async def test_edits_and_removals_from_there(side: Side, anna: PersonId, room: Room) -> None:
    if not side.can.edits:
        reason = "nothing can be edited or removed there"
        print(f"skipped: {reason}")
        pytest.skip(reason)
    first, second = await side.say("Marco", "tpyo"), await side.say("Marco", "oops")
    await side.settle()
    await side.edit("Marco", first, "typo")
    await side.remove("Marco", second)
    await side.settle()
    assert await said(side, room) == [Said("typo")]
    raw = await side.world.hub.page(room.id, limit=200, raw=True)
    assert [type(line.entry.event.content) for line in raw[-2:]] == [Edited, Removed]


async def test_a_line_that_is_removed_while_the_network_is_away_is_never_sent(
    side: Side, anna: PersonId, room: Room
) -> None:
    await side.down()
    secret = await side.world.native.say(room.id, anna, "secret")
    kept = await side.world.native.say(room.id, anna, "tpyo")
    await side.world.native.remove(room.id, anna, secret.id, "", None)
    await side.world.native.edit(room.id, anna, kept.id, "typo", None)
    await side.up()
    await side.settle()
    assert side.shown() == [Shown("Anna", "typo")]
    assert await side.world.state(room, secret) == ["cancelled"]


# people


async def test_people_from_there_come_and_go(side: Side, anna: PersonId, room: Room) -> None:
    await side.enter("Lucia")
    await side.settle()
    snapshot = await side.world.hub.snapshot(room.id)
    assert snapshot is not None
    assert {member.shown for member in snapshot.members} == {"Anna", "Marco", "Lucia"}
    await side.leave("Lucia")
    await side.settle()
    snapshot = await side.world.hub.snapshot(room.id)
    assert snapshot is not None
    assert {member.shown for member in snapshot.members} == {"Anna", "Marco"}
    assert (await moves(side, room))[-2:] == [Joined("Lucia"), Left()]


async def test_people_from_there_change_their_names(side: Side, anna: PersonId, room: Room) -> None:
    await side.rename("Marco", "Polo")
    await side.settle()
    await side.say("Marco", "it is me")
    await side.settle()
    (line,) = await side.world.hub.page(room.id, limit=1)
    assert line.who.shown == "Polo"
    assert (await moves(side, room))[-1] == Profiled("Polo", was="Marco")


async def test_people_from_here_are_known_by_name(side: Side, anna: PersonId, room: Room) -> None:
    bela = await side.world.person("Bela")
    await side.world.native.join(room.id, bela)
    await side.world.native.say(room.id, bela, "one")
    await side.world.native.say(room.id, anna, "two")
    await side.settle()
    await side.world.native.set_profile(bela, name="Belana")
    await side.world.native.say(room.id, bela, "three")
    await side.settle()
    assert [line.who for line in side.shown()][1:] == ["Anna", "Belana"]


async def test_nobody_is_taken_for_somebody_else(side: Side, anna: PersonId, room: Room) -> None:
    """On either side: a newcomer with the name of who is there already is made distinct everywhere."""
    await side.enter("Аnna")  # a Cyrillic letter
    twin = await side.world.person("Marco", login="marco-of-here")
    await side.world.native.join(room.id, twin)
    await side.world.native.say(room.id, twin, "I am Marco")
    await side.settle()
    (shown,) = side.shown()
    assert shown.who == "Marco (marco-of-here)"
    snapshot = await side.world.hub.snapshot(room.id)
    assert snapshot is not None
    assert len({member.shown for member in snapshot.members}) == 4
    assert any(member.shown.startswith("Аnna (") for member in snapshot.members)


# the description


async def test_the_description_goes_both_ways(side: Side, anna: PersonId, room: Room) -> None:
    await side.world.native.describe(room.id, anna, name="Market", topic="news of today")
    await side.settle()
    assert side.description() == ("Market", "news of today")
    await side.describe("Marco", name="Bazaar")
    await side.settle()
    await side.describe("Marco", topic="other news")
    await side.settle()
    snapshot = await side.world.hub.snapshot(room.id)
    assert snapshot is not None
    assert (snapshot.room.name, snapshot.room.topic) == ("Bazaar", "other news")
    assert side.description() == ("Bazaar", "other news")


# when things break


async def test_a_network_that_is_away_gets_everything_when_it_is_back(side: Side, anna: PersonId, room: Room) -> None:
    await side.world.native.say(room.id, anna, "before")
    await side.settle()
    await side.down()
    placed = [await side.world.native.say(room.id, anna, f"away {number}") for number in range(5)]
    last = await side.world.db.read(lambda c: outbox.of_page(c, room.id, placed[-1].seq, placed[-1].seq))
    assert [delivery.state for delivery in last[placed[-1].seq]] == ["waiting"]
    await side.up()
    await side.settle()
    assert [line.text for line in side.shown()] == ["before", *(f"away {number}" for number in range(5))]
    assert [await side.world.state(room, place) for place in placed] == [["sent"]] * 5
    assert await why.dead_letters(side.world.hub) == []


async def test_rialto_restarts_in_the_middle(side: Side, anna: PersonId, room: Room) -> None:
    for number in range(12):
        await side.world.native.say(room.id, anna, f"line {number}")
        if number % 5 == 4:
            await side.settle()
            await side.world.restart()
    await side.settle()
    assert [line.text for line in side.shown()] == [f"line {number}" for number in range(12)]


@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "heard"])
async def test_a_connection_that_breaks_in_the_middle_of_a_line(
    side: Side, anna: PersonId, room: Room, heard: bool
) -> None:
    """Once where that can be; else bounded, shown and counted."""
    side.break_next(heard=heard)
    placed = await side.world.native.say(room.id, anna, "one")
    after = await side.world.native.say(room.id, anna, "two")
    await side.settle()
    while await side.world.state(room, after) != ["sent"]:
        await side.settle()
    texts = [line.text for line in side.shown()]
    (delivery,) = await side.world.deliveries(room, placed.seq)
    assert delivery.state == "sent"
    if side.can.idempotent:
        assert texts == ["one", "two"]
        assert delivery.reason == ""
    else:
        assert texts == (["one", "one", "two"] if heard else ["one", "two"])
        assert delivery.reason == REPEATED
        assert side.world.hub.figures()["repeated"] == 1


async def test_a_line_that_breaks_the_connection_every_time(side: Side, anna: PersonId, room: Room) -> None:
    side.break_next(heard=True, count=1 + MOST_REPEATS)
    placed = await side.world.native.say(room.id, anna, "poison")
    after = await side.world.native.say(room.id, anna, "next")
    while await side.world.state(room, after) != ["sent"]:
        await side.settle()
    texts = [line.text for line in side.shown()]
    if side.can.idempotent:
        assert texts == ["poison", "next"]
        assert await side.world.state(room, placed) == ["sent"]
    else:
        assert texts == ["poison"] * (1 + MOST_REPEATS) + ["next"]
        (letter,) = await why.dead_letters(side.world.hub)
        assert "not known whether it arrived" in letter.reason
