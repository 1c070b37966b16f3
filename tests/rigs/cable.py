"""The network between a browser and the server, which a test may cut: bytes stop, connections break, none is made."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Literal

from tests.rigs.ports import free_port

State = Literal["whole", "silent", "cut"]


class Cable:
    """Passes TCP connections on to `port`. `silent`: bytes are lost and nobody is told; `cut`: connections break."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._to = port
        self._state: State = "whole"
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Where a browser finds the server through this cable."""
        return f"http://127.0.0.1:{self.port}"

    def become(self, state: State) -> None:
        """Change what happens to all connections, those that are open and those to come."""
        was, self._state = self._state, state
        # A connection that lost bytes can never be whole again.
        if state == "cut" or was == "silent":
            for writer in self._writers:
                writer.transport.abort()

    async def __aenter__(self) -> Cable:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.become("cut")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._state == "cut":
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        for one, other in ((reader, server_writer), (server_reader, writer)):
            task = asyncio.create_task(self._pass(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while data := await reader.read(65536):
                if self._state == "whole":
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()
