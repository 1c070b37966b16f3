"""Durable intake: transactions of a homeserver until their last message is in the log, against the least that an
application service can do and against what the database alone can do.

`python -m benchmarks.intake`
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, arguments, middle_and_spread, report, say
from benchmarks.processes import cpu_seconds, rival
from benchmarks.pushing import push, transactions
from benchmarks.quiet_homeserver import QuietHomeserver
from benchmarks.world import SERVER, Chat, look, populate
from tests.rigs.rialto import Rialto

MESSAGES = 100
SENDERS = 100
AIM = 25_000
PATIENCE = 120.0
CLEAR = "SELECT count(*) FROM inbox"


@dataclass(frozen=True, slots=True)
class Run:
    """One installation's figures: messages a second to the last row in the log, and processor µs a message."""

    rate: float
    answered: float
    cpu: float


async def rialto(folder: Path, hs: QuietHomeserver, rooms: int, count: int) -> Run:
    """Push `count` transactions into a real `rialto run` with so many linked rooms."""
    server = Rialto(folder, server_name=SERVER)
    server.configure(hs.url, "log:\n  level: warning\n")
    database = folder / "rialto.db"
    chats = populate(database, room_count=rooms, person_count=SENDERS, members=SENDERS)
    async with server:
        await server.start()
        await server.ready()
        token, port = server.registration.hs_token, server.appservice_port
        # Every sender has spoken in every room before: what is measured is not how people are loaded.
        warm = _warming(chats)
        await asyncio.to_thread(push, port, token, warm)
        await wait_for_log(database, MESSAGES * len(warm))
        bodies = transactions(chats, count=count, messages=MESSAGES, tag="run")
        assert server.pid is not None
        cpu, began = cpu_seconds(server.pid), time.perf_counter()
        answered = await asyncio.to_thread(push, port, token, bodies, first=len(warm) + 1)
        await wait_for_log(database, MESSAGES * (len(warm) + count))
        seconds = time.perf_counter() - began
        cpu = cpu_seconds(server.pid) - cpu
        _all_there(database, MESSAGES * (len(warm) + count))
        await server.stop()
    messages = MESSAGES * count
    return Run(messages / seconds, messages / answered, cpu / messages * 1e6)


def _warming(chats: list[Chat]) -> list[bytes]:
    return transactions(chats, count=5 + len(chats) // 5, messages=MESSAGES, tag="warm")


async def wait_for_log(database: Path, wanted: int) -> None:
    """Return once so many messages have a number and nothing waits in the inbox."""
    async with asyncio.timeout(PATIENCE):
        while look(database, "SELECT sum(last_seq) FROM rooms") < wanted or look(database, CLEAR):
            await asyncio.sleep(0.005)  # another process's commit cannot be awaited


def _all_there(database: Path, wanted: int) -> None:
    """Count the rows themselves: RuntimeError where one is missing or there twice."""
    rows = look(database, "SELECT count(*) FROM events WHERE kind = 'said'")
    origins = look(database, "SELECT count(DISTINCT origin) FROM events WHERE kind = 'said'")
    if rows != wanted or origins != wanted or look(database, CLEAR):
        raise RuntimeError(f"{rows} rows of {origins} messages are in the log, {wanted} were acknowledged")


async def bare(bodies: list[bytes]) -> float:
    """Return the messages a second that a bare handler counts."""
    async with rival("bare") as here:
        await asyncio.to_thread(push, here.port, "token", bodies[:20])
        return MESSAGES * len(bodies) / await asyncio.to_thread(push, here.port, "token", bodies)


async def database_only(folder: Path, bodies: list[bytes]) -> float:
    """Return the messages a second that the database alone takes, to the last row in the log."""
    folder.mkdir()
    database = folder / "trial.db"
    populate(database, room_count=1, person_count=1, members=1)
    async with rival("database_only", str(database)) as here:
        began = time.perf_counter()
        await asyncio.to_thread(push, here.port, "token", bodies)
        async with asyncio.timeout(PATIENCE):
            while look(database, "SELECT max(seq) FROM events") < (len(bodies) - 1) * 1_000 + MESSAGES - 1 or look(
                database, "SELECT count(*) FROM trial_inbox"
            ):
                await asyncio.sleep(0.005)  # as above
        return MESSAGES * len(bodies) / (time.perf_counter() - began)


async def run(*, short: bool = False, rounds: int = 3) -> list[Figure]:
    """Measure each in turn, round after round, and return the medians as figures."""
    count = 100 if short else 1_000
    ours: dict[int, list[Run]] = {1: [], 50: []}
    bares: list[float] = []
    trials: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bodies = transactions(
            [Chat("r", "!chat0:localhost", ("@a:localhost",))], count=count, messages=MESSAGES  # type: ignore[arg-type]
        )
        for number in range(1 if short else rounds):
            for rooms, runs in ours.items():
                async with QuietHomeserver() as hs:
                    runs.append(await rialto(folder / f"{rooms}-{number}", hs, rooms, count))
                say(f"intake: {rooms} rooms: {runs[-1].rate:,.0f} messages/s, {runs[-1].cpu:.1f} µs CPU each")
            bares.append(await bare(bodies))
            trials.append(await database_only(folder / f"trial-{number}", bodies))
            say(f"intake: bare handler {bares[-1]:,.0f}, database alone {trials[-1]:,.0f} messages/s")
    return [figure for rooms, runs in ours.items() for figure in _figures(rooms, runs, bares, trials, count)]


def _figures(rooms: int, runs: list[Run], bares: list[float], trials: list[float], count: int) -> list[Figure]:
    rates = [one.rate for one in runs]
    name = "1 room" if rooms == 1 else f"{rooms} rooms"
    inputs = [
        f"{count:,} transactions of {MESSAGES} messages, one connection, in {name}, {SENDERS} known senders",
        f"Rialto, to the last row in the log: {middle_and_spread(rates)} messages/s",
        f"Rialto, to the last answer: {middle_and_spread([one.answered for one in runs])} messages/s",
        f"Rialto's processor time: {middle_and_spread([one.cpu for one in runs])} µs a message",
        f"bare aiohttp and orjson, counting: {middle_and_spread(bares)} messages/s",
        f"the database alone: {middle_and_spread(trials)} messages/s",
    ]
    middle = statistics.median(rates)
    return [
        Figure("intake", f"durable intake, {name}", middle, "messages/s", inputs, aim=AIM),
        Figure("intake", f"… against the database alone, {name}", middle / statistics.median(trials), "×", []),
        Figure("intake", f"… against a bare handler that counts, {name}", middle / statistics.median(bares), "×", []),
    ]


def main() -> None:
    """Run it as a command."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report(asyncio.run(run(short=options.short, rounds=options.rounds)), options.json)


if __name__ == "__main__":
    main()
