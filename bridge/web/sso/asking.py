"""Asks the servers that vouch for visitors: one request, bounded in time and size, and never led elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import aiohttp
import msgspec

from bridge.model.errors import RialtoError

MOST_BYTES = 256 * 1024
_CHUNK = 16 * 1024


class Unfit(RialtoError):
    """A server that vouches for visitors did not answer as it must; the text is for the operator."""

    code: ClassVar[str] = "unfit_provider"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; `what` names the request for error texts."""

    what: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def object(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object; raise `Unfit`."""
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unfit(f"{self.what} answered {self.status} with what is not JSON ({error})") from None
        if not isinstance(value, dict):
            raise Unfit(f"{self.what} answered {self.status} with JSON that is no object")
        return value


class Asker:
    """A client without cookies and without memory; `seconds` bounds each whole request."""

    def __init__(self, *, seconds: float = 10, most_bytes: int = MOST_BYTES) -> None:
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """Return the answer, whatever its status; raise `Unfit` where there is none, or one that is too large."""
        what = f"{method} {url}"
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        try:
            async with self._opened().request(
                method, url, headers=sent, data=form, json=json, allow_redirects=False
            ) as response:
                if 300 <= response.status < 400:
                    place = response.headers.get("Location", "nowhere")[:200]
                    raise Unfit(f"{what} is redirected to {place}: give that address itself")
                return Answer(what, response.status, response.headers, await self._body(what, response))
        except TimeoutError:
            raise Unfit(f"{what} was not answered within {self._seconds:g} s") from None
        except (aiohttp.ClientError, ValueError) as error:
            # ValueError: an address that cannot be one.
            raise Unfit(f"{what} failed: {str(error) or type(error).__name__}") from None

    async def get_object(self, url: str, **more: Any) -> dict[str, Any]:
        """GET a JSON object; raise `Unfit` for any other answer."""
        answer = await self.ask("GET", url, **more)
        if answer.status != 200:
            raise Unfit(f"{answer.what} answered {answer.status}")
        return answer.object()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        # Not made before the loop runs, and none where nobody ever signs in so.
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def _body(self, what: str, response: aiohttp.ClientResponse) -> bytes:
        data = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            data += chunk
            if len(data) > self._most_bytes:
                raise Unfit(f"{what} answered more than {self._most_bytes} bytes")
        return bytes(data)
