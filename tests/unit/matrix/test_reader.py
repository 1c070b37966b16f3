"""The homeserver's events, read into items for a room; whatever comes, nothing is raised."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.items import Echo, Item, LinkChange, Skip, Submission
from bridge.model.events import Content, Described, Edited, Joined, Left, Origin, Removed, Said, Told
from bridge.model.ids import MATRIX, PersonId
from bridge.networks.matrix.marker import DELIVERY, Marker
from bridge.networks.matrix.naming import Naming
from bridge.networks.matrix.reader import Reader, Reading
from bridge.store.inbox import InboxRow
from tests.unit.matrix.deliveries import CHAT, LINK, outgoing

MARCO, LUCIA = "@marco:hs", "@lucia:hs"
GHOST, BOT = "@rialto_p1:hs", "@rialto:hs"
BOT_PERSON = PersonId("p-bot")
MARKER = Marker("installation", "secret")


async def person(user_id: str, name: str) -> PersonId:
    return PersonId(f"{user_id}/{name}")


READER = Reader(Naming("rialto", "hs"), MARKER, person, BOT_PERSON)


async def reading(event: Any, *, raw: bytes | None = None) -> Reading:
    row = InboxRow(5, "!chat:hs", "$1", raw if raw is not None else json.dumps(event).encode())
    return await READER.read(CHAT, row)


def event(type: str = "m.room.message", content: Any = None, sender: str = MARCO, **more: Any) -> dict[str, Any]:
    body = {"msgtype": "m.text", "body": "hi"} if content is None else content
    return {"event_id": "$1", "type": type, "sender": sender, "content": body, "origin_server_ts": 1_000, **more}


async def content_of(event: Any) -> Content:
    (item,) = (await reading(event)).items
    assert isinstance(item, Submission), item
    assert item.inbox == 5
    return item.event.content


async def skipped(event: Any) -> str:
    (item,) = (await reading(event)).items
    assert isinstance(item, Skip), item
    assert item.inbox == 5
    assert item.origin == Origin(MATRIX, "!chat:hs", "$1")
    return item.reason


async def test_a_line_and_what_is_known_of_it() -> None:
    (item,) = (await reading(event())).items
    assert isinstance(item, Submission)
    happened = item.event
    assert (happened.room, happened.who, happened.at, happened.hops) == (CHAT.room, f"{MARCO}/marco", 1_000, 0)
    assert happened.origin == Origin(MATRIX, "!chat:hs", "$1")
    assert happened.content == Said("hi")


HTML = {"format": "org.matrix.custom.html"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"msgtype": "m.notice", "body": "hi"}, Said("hi", style="notice")),
        ({"msgtype": "m.emote", "body": "waves"}, Said("waves", style="emote")),
        ({"msgtype": "m.text", "body": "*hi*", "formatted_body": "<em>hi</em>", **HTML}, Said("*hi*", "<em>hi</em>")),
        ({"msgtype": "m.text", "body": "hi", "formatted_body": "hi", **HTML}, Said("hi")),
        ({"msgtype": "m.text", "body": "hi", "formatted_body": "<em>hi</em>"}, Said("hi")),
        ({"msgtype": "m.text", "body": "hi", "formatted_body": 7, **HTML}, Said("hi")),
        ({"msgtype": "m.text", "body": "x", "formatted_body": "x<script>y</script>", **HTML}, Said("x")),
        ({"msgtype": "org.example.new", "body": "hi"}, Said("hi")),
        ({"msgtype": "m.image", "body": "cat.png", "url": "mxc://hs/1"}, Said("🖼 cat.png")),
        ({"msgtype": "m.text", "body": "🙂 中文 \u202e"}, Said("🙂 中文 \u202e")),
        (
            {"msgtype": "m.text", "body": "> <@a:hs> q\n\nhi", "m.relates_to": {"m.in_reply_to": {"event_id": "$0"}}},
            Said("hi"),
        ),
    ],
)
async def test_lines(content: dict[str, Any], said: Said) -> None:
    assert await content_of(event(content=content)) == said


async def test_a_sticker_is_its_name() -> None:
    assert await content_of(event("m.sticker", {"body": "wave", "url": "mxc://hs/1"})) == Said("🏷 wave")


EDIT = {"rel_type": "m.replace", "event_id": "$0"}


async def test_an_edit_names_its_target_by_origin() -> None:
    new = {"msgtype": "m.emote", "body": "new"}
    body = {"msgtype": "m.text", "body": "* new", "m.new_content": new, "m.relates_to": EDIT}
    (item,) = (await reading(event(content=body))).items
    assert isinstance(item, Submission)
    assert isinstance(item.event.content, Edited)
    assert (item.event.content.text, item.event.content.style) == ("new", "emote")
    assert item.target == Origin(MATRIX, "!chat:hs", "$0")


@pytest.mark.parametrize(
    ("where", "reason"), [({"redacts": "$0"}, "top"), ({"content": {"redacts": "$0", "reason": "spam"}}, "content")]
)
async def test_a_redaction_of_old_and_new_rooms(where: dict[str, Any], reason: str) -> None:
    (item,) = (await reading({**event("m.room.redaction", {}), **where})).items
    assert isinstance(item, Submission)
    assert isinstance(item.event.content, Removed)
    assert item.event.content.reason == ("spam" if reason == "content" else "")
    assert item.target == Origin(MATRIX, "!chat:hs", "$0")


@pytest.mark.parametrize(
    ("type", "content", "told"),
    [
        ("m.room.name", {"name": "Market"}, Described(name="Market")),
        ("m.room.topic", {"topic": "news"}, Described(topic="news")),
        ("m.room.topic", {}, Described(topic="")),
        ("m.room.avatar", {"url": "mxc://hs/1"}, Described(avatar="matrix:mxc://hs/1")),
        ("m.room.avatar", {"url": "http://evil/1"}, Described(avatar="")),
        ("m.room.name", {"name": 7}, Described(name="")),
    ],
)
async def test_descriptions(type: str, content: dict[str, Any], told: Described) -> None:
    assert await content_of(event(type, content, state_key="")) == told


def member(membership: str, user: str = MARCO, sender: str = "", **more: Any) -> dict[str, Any]:
    return event("m.room.member", {"membership": membership, **more}, sender or user, state_key=user)


async def test_coming_and_going() -> None:
    assert await content_of(member("join", displayname="Marco", avatar_url="mxc://hs/1")) == Joined(
        "Marco", "matrix:mxc://hs/1"
    )
    assert await content_of(member("join")) == Joined("marco")
    assert await content_of(member("join", displayname=None)) == Joined("marco")
    assert await content_of(member("leave")) == Left()
    kicked = await content_of(member("leave", sender=LUCIA, reason="spam"))
    assert kicked == Left("kicked", PersonId(f"{LUCIA}/lucia"), "spam")
    assert await content_of(member("ban", sender=BOT)) == Left("banned", BOT_PERSON)
    assert await content_of(member("leave", sender=GHOST)) == Left("kicked", PersonId("p1"))
    for other in ("invite", "knock", "nonsense", ""):
        assert "membership" in await skipped(member(other))


@pytest.mark.parametrize(
    ("membership", "sender", "ghost", "actual"),
    [
        ("leave", LUCIA, "p1", "left"),
        ("ban", LUCIA, "p1", "refused"),
        ("join", GHOST, None, ""),
        ("invite", BOT, None, ""),
        ("leave", GHOST, None, ""),
        ("leave", BOT, None, ""),
    ],
)
async def test_where_a_ghost_of_ours_is(membership: str, sender: str, ghost: str | None, actual: str) -> None:
    read = await reading(member(membership, GHOST, sender, reason="spam"))
    assert [type(item) for item in read.items] == [Skip]
    assert (read.ghost, read.actual) == (ghost, actual)
    if ghost is not None:
        assert read.reason == f"{membership} by {LUCIA}: spam"


# our own


def marked(**changes: Any) -> dict[str, Any]:
    content = MARKER.delivery(outgoing(**changes))
    return {"msgtype": "m.text", "body": "hi", **content}


@pytest.mark.parametrize("sender", [GHOST, BOT])
async def test_our_own_line_comes_back_as_an_echo(sender: str) -> None:
    (item,) = (await reading(event(content=marked(version=3), sender=sender))).items
    assert isinstance(item, Echo)
    assert (item.key.link, item.key.seq, item.version, item.inbox) == (LINK, 7, 3, 5)


async def test_a_mark_that_a_stranger_copied_is_just_part_of_a_line() -> None:
    (item,) = (await reading(event(content=marked(), sender=MARCO))).items
    assert isinstance(item, Submission)
    assert item.event.content == Said("hi")
    assert item.event.hops == 1


@pytest.mark.parametrize(
    "content",
    [
        {"msgtype": "m.text", "body": "hi"},
        {"msgtype": "m.text", "body": "hi", DELIVERY: {**marked()[DELIVERY], "seq": 8}},
        marked(link="l-other"),
        marked(room="r-other"),
    ],
    ids=["no mark", "forged", "of another link", "of another room"],
)
async def test_what_is_ours_without_our_true_mark_is_nothing(content: dict[str, Any]) -> None:
    assert await skipped(event(content=content, sender=GHOST)) == "our own"


async def test_our_own_state_and_redactions_are_nothing_without_a_mark() -> None:
    assert await skipped(event("m.room.name", {"name": "x"}, BOT, state_key="")) == "our own"
    assert await skipped(event("m.room.redaction", {"redacts": "$0"}, GHOST)) == "our own"


# encryption


async def test_encryption_closes_the_link_and_is_told() -> None:
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    for sender in (MARCO, BOT):
        change, told, skip = (await reading(event("m.room.encryption", algorithm, sender, state_key=""))).items
        assert isinstance(change, LinkChange)
        assert (change.link.id, change.link.state) == (LINK, "encrypted")
        assert isinstance(told, Submission)
        assert told.event.content == Told("encrypted", {"network": "matrix"})
        assert isinstance(skip, Skip)
    assert "not for the room" in await skipped(event("m.room.encryption", {"algorithm": "x"}))


# what cannot be used


@pytest.mark.parametrize(
    "odd",
    [
        event(content={}),
        event(content={"msgtype": "m.text"}),
        event(content={"msgtype": "m.text", "body": "  \n"}),
        event(content={"msgtype": "m.text", "body": {"no": "text"}}),
        event(content={"msgtype": 7, "body": "hi"}),
        event(content={"body": "hi"}),
        event(content={"msgtype": "m.text", "body": "* x", "m.relates_to": EDIT}),
        event(content={"msgtype": "m.text", "body": "* x", "m.new_content": {"body": 1}, "m.relates_to": EDIT}),
        event(
            content={"msgtype": "m.text", "body": "x", "m.new_content": {}, "m.relates_to": {"rel_type": "m.replace"}}
        ),
        event("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$0", "key": "👍"}}),
        event("m.room.encrypted", {"ciphertext": "x"}),
        event("m.room.create", {}, state_key=""),
        event("m.room.name", {"name": "x"}, state_key="not empty"),
        event("m.room.redaction", {"redacts": 7}),
        event("org.example.odd", {"body": "hi"}),
    ],
    ids=str,
)
async def test_what_says_nothing_to_the_room_is_skipped(odd: dict[str, Any]) -> None:
    assert "not for the room" in await skipped(odd)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"event_id": 1, "type": "x", "sender": "@a:b"}',
        b'{"event_id": "$1", "type": "m.room.message", "sender": "@a:b", "content": []}',
        b'{"event_id": "$1", "type": "m.room.message", "sender": "@a:b", "content": {"body": "\\ud800"}}',
        b'{"event_id": "$1", "type": "m.room.message", "sender": "@a:b", "content": {"body": "\xff"}}',
        b'{"event_id": "$1", "type": "m.room.message", "sender": "@a:b", "origin_server_ts": "soon"}',
        b'{"event_id": "$1", "type": "m.room.message", "sender": "@a:b", "content": ' + b'{"a":' * 2_000,
        b'{"event_id": "$1", "type": "m", "sender": "@a:b", "content": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
        b'{"event_id": "$1", "type": "m", "sender": "@a:b", "content": {"n": ' + b"9" * 5_000 + b"}}",
    ],
    ids=range(12),
)
async def test_what_is_malformed_is_skipped(raw: bytes) -> None:
    (item,) = (await reading(None, raw=raw)).items
    assert isinstance(item, Skip)
    assert item.reason


@pytest.mark.parametrize("at", [-1, 0, 1 << 60])
async def test_a_time_that_no_clock_shows_is_replaced(at: int) -> None:
    (item,) = (await reading(event(origin_server_ts=at))).items
    assert isinstance(item, Submission)
    assert 0 < item.event.at < 1 << 52


FIELDS = "body msgtype format formatted_body membership displayname avatar_url reason m.relates_to m.new_content"
FIELDS += f" rel_type event_id m.in_reply_to redacts name {DELIVERY}"
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5),
    max_leaves=12,
)
TYPES = ["m.room.message", "m.room.member", "m.room.redaction", "m.room.name", "m.room.topic", "m.room.avatar"]
TYPES += ["m.room.encryption", "m.sticker", "m.reaction", "x"]


@settings(max_examples=300)
@given(
    type=st.sampled_from(TYPES),
    sender=st.sampled_from([MARCO, GHOST, BOT, "", ":", "@"]),
    content=JSON,
    state_key=st.none() | st.sampled_from(["", MARCO, GHOST, BOT, ":"]) | JSON,
    redacts=JSON,
)
async def test_contents_of_every_wrong_type_never_raise(
    type: str, sender: str, content: Any, state_key: Any, redacts: Any
) -> None:
    read = await reading(event(type, content, sender, state_key=state_key, redacts=redacts))
    kinds: list[type[Item]] = [Submission, Skip, Echo, LinkChange]  # type: ignore[valid-type]
    assert read.items
    assert all(any(isinstance(item, kind) for kind in kinds) for item in read.items)
    assert sum(getattr(item, "inbox", None) == 5 for item in read.items) == 1, "the row is taken exactly once"


@settings(max_examples=300)
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: b'{"event_id": "' + text.encode() + b'"'))
async def test_any_bytes_never_raise(raw: bytes) -> None:
    assert (await reading(None, raw=raw)).items
