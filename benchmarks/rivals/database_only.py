"""The database's share alone: commit the raw transaction and answer; decode it, insert a log row and an outbox row
for each message, commit. No rules, no rooms, nothing that asks whether an event is known; the very tables and
indexes of Rialto, one writing thread, WAL and synchronous=FULL.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import Column, Engine, Integer, LargeBinary, MetaData, Table, create_engine, delete, event, insert

from bridge.store.tables import deliveries, events

RAW = Table("trial_inbox", MetaData(), Column("id", Integer, primary_key=True), Column("raw", LargeBinary))


class _Message(msgspec.Struct):
    event_id: str
    room_id: str
    sender: str
    type: str
    content: dict[str, Any]
    origin_server_ts: int


class _Body(msgspec.Struct):
    events: list[_Message]


_decoder = msgspec.json.Decoder(_Body)


class Trial:
    """Takes transactions as the trial does; everything of the database in one thread."""

    def __init__(self, path: Path) -> None:
        self._engine = _engine(path)
        RAW.metadata.create_all(self._engine)
        self._thread = ThreadPoolExecutor(1)
        self._numbers = itertools.count(1)
        self._behind: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._connection = self._engine.connect()
        self._task: asyncio.Task[None] | None = None

    async def begin(self, app: web.Application) -> None:
        """Work behind the answers."""
        self._task = asyncio.create_task(self._work())

    async def take(self, request: web.Request) -> web.Response:
        """Answer a transaction once it is committed as it came."""
        raw = await request.read()
        key = next(self._numbers)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._keep, key, raw)
        self._behind.put_nowait((key, raw))
        return web.Response(body=b"{}", content_type="application/json")

    async def ready(self, request: web.Request) -> web.Response:
        """Answer that it is there."""
        return web.Response(text="0")

    async def _work(self) -> None:
        while True:
            key, raw = await self._behind.get()
            await asyncio.get_running_loop().run_in_executor(self._thread, self._log, key, raw)

    def _keep(self, key: int, raw: bytes) -> None:
        with self._connection.begin():
            self._connection.execute(insert(RAW), {"id": key, "raw": raw})

    def _log(self, key: int, raw: bytes) -> None:
        messages = _decoder.decode(raw).events
        first = (key - 1) * 1_000
        with self._connection.begin():
            self._connection.execute(insert(events), [_log_row(first + n, m) for n, m in enumerate(messages)])
            self._connection.execute(insert(deliveries), [_outbox_row(first + n, m) for n, m in enumerate(messages)])
            self._connection.execute(delete(RAW).where(RAW.c.id == key))


def _log_row(seq: int, message: _Message) -> dict[str, object]:
    return {
        "room": message.room_id,
        "seq": seq,
        "id": message.event_id[:32],
        "kind": "said",
        "who": message.sender,
        "at": message.origin_server_ts,
        "stored_at": message.origin_server_ts,
        "network": "matrix",
        "chat": message.room_id,
        "origin": message.event_id,
        "hops": 0,
        "content": msgspec.json.encode(message.content).decode(),
        "version": 0,
    }


def _outbox_row(seq: int, message: _Message) -> dict[str, object]:
    return {
        "link": message.room_id,
        "room": message.room_id,
        "seq": seq,
        "part": 0,
        "state": "waiting",
        "updated_at": message.origin_server_ts,
    }


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    def configure(dbapi: Any, record: object) -> None:
        dbapi.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            dbapi.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def main() -> None:
    """Serve on the port given, with the database given."""
    trial = Trial(Path(sys.argv[2]))
    app = web.Application(client_max_size=1 << 24)
    app.router.add_put("/_matrix/app/v1/transactions/{txn}", trial.take)
    app.router.add_get("/count", trial.ready)
    app.on_startup.append(trial.begin)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
