"""How a command has an operation of the office done: by the running server, or on the database itself."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import click

from bridge.app.admin_socket import call
from bridge.app.lock import Busy
from bridge.cli.config_option import refuse_what_this_machine_cannot_give
from bridge.model.errors import Refused, RialtoError
from bridge.ops.logs import configure
from bridge.settings import Settings


def operate(settings: Settings, operation: str, **arguments: Any) -> Any:
    """Return the operation's answer; print a refusal and exit with 1, or with 2 where nothing can work here."""
    refuse_what_this_machine_cannot_give(settings)
    configure("warning", settings.log.format)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    try:
        return asyncio.run(call(settings, operation, arguments))
    except Refused as refused:
        field = f"{refused.field}: " if refused.field else ""
        click.echo(f"rialto: {field}{refused.message}", err=True)
    except (Busy, RialtoError) as error:
        click.echo(f"rialto: {error}", err=True)
    sys.exit(1)
