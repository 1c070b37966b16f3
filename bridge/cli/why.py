"""`rialto why`: what became of one message."""

from __future__ import annotations

import sys
from typing import Any

import click

from bridge.cli.config_option import with_settings
from bridge.cli.operation import operate
from bridge.settings import Settings


@click.command("why")
@with_settings
@click.argument("reference")
def command(settings: Settings, reference: str) -> None:
    """Tell what became of REFERENCE: an event's ID here or on Matrix, or ROOM:NUMBER."""
    accounts = operate(settings, "why", reference=reference)
    if not accounts:
        click.echo(f"Nothing is known here of {reference}.")
        sys.exit(1)
    for account in accounts:
        _tell(account)


def _tell(account: dict[str, Any]) -> None:
    origin = account["origin"]
    if account["where"] == "log":
        detail = f", {account['detail']}" if account["detail"] else ""
        click.echo(f"{account['kind']} {account['id']} is number {account['seq']} of room {account['room']}{detail}")
    elif account["where"] == "dropped":
        click.echo(f"It was not taken into a room: {account['detail']}")
    elif account["where"] == "quarantine":
        click.echo(f"It is set aside: {account['detail']}")
    else:
        click.echo(f"It waits in the inbox ({account['detail']})")
    click.echo(f"  from {origin['network']} {origin['chat']} {origin['id']}")
    for fate in account["fates"]:
        line = f"  to {fate['network']} {fate['chat'] or '(chat not made yet)'}: {fate['state']}"
        line += f" as {fate['remote_id']}" if fate["remote_id"] else ""
        line += f" ({fate['reason']})" if fate["reason"] else ""
        line += f", the lane waits: {fate['lane_waits_for']}" if fate["lane_waits_for"] else ""
        click.echo(line)
