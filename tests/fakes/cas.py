"""A sign-in service of the CAS kind (protocol 2), which Synapse can lead its users to without any extra package."""

from __future__ import annotations

import secrets
from types import TracebackType
from xml.sax.saxutils import escape

from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

_YES = (
    '<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas"><cas:authenticationSuccess>'
    "<cas:user>{user}</cas:user></cas:authenticationSuccess></cas:serviceResponse>"
)
_NO = (
    '<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas"><cas:authenticationFailure code="INVALID_TICKET">'
    "no</cas:authenticationFailure></cas:serviceResponse>"
)


class CasService:
    """One service on 127.0.0.1; whoever comes to it is `user`."""

    def __init__(self, user: str) -> None:
        self.user = user
        self._tickets: dict[str, tuple[str, str]] = {}
        app = web.Application()
        app.router.add_get("/login", self._login)
        app.router.add_get("/proxyValidate", self._validate)
        self._server = TestServer(app)

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return str(self._server.make_url("/")).rstrip("/")

    async def __aenter__(self) -> CasService:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    async def _login(self, request: web.Request) -> web.Response:
        ticket = f"ST-{secrets.token_hex(8)}"
        service = request.query["service"]
        self._tickets[ticket] = (service, self.user)
        return web.Response(status=302, headers={"Location": str(URL(service).update_query(ticket=ticket))})

    async def _validate(self, request: web.Request) -> web.Response:
        service, user = self._tickets.pop(request.query["ticket"], ("", ""))
        fits = user and service == request.query["service"]
        return web.Response(text=_YES.format(user=escape(user)) if fits else _NO, content_type="application/xml")
