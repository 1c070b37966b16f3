"""A chat in a terminal over Rialto's WebSocket: each line that is typed is sent once, each line of the room shown.

    RIALTO_TOKEN=… python chat.py https://chat.example.org ROOM [--state FILE]

What was typed is kept in the state file until the server has it, and so is the number of the last line that was shown:
whatever breaks (the connection, the server, this program), the next start goes on from there. It needs aiohttp alone;
docs/api.md describes the frames.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import threading
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

ANSWER_SECONDS = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
FOR_GOOD = {4001: "the session is over: sign in again", 4003: "the server does not understand this program"}
LATER = ("too_fast", "slow_mode", "busy", "database_away", "internal")
"""Refusals that pass; every other one is for good."""


class Over(Exception):
    """There is no use in connecting again; the text says why."""


class State:
    """What outlives this program: the last number that was shown, and what was typed and is not sent yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = json.loads(path.read_text()) if path.exists() else {}
        self.seen: int | None = kept.get("seen")
        self.unsent: list[dict[str, str]] = kept.get("unsent", [])

    def type(self, text: str) -> None:
        """Keep a line, under the name by which the server knows it again however often it is sent."""
        self.unsent.append({"client_id": uuid.uuid4().hex, "text": text})
        self.save()

    def sent(self) -> None:
        """Forget the first line: it is in the log, or never will be."""
        del self.unsent[0]
        self.save()

    def save(self) -> None:
        """Write the file; a crash leaves the old one or the new one."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"seen": self.seen, "unsent": self.unsent}))
        fresh.replace(self._path)


class Connection:
    """One WebSocket: requests with their answers, and frames that come by themselves."""

    def __init__(self, wire: aiohttp.ClientWebSocketResponse) -> None:
        self._wire = wire
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last = 0

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask something; return the whole answer, or raise an OSError where none comes."""
        self._last += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._last] = answer
        await self._wire.send_json({"id": self._last, "op": op, **fields})
        async with asyncio.timeout(ANSWER_SECONDS):
            return await answer

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the server tells by itself, until the connection ends."""
        async for message in self._wire:
            frame = json.loads(message.data)
            if "re" not in frame:
                yield frame
            elif not (answer := self._waiting.pop(frame["re"])).done():
                answer.set_result(frame)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the connection ended"))


class Chat:
    """Shows a room, and writes to it."""

    def __init__(self, url: str, token: str, room: str, state: State) -> None:
        self._url = url.rstrip("/") + "/api/v1/socket"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._room = room
        self._state = state
        self._typed = asyncio.Event()
        self._pause = FIRST_PAUSE

    def type(self, text: str) -> None:
        """Take a line that was typed; it is sent as soon as that is possible."""
        self._state.type(text)
        self._typed.set()

    async def run(self) -> None:
        """Stay connected until it has no use any more; raise `Over` then."""
        async with aiohttp.ClientSession(headers=self._headers) as http:
            while True:
                try:
                    await self._connected(http)
                except (aiohttp.ClientError, OSError) as error:
                    print(f"-- not connected ({error}); trying again", file=sys.stderr)
                # After a stop of the server everybody comes back: not all in the same moment.
                await asyncio.sleep(self._pause * random.uniform(0.7, 1.3))
                self._pause = min(LONGEST_PAUSE, self._pause * 2)

    async def _connected(self, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(self._url, max_msg_size=0) as wire:
            connection = Connection(wire)
            tasks = [asyncio.create_task(work) for work in (self._show(connection), self._work(connection))]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            if (reason := FOR_GOOD.get(wire.close_code or 0)) is not None:
                raise Over(reason)

    async def _work(self, connection: Connection) -> None:
        """Greet, follow the room from where we were, then send what is typed, and ping."""
        hello = _ok(await connection.ask("hello"))
        _ok(await connection.ask("follow", room=self._room, after=self._state.seen))
        self._pause = FIRST_PAUSE
        while True:
            while self._state.unsent:
                await self._send(connection)
            self._typed.clear()
            try:
                async with asyncio.timeout(hello["ping_seconds"]):
                    await self._typed.wait()
            except TimeoutError:
                await connection.ask("ping", ack={self._room: self._state.seen or 0})

    async def _send(self, connection: Connection) -> None:
        """Send the first line that waits; it stays there until the server has answered."""
        line = self._state.unsent[0]
        answer = await connection.ask("say", room=self._room, **line)
        error = answer.get("error")
        if error is not None and error["code"] in LATER:
            await asyncio.sleep(error.get("retry_after", 1))
            return
        if error is not None:
            print(f"-- not sent: {line['text']!r}: {error['message']}", file=sys.stderr)
        self._state.sent()

    async def _show(self, connection: Connection) -> None:
        async for frame in connection.frames():
            if frame.get("room") != self._room:
                continue
            if frame["ev"] in ("line", "amended"):
                print(_read(frame["line"], amended=frame["ev"] == "amended"), flush=True)
            elif frame["ev"] == "reset":
                print("-- too much was missed; these are the newest lines", flush=True)
            if frame["ev"] in ("line", "live"):
                self._state.seen = max(frame["seq"], self._state.seen or 0)
                self._state.save()


def _ok(answer: dict[str, Any]) -> dict[str, Any]:
    if (error := answer.get("error")) is not None:
        if error["code"] in LATER:
            raise ConnectionError(error["message"])
        raise Over(error["message"])
    found: dict[str, Any] = answer["ok"]
    return found


def _read(line: dict[str, Any], *, amended: bool) -> str:
    """Return a line as it is shown; docs/api.md lists the kinds."""
    name = line["who"]["name"]
    if line.get("removed"):
        return f"{line['seq']:>6} -- {name} removed this line"
    if line["kind"] == "said":
        return f"{line['seq']:>6} {name}{' (edited)' if amended else ''}: {line['content']['text']}"
    return f"{line['seq']:>6} -- {name}: {line['kind']}"


def _listen(chat: Chat, loop: asyncio.AbstractEventLoop) -> None:
    for text in sys.stdin:
        if text.strip():
            loop.call_soon_threadsafe(chat.type, text.strip())


async def main() -> None:
    """Run it as a command."""
    parser = argparse.ArgumentParser(description="A chat in a terminal; RIALTO_TOKEN holds the token.")
    parser.add_argument("url", help="the web address of the server")
    parser.add_argument("room", help="the room's ID")
    parser.add_argument("--state", type=Path, default=Path("chat.json"), help="where to keep what is not sent yet")
    given = parser.parse_args()
    chat = Chat(given.url, os.environ["RIALTO_TOKEN"], given.room, State(given.state))
    threading.Thread(target=_listen, args=(chat, asyncio.get_running_loop()), daemon=True).start()
    await chat.run()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Over as over:
        sys.exit(f"{over}")
    except KeyboardInterrupt:
        sys.exit(130)
