"""Display names: what is shown, what looks alike, and that nobody passes for another."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.names import clean, distinct, skeleton
from tests.unit.text.samples import name_soup


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann", "Ann"),
        ("  Ann\t \n B\u00a0C\u3000", "Ann B C"),
        ("A\u200bn\u200cn\u2060\ufeff", "Ann"),
        ("\u202eAnn\u202c \u2066x\u2069 \u200f", "Ann x"),
        ("An\U000e0041n\u00ad", "Ann"),
        ("A\x00\x1b[31mn", "A[31mn"),
        ("A\ufe0fn\ufe0e\U000e0100\u180b", "An"),
        ("A\ue000\ufdd0\U0010ffff\ud800", "A"),
        ("e\u0301", "é"),
        ("\u0301Ann", "Ann"),
        ("Z" + "\u0334" * 30, "Z" + "\u0334" * 4),
        ("\u3164\u115f\u2800\u034f", ""),
        ("\u200b \u202e", ""),
        ("", ""),
        ("张三丰", "张三丰"),
        ("がく", "がく"),
        ("राम", "राम"),
        ("Nguyễn Văn A", "Nguyễn Văn A"),
        ("👨‍👩‍👧 fam", "👨‍👩‍👧 fam"),
        ("👍🏽 ❤️ 🏳️‍🌈 🇫🇷 1️⃣", "👍🏽 ❤️ 🏳️‍🌈 🇫🇷 1️⃣"),
        ("👨\u200d", "👨"),
        ("a\u200db", "ab"),
        ("👨\u200db", "👨b"),
        ("👨\u200d\u2800b", "👨 b"),
        ("new emoji \U0001fae8", "new emoji \U0001fae8"),
    ],
)
def test_clean(name: str, shown: str) -> None:
    assert clean(name) == shown


def test_long_names_are_cut_between_clusters() -> None:
    assert clean("x" * 100) == "x" * 64
    assert clean("x" * 63 + "e\u0315") == "x" * 63
    assert clean("x" * 63 + " yz") == "x" * 63
    assert clean("x" * 62 + "👨‍👩‍👧") == "x" * 62
    assert clean("张三", limit=1) == "张"
    assert len(clean("👨" + "\u200d👨" * 40)) <= 64
    assert clean("👨" + "\u200d👨" * 40)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "alice"),
        ("Alice", "Аlice"),  # Cyrillic А
        ("Alice", "ＡＬＩＣＥ"),
        ("Alice", "𝓐𝖑𝔦𝒸𝕖"),
        ("Alice", "Ⓐⓛⓘⓒⓔ"),
        ("Alice", "🅰🅻🅸🅲🅴"),
        ("Alice", "A l.i-c_e!"),
        ("Alice", "Àlìćé"),
        ("Alice", "A\u0336lice"),
        ("Alice", "a1ice"),
        ("Alice", "aIice"),
        ("Alice", "al\u200bice\u202e"),
        ("Bob", "B0b"),
        ("Bob", "Вов"),  # Cyrillic
        ("Bob", "ΒΟb"),  # Greek
        ("modern", "modem"),
        ("Wally", "VVally"),
        ("Ophelia", "Օphelia"),  # Armenian
        ("Paypal", "Раураl"),
        ("straße", "strasse"),
        ("Søren", "Soren"),
        ("Kelvin", "\u212aelvin"),
        ("admin", "ᴀᴅᴍɪɴ"),
        ("张三", "张 三"),
        ("㈱", "(株)"),
    ],
)
def test_what_looks_alike_compares_equal(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("张三", "张三丰"),
        ("张三", "李四"),
        ("王小明", "王小朋"),
        ("がく", "かく"),
        ("राम", "रिम"),
        ("Ann", "Anna"),
        ("Bob2", "Bob3"),
        ("...", "---"),
        ("🦊", "🐻"),
        ("김철수", "김영희"),
        ("Иван", "Игорь"),
    ],
)
def test_different_people_stay_different(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_no_two_common_chinese_characters_collide() -> None:
    ideographs = [chr(point) for point in range(0x4E00, 0xA000)]
    assert len({skeleton(char) for char in ideographs}) == len(ideographs)
    assert all(clean(char) == char for char in ideographs)


@given(name_soup)
def test_cleaning_twice_changes_nothing_and_leaves_nothing_hidden(name: str) -> None:
    shown = clean(name)
    assert clean(shown) == shown
    assert len(shown) <= 64
    assert unicodedata.is_normalized("NFC", shown)
    assert shown == shown.strip()
    assert "  " not in shown
    assert all(unicodedata.category(char) not in ("Cc", "Cs", "Co", "Zl", "Zp") for char in shown)
    assert all(char == "\u200d" for char in shown if unicodedata.category(char) == "Cf")
    shown.encode()


@given(name_soup)
def test_a_skeleton_is_stable_and_never_empty_for_a_name(name: str) -> None:
    shown = clean(name)
    bones = skeleton(shown)
    assert bool(bones) == bool(shown)
    assert skeleton(bones) == bones


@given(st.text(alphabet=st.characters(categories=["L"]), min_size=1, max_size=20), st.integers(0, 19))
def test_hidden_characters_make_no_new_person(name: str, place: int) -> None:
    for hidden in "\u200b\u202e\u2066\u00ad\ufe0f\ufeff\U000e0061":
        assert skeleton(name[:place] + hidden + name[place:]) == skeleton(name)


def test_distinct() -> None:
    taken: set[str] = set()
    shown: list[str] = []
    for name in ("Ann", "ann", "Аnn", "A\u202enn", "Bob", "", "\u200b", "张三", "张三丰"):
        shown.append(distinct(name, taken, "web"))
        taken.add(skeleton(shown[-1]))
    assert shown == ["Ann", "ann (web)", "Аnn (web 2)", "Ann (web 3)", "Bob", "web", "web (2)", "张三", "张三丰"]


def test_a_name_that_imitates_a_made_distinct_one_is_made_distinct_too() -> None:
    taken = {skeleton("Ann"), skeleton("Ann (web)")}
    assert distinct("Ann (web)", taken, "irc") == "Ann (web) (irc)"
    assert distinct("Ann", taken, "web") == "Ann (web 2)"


def test_distinct_finds_something_to_say_even_for_nothing() -> None:
    assert distinct("", set(), "") == "(2)"
    assert distinct("\u202e", {"x"}, "@ann:example.org") == "@ann:example.org"


@given(st.lists(name_soup, max_size=8), name_soup)
def test_distinct_names_never_look_alike(names: list[str], hint: str) -> None:
    taken: set[str] = set()
    for name in names:
        shown = distinct(name, taken, hint)
        assert shown
        assert skeleton(shown) not in taken
        taken.add(skeleton(shown))
