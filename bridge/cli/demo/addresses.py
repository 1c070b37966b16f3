"""The addresses that follow from the host and the ports: where to listen, and how to call it from this machine."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.cli.demo.ports import LOOPBACK
from bridge.cli.demo.state import Ports
from bridge.settings import Listen

_CALLED = {"0.0.0.0": LOOPBACK, "::": "::1"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """`host` is for the web page and the homeserver; the application service is on the loopback always."""

    host: str
    ports: Ports

    @property
    def web(self) -> str:
        """The web page's URL, without a slash at the end."""
        return self._url(self.ports.web)

    @property
    def homeserver(self) -> str:
        """The homeserver's URL, without a slash at the end."""
        return self._url(self.ports.homeserver)

    @property
    def appservice(self) -> str:
        """Where the homeserver reaches Rialto."""
        return f"http://{LOOPBACK}:{self.ports.appservice}"

    @property
    def web_listen(self) -> Listen:
        """Where the web page is served."""
        return Listen(self.host, self.ports.web)

    @property
    def appservice_listen(self) -> Listen:
        """Where the homeserver's calls are awaited."""
        return Listen(LOOPBACK, self.ports.appservice)

    def _url(self, port: int) -> str:
        return f"http://{Listen(_CALLED.get(self.host, self.host), port)}"
