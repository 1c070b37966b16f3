"""Added latency beside a real Synapse: pairs of a line that goes through Rialto and one that does not, in turn.

Web to Matrix: a line of the page until a Matrix user's sync has it, against a raw send of the same ghost until then.
Matrix to web: a Matrix user's line until a web viewer has it, against one until another Matrix user's sync has it.
`python -m benchmarks.latency`
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import msgspec

from benchmarks.beside_synapse import Beside, Place, beside_synapse, joined_user
from benchmarks.figures import Figure, arguments, report, say, shown
from tests.rigs.caller import Caller

AIM_MS = 5.0
PATIENCE = 60.0
PING_SECONDS = 15.0
CONFIDENCE = 0.95


Act: TypeAlias = Callable[[], Awaitable[Any]]
Measure: TypeAlias = Callable[[int], Awaitable[float]]


class Watcher:
    """Knows when a line was first seen in one place, by its words."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[float]] = {}

    def saw(self, text: str) -> None:
        """Note that a line is there now."""
        waiting = self._waiting.pop(text, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(time.perf_counter())

    async def seconds(self, text: str, act: Act) -> float:
        """Do something that leads to a line; return the seconds from its beginning until the line is there."""
        seen: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[text] = seen
        began = time.perf_counter()
        acting = asyncio.ensure_future(act())
        try:
            async with asyncio.timeout(PATIENCE):
                until = await seen
                await acting
        finally:
            acting.cancel()
        return until - began


async def watch_matrix(caller: Caller, watcher: Watcher) -> None:
    """Follow the sync of a Matrix user for as long as this is not cancelled."""
    limits = msgspec.json.encode({"presence": {"types": []}, "account_data": {"types": []}}).decode()
    since = (await caller.call("GET", "sync", query={"filter": limits, "timeout": 0})).ok()["next_batch"]
    while True:
        answer = (await caller.call("GET", "sync", query={"filter": limits, "since": since, "timeout": 30_000})).ok()
        since = answer["next_batch"]
        for room in answer.get("rooms", {}).get("join", {}).values():
            for event in room.get("timeline", {}).get("events", ()):
                watcher.saw(event["content"].get("body", ""))


async def watch_web(beside: Beside, room: Place, watcher: Watcher) -> None:
    """Follow the room over the socket as a page does, for as long as this is not cancelled."""
    url = f"{beside.rialto.url}/api/v1/socket"
    async with beside.session.ws_connect(url, headers=beside.web.headers) as socket:
        await socket.send_json({"id": 1, "op": "hello", "follow": {room.id: None}})
        pinging = asyncio.create_task(_ping(socket))
        try:
            async for message in socket:
                frame = msgspec.json.decode(message.data)
                if frame.get("ev") == "line":
                    watcher.saw(frame["line"]["content"].get("text", ""))
        finally:
            pinging.cancel()
    raise RuntimeError(f"the socket was closed ({socket.close_code})")


async def _ping(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Say now and then that somebody is there."""
    for number in itertools.count(2):
        await asyncio.sleep(PING_SECONDS)
        await socket.send_json({"id": number, "op": "ping"})


async def pairs(count: int, through: Measure, direct: Measure) -> tuple[list[float], list[float]]:
    """Measure `count` pairs, the one that goes first changing each time; return both in milliseconds."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(count):
        for one, into in [(through, ours), (direct, theirs)][:: 1 if number % 2 else -1]:
            into.append(1_000 * await one(number))
    return ours, theirs


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the interval of the median (order statistics, 95 %)."""
    ordered = sorted(values)
    reach = statistics.NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * math.sqrt(len(ordered)) / 2
    low = max(0, math.floor(len(ordered) / 2 - reach))
    high = min(len(ordered) - 1, math.ceil(len(ordered) / 2 + reach))
    return ordered[low], ordered[high]


async def run(*, short: bool = False, count: int = 500) -> list[Figure]:
    """Measure both directions on one homeserver."""
    count = 50 if short else count
    with tempfile.TemporaryDirectory() as place:
        async with beside_synapse(Path(place), rooms=1) as beside:
            speaker, listener = [await joined_user(beside, name) for name in ("marco", "paola")]
            return await _measured(beside, speaker, listener, count)


async def _measured(beside: Beside, speaker: Caller, listener: Caller, count: int) -> list[Figure]:
    (room,) = beside.rooms
    matrix, page = Watcher(), Watcher()
    watching = [
        asyncio.create_task(watch_matrix(listener, matrix)),
        asyncio.create_task(watch_web(beside, room, page)),
    ]

    def web_line(text: str) -> Act:
        return lambda: beside.web.say(room.id, text, beside.fresh("say"))

    def raw_line(text: str) -> Act:
        return lambda: beside.send_raw(room.chat, text)

    def matrix_line(text: str) -> Act:
        return lambda: speaker.send(room.chat, text)

    async def once(name: str, watcher: Watcher, line: Callable[[str], Act], number: int) -> float:
        text = f"{name} {number} of the pairs"
        return await watcher.seconds(text, line(text))

    try:
        for number in range(10):
            await once("warm web", matrix, web_line, number)
            await once("warm matrix", page, matrix_line, number)
        say("latency: the room is warm")
        out = await pairs(
            count, lambda n: once("web", matrix, web_line, n), lambda n: once("raw", matrix, raw_line, n)
        )
        say("latency: web to Matrix is done")
        back = await pairs(
            count, lambda n: once("to web", page, matrix_line, n), lambda n: once("to matrix", matrix, matrix_line, n)
        )
    finally:
        for task in watching:
            task.cancel()
        for task in watching:
            with contextlib.suppress(asyncio.CancelledError):
                await task
    return [_figure("web to Matrix", *out), _figure("Matrix to web", *back)]


def _figure(direction: str, ours: list[float], theirs: list[float]) -> Figure:
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    middle, (low, high) = statistics.median(differences), interval(differences)
    inputs = [
        f"{len(ours)} pairs, the one that goes first changing each time",
        f"median of differences {shown(middle)} ms, 95 % interval {shown(low)} to {shown(high)}",
        f"through Rialto: median {shown(statistics.median(ours))} ms, p90 {shown(_p90(ours))} ms",
        f"without it: median {shown(statistics.median(theirs))} ms, p90 {shown(_p90(theirs))} ms",
    ]
    return Figure("latency", f"added latency, {direction}", middle, "ms", inputs, aim=AIM_MS, better="less")


def _p90(values: Sequence[float]) -> float:
    return sorted(values)[int(0.9 * len(values))]


def main() -> None:
    """Run it as a command."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--pairs", type=int, default=500)
    options = parser.parse_args()
    report(asyncio.run(run(short=options.short, count=options.pairs)), options.json)


if __name__ == "__main__":
    main()
