"""A thousand viewers in one thread: bare sockets that count lines as cheaply as can be, so that the servers decide."""

from __future__ import annotations

import base64
import os
import select
import socket
import struct
import time
from collections.abc import Iterable

import msgspec

LINE = b'"ev":"line"'
LIVE = b'"ev":"live"'
CHUNK = 1 << 18


class Viewers:
    """Open sockets to one server; `close` ends them."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self._sockets: dict[int, socket.socket] = {}
        self._tails: dict[int, bytes] = {}
        self._poll = select.epoll()

    @property
    def count(self) -> int:
        """Return how many sockets are open."""
        return len(self._sockets)

    def add(self, greeting: object = None, token: str = "") -> None:
        """Open one more socket, and greet."""
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(30)
        key = base64.b64encode(os.urandom(16)).decode()
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        connection.sendall(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{authorization}Upgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                raise RuntimeError(f"the socket was refused: {head!r}")
            head += byte
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise RuntimeError(f"the socket was refused: {head!r}")
        connection.setblocking(False)
        self._sockets[connection.fileno()] = connection
        self._tails[connection.fileno()] = b""
        self._poll.register(connection, select.EPOLLIN)
        if greeting is not None:
            connection.send(_frame(msgspec.json.encode(greeting)))

    def say_all(self, frame: object) -> None:
        """Send one frame on every socket."""
        data = _frame(msgspec.json.encode(frame))
        for connection in self._sockets.values():
            connection.send(data)

    def until(self, pattern: bytes, wanted: int, *, seconds: float = 120) -> float:
        """Read until `pattern` has come so many times in all; return when (`perf_counter`). TimeoutError where it
        does not, ConnectionError where the server ends a socket."""
        end, found = time.monotonic() + seconds, 0
        keep = len(pattern) - 1
        while found < wanted:
            if time.monotonic() > end:
                raise TimeoutError(f"{found} of {wanted} came")
            for number, _ in self._poll.poll(0.5):
                chunk = self._sockets[number].recv(CHUNK)
                if not chunk:
                    raise ConnectionError(f"a socket was closed: {self._tails[number]!r}")
                data = self._tails[number] + chunk
                found += data.count(pattern)
                self._tails[number] = data[-keep:]
        return time.perf_counter()

    def one_line(self, *, seconds: float = 30) -> bytes:
        """Wait until each of them got the next line; return its text."""
        end, seen = time.monotonic() + seconds, dict.fromkeys(self._sockets, b"")
        lines: dict[int, bytes] = {}
        while time.monotonic() < end:
            for number, _ in self._poll.poll(0.5):
                seen[number] += self._sockets[number].recv(CHUNK)
                if LINE in seen[number]:
                    lines[number] = seen[number]
            if len(lines) == len(self._sockets):
                return _whole(next(iter(lines.values())))
        raise TimeoutError(f"{len(lines)} of {len(self._sockets)} got the line")

    def close(self) -> None:
        """Close every socket."""
        for connection in self._sockets.values():
            connection.close()
        self._poll.close()


def post(port: int, path: str, bodies: Iterable[bytes], token: str = "") -> None:
    """Post bodies one after the other over one connection; RuntimeError for a refusal."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for body in bodies:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}Content-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body)
            answer = b""
            while not answer.endswith(b"}"):
                more = connection.recv(65_536)
                if not more:
                    raise RuntimeError(f"the connection was closed: {answer!r}")
                answer += more
            if not answer.startswith(b"HTTP/1.1 20"):
                raise RuntimeError(f"a line was not taken: {answer[:500]!r}")


def _whole(data: bytes) -> bytes:
    """Return the text of the frame that tells a line (RFC 6455, 5.2: its length stands before it)."""
    start = data.index(b"{" + LINE)
    size = data[start - 1] if data[start - 2] == 0x81 else int(struct.unpack("!H", data[start - 2 : start])[0])
    return data[start : start + size]


def _frame(payload: bytes) -> bytes:
    """Return a masked text frame, as clients must send them; the mask is zero, so that nothing has to be turned."""
    size = len(payload)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, size)
    return head + b"\0\0\0\0" + payload
