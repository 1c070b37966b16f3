"""The benchmarks' own arithmetic, and the README that is written with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.figures import Figure, shown
from benchmarks.latency import interval
from benchmarks.pushing import transactions
from benchmarks.table import BEGIN, END, filled, rendered
from benchmarks.world import Chat
from bridge.model.ids import RoomId
from bridge.networks.matrix.wire import read_transaction


def figure(value: float, **more: object) -> Figure:
    return Figure("intake", "some speed", value, "×", ["so many runs"], **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "aim", "better", "met"),
    [(25, 25, "more", True), (24.9, 25, "more", False), (5, 5, "less", True), (5.1, 5, "less", False)],
)
def test_an_aim_has_a_direction(value: float, aim: float, better: str, met: bool) -> None:
    assert figure(value, aim=aim, better=better).met is met
    assert figure(value).met is None


@pytest.mark.parametrize(
    ("value", "text"), [(0.8412, "0.841"), (25_412.7, "25,413"), (999.4, "999"), (3.1, "3.1"), (-1_234.5, "-1,234")]
)
def test_numbers_are_written_for_people(value: float, text: str) -> None:
    assert shown(value) == text


def test_the_interval_holds_the_median_and_grows_narrow() -> None:
    few, many = interval(range(20)), interval([number % 20 for number in range(2_000)])
    assert few[0] < 9.5 < few[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert interval([3.0]) == (3.0, 3.0)


def test_the_table_goes_between_its_marks_and_nowhere_else() -> None:
    text = rendered({"intake": [figure(1.5, aim=2.0)], "outgoing": []})
    assert "| some speed | 1.5 × | at least 2: **missed** |" in text
    assert "| outgoing | **failed** | |" in text
    assert "- so many runs" in text
    once = filled(f"before\n{BEGIN}\nold\n{END}\nafter\n", text)
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once
    assert filled(once, text) == once
    with pytest.raises(ValueError, match="has no"):
        filled("no marks", text)


def test_the_readme_has_its_marks_and_names_every_benchmark() -> None:
    readme = command.README.read_text()
    filled(readme, "text")
    for name in command.NAMES:
        assert f"python -m benchmarks.{name}`" in readme
        assert (command.README.parent / f"{name}.py").is_file()
    assert {path.stem for path in Path(command.README.parent).glob("*.py") if "__main__" in path.read_text()} == {
        *command.NAMES,
        "__main__",
    }


def test_transactions_are_what_a_homeserver_pushes() -> None:
    chats = [Chat(RoomId(f"r{n}"), f"!c{n}:localhost", ("@a:localhost", "@b:localhost")) for n in range(3)]
    bodies = transactions(chats, count=4, messages=30)
    read = [read_transaction(str(number), body) for number, body in enumerate(bodies)]
    assert [len(txn.events) for txn in read] == [30] * 4
    assert not any(txn.rejected for txn in read)
    assert len({event.event_id for txn in read for event in txn.events}) == 120
    assert [sum(event.room_id == chat.chat for txn in read for event in txn.events) for chat in chats] == [40] * 3
