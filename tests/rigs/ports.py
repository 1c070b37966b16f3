"""Free loopback ports that the kernel will not hand to somebody's outgoing connection in the meantime."""

from __future__ import annotations

import random
import socket

# Linux gives outgoing connections ports from 32768 upwards; a server that stops and starts again on a port
# from below that line cannot lose it to one of them.
_FIRST, _LAST = 20_000, 32_000


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now, outside of the kernel's ephemeral range."""
    for _ in range(200):
        port = random.randint(_FIRST, _LAST)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port on 127.0.0.1 between {_FIRST} and {_LAST}")
