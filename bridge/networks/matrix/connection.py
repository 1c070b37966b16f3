"""One try of one call to the homeserver over the shared session, with its failures turned into ours."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from bridge.core.pace import TokenBucket
from bridge.model.errors import Retry, Unreachable
from bridge.networks.matrix.failures import failure, is_gateway_down, read_error
from bridge.networks.matrix.liveness import KEEPALIVE_SECONDS, ConnectionWatch
from bridge.networks.matrix.nio_edge import Request

Body = bytes | AsyncIterable[bytes]
_MEDIA_AT_ONCE = 8
_MEDIA_SECONDS = 1800.0
_IN_ONE_WRITE = 1 << 20
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes on their way to us: `length` is None where the server does not say; `chunks` can be read once."""

    content_type: str
    length: int | None
    chunks: AsyncIterator[bytes]


class Connection:
    """The shared session to one homeserver. Safe to use from many tasks; each call is one try and never repeats."""

    def __init__(
        self,
        url: str,
        as_token: str,
        *,
        session: aiohttp.ClientSession | None = None,
        limit: int = 64,
        on_lost: Callable[[], None] | None = None,
        pace: TokenBucket | None = None,
    ) -> None:
        """ValueError for an address that is not http(s)://host. A session given here is not watched and not closed."""
        address = URL(url)
        if address.scheme not in ("http", "https") or not address.host:
            raise ValueError(f"not an http(s) address: {url!r}")
        self._root = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {as_token}"}
        self._session = session
        self._owned = session is None
        self._tell_lost = on_lost
        self._pace = pace
        self._closed = False
        self.watch = ConnectionWatch(self._lost)
        # Waiting for a turn must not use up a try's time, so the limit is here and not in aiohttp's connector.
        # Long downloads have turns of their own: they must not hold up the rooms.
        self._turns = asyncio.Semaphore(limit)
        self._media_turns = asyncio.Semaphore(_MEDIA_AT_ONCE)

    async def fetch(
        self,
        request: Request,
        extra: Sequence[tuple[str, str]] = (),
        *,
        timeout: float,
        data: Body | None = None,
        size: int | None = None,
    ) -> bytes:
        """One try: the body of a 2xx answer, else an error of bridge.model.errors within `timeout` seconds.

        `data` (of `size` bytes) replaces the request's body; an error raised by such a source comes out as it is.
        """
        turns = self._turns if data is None else self._media_turns
        source = _Source(data if data is not None else request.body, size)
        async with turns:
            if self._pace:
                await self._pace.take()
            with self._translated(request, source):
                response = await self._start(request, extra, aiohttp.ClientTimeout(total=timeout), source)
                body = await response.read()
        return self._judged(request, response, body)

    @asynccontextmanager
    async def stream(self, request: Request, *, timeout: float) -> AsyncIterator[Download]:
        """One try of a download: `timeout` seconds bound each wait for bytes, half an hour bounds the whole.

        Redirects are followed, as the authenticated media API allows them; the token stays with the homeserver.
        """
        source = _Source(None)
        limits = aiohttp.ClientTimeout(total=_MEDIA_SECONDS, sock_connect=timeout, sock_read=timeout)
        async with self._media_turns:
            with self._translated(request, source):
                response = await self._start(request, (), limits, source, follow=True)
            try:
                if response.status != 200:
                    with self._translated(request, source):
                        body = await response.read()
                    self._judged(request, response, body)
                    raise Retry(f"{request.method} {request.path} answered {response.status} to a download")
                kind = response.headers.get("Content-Type", "application/octet-stream")
                yield Download(kind, response.content_length, self._chunks(request, response))
            finally:
                response.close()  # harmless after the last byte; before it, the connection cannot be used again

    async def close(self) -> None:
        """Close the session if it is ours; calls after this are Unreachable."""
        self._closed = True
        if self._session is not None and self._owned:
            await self._session.close()

    def _judged(self, request: Request, response: aiohttp.ClientResponse, body: bytes) -> bytes:
        self.watch.returned(response)
        if 200 <= response.status < 300:
            return body
        error = read_error(body)
        if is_gateway_down(response.status, error):
            self._lost()
        raise failure(f"{request.method} {request.path}", response.status, response.headers, error)

    async def _chunks(self, request: Request, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        while True:
            with self._translated(request, _Source(None)):
                chunk = await response.content.read(_CHUNK)
            if not chunk:
                self.watch.returned(response)
                return
            yield chunk

    async def _start(
        self,
        request: Request,
        extra: Sequence[tuple[str, str]],
        timeout: aiohttp.ClientTimeout,
        source: _Source,
        *,
        follow: bool = False,
    ) -> aiohttp.ClientResponse:
        headers = dict(self._headers)
        if source.given:
            headers["Content-Type"] = request.content_type
        if source.size is not None:
            headers["Content-Length"] = str(source.size)
        if follow:
            headers["Accept-Encoding"] = "identity"  # else the length said would not be that of the bytes given on
        return await self._open_session().request(
            request.method,
            URL(self._root + request.target(extra), encoded=True),
            headers=headers,
            data=source.payload(),
            timeout=timeout,
            allow_redirects=follow,
            max_redirects=4,
        )

    def _open_session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise aiohttp.ClientConnectionError("the client is closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[self.watch.trace_config()],
            )
        return self._session

    def _lost(self) -> None:
        if self._tell_lost is not None and not self._closed:
            self._tell_lost()

    @contextmanager
    def _translated(self, request: Request, source: _Source) -> Iterator[None]:
        """Turn aiohttp's failures into ours; those of the connection itself are told to `on_lost`."""
        what = f"{request.method} {request.path}"
        try:
            yield
        except (TimeoutError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            if source.failed is not None:
                raise source.failed from None  # aiohttp reports the failure of what we send as one of the connection
            self._lost()
            away = Unreachable(f"{what}: {type(error).__name__}: {error}")
            away.short = "the homeserver cannot be reached"
            raise away from error
        except aiohttp.ClientError as error:
            raise Retry(f"{what}: not a proper HTTP answer: {type(error).__name__}: {error}") from error


class _Source:
    """The body of one call: bytes, a stream, or nothing; remembers the error that ended the stream."""

    def __init__(self, data: Body | None, size: int | None = None) -> None:
        self.given = data is not None
        self.size = size
        self.failed: Exception | None = None
        self._data = data

    def payload(self) -> bytes | io.BytesIO | AsyncIterator[bytes] | None:
        """What aiohttp is given. Large bytes go as a file, else they would be written in one go on the event loop."""
        if self._data is None:
            return None
        if isinstance(self._data, bytes):
            return self._data if len(self._data) <= _IN_ONE_WRITE else io.BytesIO(self._data)
        return self._watched(self._data)

    async def _watched(self, data: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in data:
                yield chunk
        except Exception as error:
            self.failed = error
            raise
