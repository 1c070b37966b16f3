"""`rialto demo`: a homeserver and Rialto beside it, ready to be tried, with one command."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.ports import LOOPBACK
from bridge.cli.demo.session import Options, Session
from bridge.cli.demo.speech import Speech
from bridge.cli.demo.tether import end_with_parent, interruption_of_parent
from bridge.model.errors import RialtoError

_PORT = click.IntRange(1, 65535)


@click.command(name="demo", short_help="Try it: a homeserver and Rialto beside it.")
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Its folder, which may hold other files too.",
)
@click.option("--web-port", metavar="PORT", type=_PORT, help="The web page's port.  [default: the last, 8090, or any]")
@click.option(
    "--homeserver-port",
    metavar="PORT",
    type=_PORT,
    help="The homeserver's port.  [default: the last, 8008, or any]",
)
@click.option("--host", metavar="ADDRESS", default=LOOPBACK, show_default=True, help="Where both listen.")
@click.option("--fresh", is_flag=True, help="Remove the files of an earlier demo in DIR, and nothing else, first.")
@click.option("--tied", is_flag=True, hidden=True, help="End when the process that started this one ends.")
def command(
    folder: Path, *, web_port: int | None, homeserver_port: int | None, host: str, fresh: bool, tied: bool
) -> None:
    """Run a Matrix homeserver and Rialto beside it, with a room and two accounts, until Ctrl-C.

    Started again on the same folder it goes on where it was. DIR/demo.json tells programs what the table says.
    """
    os.umask(0o077)  # the databases hold what people wrote, and every file of the demo a secret or two
    options = Options(folder, host, web_port, homeserver_port, fresh)
    speech = Speech()
    sys.exit(asyncio.run(_run(Session(options, speech), speech, tied=tied)))


async def _run(session: Session, speech: Speech, *, tied: bool) -> int:
    """Run until a signal or a failure, end everything, and return the exit code."""
    asked = asyncio.Event()
    _on_signals(lambda: session.kill() if asked.is_set() else asked.set())
    running = asyncio.create_task(session.run())
    reasons: list[asyncio.Task[object]] = [asyncio.create_task(asked.wait())]
    if tied:
        end_with_parent()
        reasons.append(asyncio.create_task(interruption_of_parent()))
    await asyncio.wait({running, *reasons}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        asked.set()
        speech("\nEnding the demo ...")
    for task in (running, *reasons):
        task.cancel()
    await asyncio.wait({running, *reasons})
    # The reason is said before the parts are ended, which may take some seconds.
    code = 0 if running.cancelled() else _report(running.exception(), speech)
    await session.stop()
    if code == 0:
        speech("Goodbye. Start it again with the same folder, and it goes on where it was.")
    return code


def _report(outcome: BaseException | None, speech: Speech) -> int:
    """Tell the user of a failure; return the exit code."""
    match outcome:
        case None:
            return 0
        case DemoError():
            speech.failure(outcome.message, outcome.details)
        case RialtoError():
            speech.failure(str(outcome), "")
        case OSError(filename=str(name)):
            speech.failure(f"{name}: {outcome.strerror}: mend that, or choose another folder with --dir", "")
        case _:
            speech.failure(f"a fault in the demo itself: {outcome!r}", "".join(traceback.format_exception(outcome)))
    return 1


def _on_signals(act: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, act)
