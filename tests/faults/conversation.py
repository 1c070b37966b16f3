"""A conversation across the bridge in which every line has a number, and the proof that none is lost or doubled."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.rigs.caller import Caller
from tests.rigs.rialto import Rialto, WebUser


@dataclass
class Conversation:
    """One bridged room, with people on both sides who never give up."""

    rialto: Rialto
    room: str
    alias: str
    web: list[WebUser]
    matrix: list[Caller]
    room_id: str = ""

    async def speak(self, lines: int, *, after_each: Callable[[int], None] | None = None) -> None:
        """Have both sides say `lines` numbered lines in all, each sender in order and all at once."""
        web, matrix = lines // len(self.web), lines // len(self.matrix)
        async with asyncio.TaskGroup() as group:
            for number, user in enumerate(self.web):
                group.create_task(self._speak_web(user, number, web, after_each))
            for number, caller in enumerate(self.matrix):
                group.create_task(self._speak_matrix(caller, number, matrix, after_each))

    async def _speak_web(self, user: WebUser, who: int, lines: int, after: Callable[[int], None] | None) -> None:
        for number in range(lines):
            await user.say(self.room, f"web {who} {number}", f"w-{who}-{number}")
            if after is not None:
                after(number)

    async def _speak_matrix(self, caller: Caller, who: int, lines: int, after: Callable[[int], None] | None) -> None:
        for number in range(lines):
            await patiently(caller, self.room_id, f"matrix {who} {number}", f"m-{who}-{number}")
            if after is not None:
                after(number)

    def expected(self, lines: int) -> Counter[str]:
        """Return every line that was said, once."""
        web, matrix = lines // len(self.web), lines // len(self.matrix)
        said = [f"web {who} {n}" for who in range(len(self.web)) for n in range(web)]
        said += [f"matrix {who} {n}" for who in range(len(self.matrix)) for n in range(matrix)]
        return Counter(said)

    async def settle(self, lines: int, *, seconds: float = 120) -> None:
        """Wait until both sides hold as many lines as were said; what they hold is judged by `prove`."""
        wanted = sum(self.expected(lines).values())
        try:
            async with asyncio.timeout(seconds):
                while len(await self.web_lines()) < wanted or len(await self.matrix_lines()) < wanted:
                    await asyncio.sleep(0.3)
        except TimeoutError:
            return

    async def web_lines(self) -> list[str]:
        """Return the lines of the room's log, in order."""
        events = await self.web[0].log(self.room)
        return [event["content"]["text"] for event in events if event["kind"] == "said"]

    async def web_lines_when(self, wanted: int) -> list[str]:
        """Wait until the log holds so many lines, and return them; AssertionError when they do not come."""
        lines: list[str] = []
        try:
            async with asyncio.timeout(20):
                while len(lines := await self.web_lines()) < wanted:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{len(lines)} lines came instead of {wanted}: {lines}") from None
        return lines

    async def matrix_lines(self) -> list[str]:
        """Return the lines of the Matrix room, in order."""
        events = await history(self.matrix[0], self.room_id)
        return [event["content"]["body"] for event in events if event["type"] == "m.room.message"]

    async def prove(self, lines: int) -> None:
        """AssertionError unless both sides hold every line once, each sender's in order."""
        expected = self.expected(lines)
        for side, held in (("web", await self.web_lines()), ("matrix", await self.matrix_lines())):
            counted = Counter(held)
            assert not expected - counted, f"missing on the {side} side: {sorted((expected - counted).elements())[:20]}"
            assert not counted - expected, f"doubled on the {side} side: {sorted((counted - expected).elements())[:20]}"
            for sender in {line.rsplit(" ", 1)[0] for line in expected}:
                numbers = [int(line.rsplit(" ", 1)[1]) for line in held if line.rsplit(" ", 1)[0] == sender]
                assert numbers == sorted(numbers), f"{sender} is out of order on the {side} side: {numbers}"
        await self._prove_log()
        await self._prove_found(expected)

    async def _prove_log(self) -> None:
        """The log has no hole in its numbers, and every delivery ended as sent."""
        events = await self.web[0].log(self.room, raw=True)
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        states = {d["state"] for event in events for d in event["deliveries"]}
        assert states <= {"sent"}, f"deliveries did not all end: {states}"


    async def _prove_found(self, expected: Counter[str]) -> None:
        """Soon after it has become quiet, a search finds every line once."""
        found: Counter[str] = Counter()
        try:
            async with asyncio.timeout(60):
                while (found := Counter(await self._search("web") + await self._search("matrix"))) != expected:
                    await asyncio.sleep(0.3)
        except TimeoutError:
            missing, doubled = sorted((expected - found).elements()), sorted((found - expected).elements())
            raise AssertionError(f"not found: {missing[:20]}, found too often: {doubled[:20]}") from None

    async def _search(self, word: str) -> list[str]:
        hits: list[str] = []
        more: dict[str, Any] = {}
        while True:
            page = await self.web[0].call("GET", "search", q=word, room=self.room, limit=50, **more)
            hits += [hit["event"]["content"]["text"] for hit in page["hits"]]
            if "next" not in page:
                return hits
            more = {"before": page["next"]}


async def patiently(caller: Caller, room_id: str, text: str, txn_id: str) -> None:
    """Send a line from the Matrix side until the homeserver has taken it."""
    async with asyncio.timeout(120):
        while True:
            try:
                answer = await caller.send(room_id, text, txn_id=txn_id)
                if answer.status == 200:
                    return
                assert answer.status >= 500 or answer.status == 429, answer
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.1)


async def history(caller: Caller, room_id: str) -> list[dict[str, Any]]:
    """Return all events of a Matrix room, oldest first."""
    events: list[dict[str, Any]] = []
    start: str | None = None
    while True:
        page = (await caller.messages(room_id, backwards=False, limit=500, start=start)).ok()
        events += page["chunk"]
        start = page.get("end")
        if start is None or not page["chunk"]:
            return events
