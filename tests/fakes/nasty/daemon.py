"""The nasty network's server: a line protocol over TCP that forgets everything and confirms nothing.

From a client: `NICK name`, `JOIN chat`, `PART chat`, `SAY chat text`, `ACT chat text`, `NAME chat text`,
`TOPIC chat text`, `PING word`. To every client in the chat, the speaker included: the same with the nick in front.
`PING word` is answered with `PONG word`, in both directions: that the line is alive is all that can be known.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

TEXT_BYTES = 400
_words = itertools.count(1)


@dataclass(eq=False)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    nick: str = ""
    chats: set[str] = field(default_factory=set)
    pongs: dict[str, asyncio.Event] = field(default_factory=dict)

    def write(self, line: str) -> None:
        self.writer.write(line.encode() + b"\n")


@dataclass(frozen=True)
class Spoken:
    """A line that the chat has heard; `cut` when it was too long and lost its end."""

    chat: str
    nick: str
    text: str
    act: bool = False
    cut: bool = False


class NastyDaemon:
    """Listens on 127.0.0.1. `drop_next` breaks connections in the middle of a line, as bad networks do."""

    def __init__(self) -> None:
        self.port = 0
        self.spoken: list[Spoken] = []
        self.names: dict[str, str] = {}
        self.topics: dict[str, str] = {}
        self._connections: set[_Connection] = set()
        self._drops: list[tuple[str, bool]] = []
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Condition()

    async def start(self) -> None:
        """Listen; again on the same port after a stop."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Reset every connection and refuse new ones."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self._connections):
            connection.writer.transport.abort()
        await server.wait_closed()
        async with self._changed, asyncio.timeout(10):
            await self._changed.wait_for(lambda: not self._connections)

    def drop_next(self, nick: str, *, heard: bool, count: int = 1) -> None:
        """Break the connection of `nick` at its next `count` lines, before or after the chat has `heard` them."""
        self._drops += [(nick, heard)] * count

    async def present(self, nick: str, chat: str) -> None:
        """Return when somebody is in a chat."""
        async with self._changed, asyncio.timeout(10):
            await self._changed.wait_for(lambda: any(c.nick == nick and chat in c.chats for c in self._connections))

    async def fence(self) -> None:
        """Return when every client has read all that was sent to it, and dealt with it."""
        for connection in list(self._connections):
            word = f"w{next(_words)}"
            connection.pongs[word] = asyncio.Event()
            connection.write(f"PING {word}")
            await connection.pongs[word].wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer)
        self._connections.add(connection)
        try:
            while line := await reader.readline():
                if not self._take(connection, line.decode().rstrip("\n")):
                    writer.transport.abort()
                    break
                await self._tell()
        except ConnectionError:
            return  # the other side is gone: so is everything that was known of it
        finally:
            for pong in connection.pongs.values():
                pong.set()
            self._connections.discard(connection)
            for chat in connection.chats:
                self._send(chat, f"{connection.nick} PART {chat}")
            writer.close()
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _take(self, connection: _Connection, line: str) -> bool:
        """Deal with a line; False to break the connection."""
        word, _, rest = line.partition(" ")
        chat, _, text = rest.partition(" ")
        match word:
            case "PING":
                connection.write(f"PONG {rest}")
            case "PONG":
                connection.pongs.pop(rest, asyncio.Event()).set()
            case "NICK":
                self._rename(connection, rest)
            case "JOIN":
                connection.chats.add(chat)
                self._send(chat, f"{connection.nick} JOIN {chat}")
            case "PART":
                self._send(chat, f"{connection.nick} PART {chat}")
                connection.chats.discard(chat)
            case "SAY" | "ACT" | "NAME" | "TOPIC":
                return self._speak(connection, word, chat, text)
        return True

    def _rename(self, connection: _Connection, nick: str) -> None:
        for chat in connection.chats:
            self._send(chat, f"{connection.nick} NICK {chat} {nick}")
        connection.nick = nick

    def _speak(self, connection: _Connection, word: str, chat: str, text: str) -> bool:
        drop = next((drop for drop in self._drops if drop[0] == connection.nick), None)
        if drop is not None:
            self._drops.remove(drop)
            if not drop[1]:
                return False
        whole = text.encode()
        heard = whole[:TEXT_BYTES].decode(errors="ignore")
        if word in ("SAY", "ACT"):
            self.spoken.append(Spoken(chat, connection.nick, heard, word == "ACT", len(whole) > TEXT_BYTES))
        else:
            (self.names if word == "NAME" else self.topics)[chat] = heard
        self._send(chat, f"{connection.nick} {word} {chat} {heard}")
        return drop is None

    def _send(self, chat: str, line: str) -> None:
        for connection in self._connections:
            if chat in connection.chats:
                connection.write(line)


class NastyUser:
    """Somebody with a client of the nasty network; answers pings, and reads nothing else."""

    def __init__(self, daemon: NastyDaemon, nick: str) -> None:
        self._daemon = daemon
        self.nick = nick
        self._writer: asyncio.StreamWriter
        self._reading: asyncio.Task[None]
        self._answers: dict[str, asyncio.Event] = {}

    async def connect(self) -> NastyUser:
        """Go on line."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._daemon.port)
        self._reading = asyncio.create_task(self._read(reader))
        await self.send(f"NICK {self.nick}")
        return self

    async def close(self) -> None:
        """Go off line."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()

    async def send(self, line: str) -> None:
        """Send one line of the protocol."""
        self._writer.write(line.encode() + b"\n")
        await self._writer.drain()

    async def fence(self) -> None:
        """Return when the server has dealt with all that was sent."""
        word = f"u{next(_words)}"
        answered = self._answers[word] = asyncio.Event()
        await self.send(f"PING {word}")
        await answered.wait()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            first, _, rest = line.decode().rstrip("\n").partition(" ")
            if first == "PING":
                await self.send(f"PONG {rest}")
            elif first == "PONG":
                self._answers.pop(rest).set()
