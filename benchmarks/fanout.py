"""Fan-out: a thousand viewers of one room on sockets of the API, against a bare aiohttp broadcast of the same bytes.

`python -m benchmarks.fanout`
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.figures import Figure, arguments, middle_and_spread, report, say, shown
from benchmarks.footprint import started
from benchmarks.processes import memory_mb, rival
from benchmarks.quiet_homeserver import QuietHomeserver
from benchmarks.viewers import LINE, LIVE, Viewers, post
from benchmarks.world import Visitor, gathering
from tests.rigs.rialto import Rialto

VIEWERS = 1_000
LINES = 400
AIM = 0.7
IN_FLIGHT = 4
TEXT = "the quick brown fox jumps over a lazy dog"


@dataclass(frozen=True, slots=True)
class Run:
    """Deliveries a second, and KB of the server's memory for each socket that is open and idle."""

    rate: float
    idle_kb: float


async def rialto(folder: Path, viewers: int, lines: int) -> tuple[Run, bytes]:
    """Measure Rialto; return also the text of a line, as viewers got it."""
    folder.mkdir()
    room, people = gathering(folder / "rialto.db", viewers)
    async with QuietHomeserver() as hs, started(folder, hs) as (server, _):
        return await asyncio.to_thread(_watched, server, room, people, lines)


def _watched(server: Rialto, room: str, people: list[Visitor], lines: int) -> tuple[Run, bytes]:
    assert server.pid is not None
    path = f"/api/v1/rooms/{room}/events"
    watching = Viewers(server.web_port, "/api/v1/socket")
    greeting = {"id": 1, "op": "hello", "follow": {room: None}}
    try:
        watching.add(greeting, people[0].token)
        watching.until(LIVE, 1)
        before = memory_mb(server.pid)
        for number, person in enumerate(people[1:], 1):
            watching.add(greeting, person.token)
            if number % 50 == 0:
                watching.until(LIVE, 50)
        watching.until(LIVE, (len(people) - 1) % 50)
        idle = 1_024 * (memory_mb(server.pid) - before) / (len(people) - 1)
        watching.say_all({"id": 2, "op": "ping"})
        post(server.web_port, path, [_line(0)], people[0].token)
        text = watching.one_line()
        time.sleep(1)  # what the first line led to (badges) is told
        rate = _timed(watching, server.web_port, path, [_line(n) for n in range(1, lines + 1)], people[0].token)
        return Run(rate, idle), text
    finally:
        watching.close()


async def bare(viewers: int, lines: int, text: bytes) -> Run:
    """Measure the bare broadcast."""
    async with rival("broadcast") as here:
        return await asyncio.to_thread(_broadcast, here.port, here.pid, viewers, lines, text)


def _broadcast(port: int, pid: int, viewers: int, lines: int, text: bytes) -> Run:
    watching = Viewers(port, "/socket")
    try:
        watching.add()
        watching.until(LIVE, 1)
        before = memory_mb(pid)
        for _ in range(viewers - 1):
            watching.add()
        watching.until(LIVE, viewers - 1)
        idle = 1_024 * (memory_mb(pid) - before) / (viewers - 1)
        post(port, "/say", [text])
        watching.until(LINE, viewers)
        return Run(_timed(watching, port, "/say", [text] * lines, ""), idle)
    finally:
        watching.close()


def _timed(watching: Viewers, port: int, path: str, bodies: list[bytes], token: str) -> float:
    """Post lines, a few at a time, and read until every viewer has every one; return deliveries a second."""
    posting = [
        threading.Thread(target=post, args=(port, path, bodies[start::IN_FLIGHT], token)) for start in range(IN_FLIGHT)
    ]
    began = time.perf_counter()
    for thread in posting:
        thread.start()
    wanted = watching.count * len(bodies)
    ended = watching.until(LINE, wanted)
    for thread in posting:
        thread.join()
    return wanted / (ended - began)


def _line(number: int) -> bytes:
    return msgspec.json.encode(
        {"kind": "said", "content": {"text": f"{TEXT} {number}"}, "client_id": f"line-{number}"}
    )


async def run(*, short: bool = False, rounds: int = 3) -> list[Figure]:
    """Measure both in turn, round after round."""
    viewers, lines = (200, 50) if short else (VIEWERS, LINES)
    ours: list[Run] = []
    theirs: list[Run] = []
    text = b""
    with tempfile.TemporaryDirectory() as place:
        for number in range(1 if short else rounds):
            gc.collect()
            one, text = await rialto(Path(place) / str(number), viewers, lines)
            ours.append(one)
            theirs.append(await bare(viewers, lines, text))
            say(f"fan-out: {ours[-1].rate:,.0f} deliveries/s, the bare broadcast {theirs[-1].rate:,.0f}")
    ratio = statistics.median(one.rate / other.rate for one, other in zip(ours, theirs, strict=True))
    inputs = [
        f"{viewers:,} viewers of one room, {lines} lines of {len(text)} bytes, {IN_FLIGHT} posted at a time",
        f"Rialto, each line committed first: {middle_and_spread([one.rate for one in ours])} deliveries/s",
        f"bare aiohttp broadcast: {middle_and_spread([one.rate for one in theirs])} deliveries/s",
    ]
    memory = statistics.median(one.idle_kb for one in ours)
    bare_memory = statistics.median(one.idle_kb for one in theirs)
    idle = [f"bare aiohttp: {shown(bare_memory)} KB", "difference of the resident memory over the number of sockets"]
    return [
        Figure("fanout", "socket fan-out against a bare broadcast", ratio, "×", inputs, aim=AIM),
        Figure("fanout", "memory of an idle socket", memory, "KB", idle),
    ]


def main() -> None:
    """Run it as a command."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report(asyncio.run(run(short=options.short, rounds=options.rounds)), options.json)


if __name__ == "__main__":
    main()
