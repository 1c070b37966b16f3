"""What Rialto takes: memory and processor time at rest, a start with many rooms, and the cost of a message as rooms
grow in number.

`python -m benchmarks.footprint` also draws `benchmarks/scaling.svg`.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, arguments, report, say, shown
from benchmarks.intake import wait_for_log
from benchmarks.processes import cpu_seconds, memory_mb, rival
from benchmarks.pushing import push, transactions
from benchmarks.quiet_homeserver import QuietHomeserver
from benchmarks.world import SERVER, Chat, populate
from tests.rigs.rialto import Rialto

SIZES = (10, 100, 1_000, 10_000)
PEOPLE_A_ROOM = 10
MESSAGES = 100
REST_SECONDS = 20.0
PLOT = Path(__file__).parent / "scaling.svg"


@dataclass(frozen=True, slots=True)
class Scale:
    """One size of an installation: seconds to be ready, MB then and after the messages, processor µs a message, and
    messages a second."""

    rooms: int
    people: int
    start: float
    caught_up: float
    memory: float
    memory_after: float
    cpu: float
    rate: float


@dataclass(frozen=True, slots=True)
class Rest:
    """An installation of one room in which nothing happens: MB, and processor ms a second."""

    memory: float
    cpu: float
    bare_memory: float
    bare_cpu: float


@asynccontextmanager
async def started(folder: Path, hs: QuietHomeserver) -> AsyncIterator[tuple[Rialto, float]]:
    """Run Rialto on the database in `folder`; give it with the seconds from its start until it was ready."""
    server = Rialto(folder, server_name=SERVER)
    server.configure(hs.url, "log:\n  level: warning\n")
    async with server:
        began = time.perf_counter()
        await server.start()
        await server.ready(120)
        yield server, time.perf_counter() - began
        await server.stop()


async def at_rest(folder: Path, seconds: float) -> Rest:
    """Let one room rest for so long, beside a bare aiohttp handler that rests too."""
    folder.mkdir()
    populate(folder / "rialto.db", room_count=1, person_count=10, members=10)
    async with QuietHomeserver() as hs, rival("bare") as bare, started(folder, hs) as (server, _):
        assert server.pid is not None
        await asyncio.sleep(3)  # what a start leaves to do is done by then
        before, bare_before = cpu_seconds(server.pid), cpu_seconds(bare.pid)
        await asyncio.sleep(seconds)
        used, bare_used = cpu_seconds(server.pid) - before, cpu_seconds(bare.pid) - bare_before
        milli = 1_000 / seconds
        return Rest(memory_mb(server.pid), used * milli, memory_mb(bare.pid), bare_used * milli)


async def at_scale(folder: Path, rooms: int, count: int) -> Scale:
    """Start with so many rooms and ten people in each, and push `count` transactions over all of them."""
    folder.mkdir()
    database = folder / "rialto.db"
    people = rooms * PEOPLE_A_ROOM
    chats = populate(database, room_count=rooms, person_count=people, members=PEOPLE_A_ROOM)
    speaking = [Chat(chat.room, chat.chat, chat.users[:1]) for chat in chats]
    async with QuietHomeserver() as hs, started(folder, hs) as (server, ready):
        assert server.pid is not None
        began = time.perf_counter()
        await hs.until_asked(rooms)
        caught_up = ready + time.perf_counter() - began
        memory = memory_mb(server.pid)
        token, port = server.registration.hs_token, server.appservice_port
        # Every room is in memory and every sender known.
        warm = transactions(speaking, count=max(5, 2 * rooms // MESSAGES), messages=MESSAGES, tag="warm")
        await asyncio.to_thread(push, port, token, warm)
        await wait_for_log(database, MESSAGES * len(warm))
        bodies = transactions(speaking, count=count, messages=MESSAGES, tag="run")
        used, began = cpu_seconds(server.pid), time.perf_counter()
        await asyncio.to_thread(push, port, token, bodies, first=len(warm) + 1)
        await wait_for_log(database, MESSAGES * (len(warm) + count))
        seconds = time.perf_counter() - began
        used = cpu_seconds(server.pid) - used
        messages = MESSAGES * count
        after = memory_mb(server.pid)
    return Scale(rooms, people, ready, caught_up, memory, after, used / messages * 1e6, messages / seconds)


async def run(*, short: bool = False) -> list[Figure]:
    """Measure rest and every size; draw the curve unless the run is a short one."""
    sizes = SIZES[:3] if short else SIZES
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rest = await at_rest(folder / "rest", 5 if short else REST_SECONDS)
        say(f"footprint: at rest {rest.memory:.0f} MB, {rest.cpu:.1f} ms CPU a second")
        scales = []
        for rooms in sizes:
            scales.append(await at_scale(folder / str(rooms), rooms, 50 if short else 300))
            say(f"footprint: {rooms:,} rooms: start {scales[-1].start:.1f} s, {scales[-1].cpu:.0f} µs CPU a message")
    if not short:
        draw(scales, PLOT)
    return [*_rest(rest), *_scales(scales)]


def _rest(rest: Rest) -> list[Figure]:
    memory = [
        f"1 room, 10 people, nothing happens: {shown(rest.memory)} MB resident",
        f"a bare aiohttp handler in the same run: {shown(rest.bare_memory)} MB",
    ]
    cpu = [
        f"{shown(rest.cpu)} ms of processor time a second (it asks the homeserver for a sign of life every 5 s)",
        f"a bare aiohttp handler in the same run: {shown(rest.bare_cpu)} ms",
    ]
    return [
        Figure("footprint", "memory at rest, against a bare handler", rest.memory / rest.bare_memory, "×", memory),
        Figure("footprint", "processor time at rest", rest.cpu, "ms/s", cpu),
    ]


def _scales(scales: Sequence[Scale]) -> list[Figure]:
    small, large = scales[0], scales[-1]
    start = [
        f"{one.rooms:,} rooms, {one.people:,} people: ready after {shown(one.start)} s, caught up after "
        f"{shown(one.caught_up)} s, then {shown(one.memory)} MB; {shown(one.memory_after)} MB with all rooms loaded"
        for one in scales
    ]
    cost = [f"{one.rooms:,} rooms: {shown(one.cpu)} µs CPU, {shown(one.rate)} messages/s" for one in scales]
    size = f"{large.rooms:,} rooms"
    return [
        Figure("footprint", f"start with {size}, against {small.rooms} rooms", large.start / small.start, "×", start),
        Figure("footprint", f"CPU of a message with {size}, against {small.rooms}", large.cpu / small.cpu, "×", cost),
    ]


def draw(scales: Sequence[Scale], to: Path) -> None:
    """Draw the cost of a message over the number of rooms."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "rialto"  # the same figures are the same file
    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    rooms = [one.rooms for one in scales]
    axes.plot(rooms, [one.cpu for one in scales], marker="o", color="#2a5d84")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("rooms (10 people in each)")
    axes.set_ylabel("processor time of a message, µs")
    axes.set_title("From the homeserver into the log", fontsize=10)
    axes.grid(visible=True, color="#dddddd")
    for one in scales:
        axes.annotate(f"{one.cpu:.0f}", (one.rooms, one.cpu), textcoords="offset points", xytext=(0, 7), ha="center")
    figure.tight_layout()
    figure.savefig(to, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Run it as a command."""
    options = arguments(__doc__ or "").parse_args()
    report(asyncio.run(run(short=options.short)), options.json)


if __name__ == "__main__":
    main()
