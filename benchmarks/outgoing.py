"""Web to Matrix through a real Synapse: how much of the homeserver's own speed is left when Rialto stands before it.

One room against raw sends of a ghost with one in flight; 50 rooms against raw sends with 50 in flight.
`python -m benchmarks.outgoing`
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.beside_synapse import Beside, beside_synapse
from benchmarks.figures import Figure, arguments, middle_and_spread, report, say

ROOMS = 50
AIM = 0.95


class Rates:
    """Messages a second of each round: through Rialto, and sent by hand."""

    def __init__(self) -> None:
        self.ours: list[float] = []
        self.raw: list[float] = []

    @property
    def ratios(self) -> list[float]:
        """Return what each round says by itself."""
        return [ours / raw for ours, raw in zip(self.ours, self.raw, strict=True)]


async def rialto(beside: Beside, rooms: int, lines: int) -> float:
    """Write so many lines in each room at once, and wait until every one of them is in Matrix."""
    chosen = beside.rooms[:rooms]
    before = beside.sent()
    began = time.perf_counter()
    await asyncio.gather(*(_speak(beside, room.id, lines) for room in chosen))
    await beside.until_sent(before + rooms * lines)
    return rooms * lines / (time.perf_counter() - began)


async def _speak(beside: Beside, room: str, lines: int) -> None:
    for number in range(lines):
        await beside.web.say(room, f"line {number} of the benchmark, of a common length", beside.fresh("say"))


async def raw(beside: Beside, rooms: int, lines: int) -> float:
    """Send as many lines to the same rooms as the same ghost, each room with one in flight."""
    chosen = beside.rooms[:rooms]
    began = time.perf_counter()
    await asyncio.gather(*(_send(beside, room.chat, lines) for room in chosen))
    return rooms * lines / (time.perf_counter() - began)


async def _send(beside: Beside, chat: str, lines: int) -> None:
    for number in range(lines):
        await beside.send_raw(chat, f"line {number} of the benchmark, of a common length")


async def _rounds(beside: Beside, rooms: int, lines: int, count: int) -> Rates:
    rates = Rates()
    measured: list[tuple[Callable[[Beside, int, int], Awaitable[float]], list[float]]]
    for number in range(count):
        measured = [(rialto, rates.ours), (raw, rates.raw)]
        # Synapse slows down as its database grows: who goes first changes from round to round.
        for run_one, into in measured if number % 2 == 0 else measured[::-1]:
            into.append(await run_one(beside, rooms, lines))
        say(f"outgoing: {rooms} rooms: {rates.ours[-1]:.1f} through Rialto, {rates.raw[-1]:.1f} raw messages/s")
    return rates


async def run(*, short: bool = False, rounds: int = 10) -> list[Figure]:
    """Measure both in turn, round after round, on one homeserver."""
    rounds = 4 if short else rounds
    lines, few = 50, 4
    with tempfile.TemporaryDirectory() as place:
        async with beside_synapse(Path(place), rooms=ROOMS) as beside:
            say("outgoing: the rooms are there")
            await _rounds(beside, 1, 20, 1)
            one = await _rounds(beside, 1, lines, 2 * rounds)
            many = await _rounds(beside, ROOMS, few, rounds)
    return [
        _figure("1 room", "raw sends, 1 in flight", one, lines),
        _figure("50 rooms", "raw sends, 50 in flight", many, few),
    ]


def _figure(name: str, against: str, rates: Rates, lines: int) -> Figure:
    inputs = [
        f"{len(rates.ours)} rounds of {lines} lines a room, each measured both ways in turn; medians of the rounds",
        f"through Rialto, until each has its event ID: {middle_and_spread(rates.ours)} messages/s",
        f"{against}, same ghost, same rooms: {middle_and_spread(rates.raw)} messages/s",
        f"ratio of each round: {middle_and_spread(rates.ratios)}",
    ]
    return Figure("outgoing", f"web to Matrix, {name}", statistics.median(rates.ratios), "×", inputs, aim=AIM)


def main() -> None:
    """Run it as a command."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    report(asyncio.run(run(short=options.short, rounds=options.rounds)), options.json)


if __name__ == "__main__":
    main()
