"""`rialto run`: serve until told to stop."""

from __future__ import annotations

import asyncio
import sys

import click

from bridge.app.lock import Busy
from bridge.app.server import PortTaken, serve
from bridge.cli.config_option import refuse_what_this_machine_cannot_give, with_settings
from bridge.model.errors import RialtoError
from bridge.ops.logs import configure
from bridge.settings import Settings


@click.command("run")
@with_settings
def command(settings: Settings) -> None:
    """Run the bridge and its web page, until SIGTERM or Ctrl-C."""
    refuse_what_this_machine_cannot_give(settings)
    configure(settings.log.level, settings.log.format)
    try:
        asyncio.run(serve(settings, _announce))
    except (Busy, PortTaken, RialtoError) as error:
        click.echo(f"rialto: {error}", err=True)
        sys.exit(1)


def _announce(text: str) -> None:
    click.echo(f"\n{text}", err=True)
