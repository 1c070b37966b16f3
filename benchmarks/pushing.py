"""The driver of the intake benchmark: transactions made beforehand, pushed one at a time as a homeserver does."""

from __future__ import annotations

import base64
import random
import socket
import time
from collections.abc import Sequence

import msgspec

from benchmarks.world import Chat

TEXT = (
    "the quick brown fox jumps over a lazy dog while we talk about trains and rain in spring and nobody knows "
    "whether tomorrow brings sun or more of the same grey sky that hangs above this town since last week"
)


def transactions(chats: Sequence[Chat], *, count: int, messages: int, first: int = 1, tag: str = "") -> list[bytes]:
    """Return bodies of `count` transactions of so many messages, spread evenly over the chats in turn."""
    chance = random.Random(f"intake {tag}")
    bodies: list[bytes] = []
    number = 0
    for txn in range(first, first + count):
        events = []
        for _ in range(messages):
            chat = chats[number % len(chats)]
            events.append(_event(chat, txn, chance))
            number += 1
        bodies.append(msgspec.json.encode({"events": events}))
    return bodies


def _event(chat: Chat, txn: int, chance: random.Random) -> dict[str, object]:
    """Return a message as Synapse 1.163 pushes it."""
    sender = chance.choice(chat.users)
    body = " ".join(chance.choices(TEXT.split(), k=chance.randint(4, 14)))
    return {
        "content": {"msgtype": "m.text", "body": body, "m.mentions": {}},
        "room_id": chat.chat,
        "sender": sender,
        "type": "m.room.message",
        "event_id": "$" + base64.urlsafe_b64encode(chance.randbytes(32)).decode().rstrip("="),
        "origin_server_ts": 1_790_000_000_000 + txn,
        "unsigned": {"age": 12},
        "user_id": sender,
        "age": 12,
    }


def push(port: int, token: str, bodies: Sequence[bytes], *, first: int = 1) -> float:
    """Push all bodies over one connection, each once the one before was answered; return the seconds until the last
    answer. RuntimeError for any other answer than 200."""
    requests = [_request(first + number, token, body) for number, body in enumerate(bodies)]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        for request in requests:
            connection.sendall(request)
            _answered(connection)
        return time.perf_counter() - began


def _request(txn: int, token: str, body: bytes) -> bytes:
    head = (
        f"PUT /_matrix/app/v1/transactions/{txn} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _answered(connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            raise RuntimeError(f"the connection was closed in the middle of an answer: {data!r}")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"a transaction was not taken: {data[:400]!r}")
    length = next(
        int(line.split(b":", 1)[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65_536)
