"""A bot over Rialto's HTTP API alone: it joins a room and answers each `!ping` with how long it took to be read.

    RIALTO_TOKEN=… python bot.py https://chat.example.org ROOM [--state FILE]

It answers each line once, whatever breaks: the `client_id` of an answer is made of the line that it answers, and the
server writes one `client_id` once. It needs aiohttp alone; docs/api.md describes the calls.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 2.0
COMMAND = "!ping"


class NoUse(Exception):
    """The server refuses for good; the text says why."""


class Bot:
    """Reads one room's log, and answers in it."""

    def __init__(self, http: aiohttp.ClientSession, url: str, room: str, state: Path) -> None:
        self._http = http
        self._room = f"{url.rstrip('/')}/api/v1/rooms/{room}"
        self._account = f"{url.rstrip('/')}/api/v1/account"
        self._state = state

    async def run(self) -> None:
        """Answer until stopped; raise `NoUse` where the server refuses for good."""
        me = (await self._call("GET", self._account))["person"]
        room = await self._call("POST", f"{self._room}/join")
        # Who is new answers what is said from now on, not the whole past.
        seen = int(self._state.read_text()) if self._state.exists() else room["last_seq"]
        while True:
            page = (await self._call("GET", f"{self._room}/events?after={seen}&limit=200"))["events"]
            for line in page:
                if line["kind"] == "said" and line["who"]["id"] != me and line["content"]["text"] == COMMAND:
                    await self._answer(line)
                seen = line["seq"]
                self._state.write_text(str(seen))
            if not page:
                await asyncio.sleep(LOOK_SECONDS)

    async def _answer(self, line: dict[str, Any]) -> None:
        took = max(0, int(time.time() * 1000) - line["at"])
        text = f"{line['who']['name']}: pong after {took} ms"
        body = {"kind": "said", "content": {"text": text}, "client_id": f"pong-{line['id']}"}
        await self._call("POST", f"{self._room}/events", body)

    async def _call(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        """Ask until there is an answer; raise `NoUse` for a refusal that will not pass."""
        while True:
            try:
                async with self._http.request(method, url, json=body) as response:
                    answer = await response.json()
                    if response.ok:
                        return answer
                    if response.status != 429 and response.status < 500:
                        raise NoUse(answer["error"]["message"])
                    pause = float(response.headers.get("Retry-After", AGAIN_SECONDS))
            except (aiohttp.ClientError, TimeoutError) as error:
                print(f"-- no answer ({error}); trying again", file=sys.stderr)
                pause = AGAIN_SECONDS
            await asyncio.sleep(pause)


async def main() -> None:
    """Run it as a command."""
    parser = argparse.ArgumentParser(description="Answers !ping; RIALTO_TOKEN holds the token.")
    parser.add_argument("url", help="the web address of the server")
    parser.add_argument("room", help="the room's ID")
    parser.add_argument("--state", type=Path, default=Path("bot.seen"), help="where to keep how far the log is read")
    given = parser.parse_args()
    headers = {"Authorization": f"Bearer {os.environ['RIALTO_TOKEN']}"}
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
        await Bot(http, given.url, given.room, given.state).run()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except NoUse as refused:
        sys.exit(f"{refused}")
    except KeyboardInterrupt:
        sys.exit(130)
