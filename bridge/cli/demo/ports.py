"""Where the demo's servers listen: the ports asked for, else those of the last time, else the usual ones, else any."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterable
from contextlib import closing

from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.state import Ports

LOOPBACK = "127.0.0.1"
WEB, HOMESERVER, APPSERVICE = 8090, 8008, 29350
# Below the ports that Linux and macOS give to outgoing connections: a server that is started again
# cannot have lost its port to one of those.
_FIRST, _LAST = 20_000, 32_000


def choose(host: str, *, web: int | None, homeserver: int | None, last: Ports | None) -> Ports:
    """Return three free ports. Raises DemoError when one that was asked for is busy, or `host` is not ours."""
    if web is not None and web == homeserver:
        raise DemoError("--web-port and --homeserver-port are the same: choose two different ports")
    check_host(host)
    asked = {port for port in (web, homeserver) if port is not None}
    chosen_web = _asked(host, web, "--web-port") or _free(host, [last.web if last else 0, WEB], asked)
    chosen_homeserver = _asked(host, homeserver, "--homeserver-port") or _free(
        host, [last.homeserver if last else 0, HOMESERVER], {*asked, chosen_web}
    )
    appservice = _free(LOOPBACK, [last.appservice if last else 0, APPSERVICE], {chosen_web, chosen_homeserver})
    return Ports(chosen_web, chosen_homeserver, appservice)


def check_host(host: str) -> None:
    """Raise DemoError unless `host` is an address of this machine."""
    problem = _cannot_listen(host, 0)
    if problem is not None:
        raise DemoError(f"--host {host} cannot be listened on ({problem.strerror}): leave it out for {LOOPBACK}")


def _asked(host: str, port: int | None, option: str) -> int | None:
    if port is None:
        return None
    problem = _cannot_listen(host, port)
    if problem is None:
        return port
    if problem.errno == errno.EADDRINUSE:
        raise DemoError(f"port {port} on {host} is busy: end what listens there, or choose another {option}")
    raise DemoError(f"port {port} on {host} cannot be used ({problem.strerror}): choose another {option}")


def _free(host: str, wishes: Iterable[int], taken: set[int]) -> int:
    candidates = [*(port for port in wishes if port), *random.sample(range(_FIRST, _LAST), 100)]
    for port in candidates:
        if port not in taken and _cannot_listen(host, port) is None:
            return port
    raise DemoError(f"no port of {host} from {_FIRST} to {_LAST} is free: end some of the servers on this machine")


def _cannot_listen(host: str, port: int) -> OSError | None:
    """Return why nothing can listen there, or None."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            # Two sockets may be bound to one port as long as neither listens.
            probe.listen(1)
    except OSError as error:
        return error
    return None
