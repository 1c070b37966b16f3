"""How the web application is served: bodies as they come, and a protocol log that quotes nobody's request."""

from __future__ import annotations

import logging

from aiohttp import web

_log = logging.getLogger(__name__)


def runner(app: web.Application, *, shutdown_seconds: float = 3) -> web.AppRunner:
    """Return the runner of the web application; requests in hand have `shutdown_seconds` to end when it stops.

    Bodies are not decompressed: a small one could become a large one, and none of ours needs it.
    """
    return web.AppRunner(
        app,
        access_log=None,
        logger=_log,
        auto_decompress=False,
        shutdown_timeout=shutdown_seconds,
        handle_signals=False,
    )


class _WithoutRequestText(logging.Filter):
    """Makes one quiet line of what is no HTTP: the library would log a trace, with the request in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0] is not None:
            record.msg = f"{record.msg} (%s)"
            record.args = (*(record.args if isinstance(record.args, tuple) else ()), record.exc_info[0].__name__)
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


_log.addFilter(_WithoutRequestText())
