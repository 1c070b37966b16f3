"""`rialto doctor`: looks at everything around Rialto, and names the remedy for what is not well."""

from __future__ import annotations

import asyncio
import logging
import sys

import click
import structlog

from bridge.app.doctor import Doctor
from bridge.cli.config_option import with_settings
from bridge.networks.matrix.registration import BadFile, load
from bridge.settings import Settings


@click.command("doctor")
@with_settings
def command(settings: Settings) -> None:
    """Check homeserver, tokens, ping, database, clock and media limit; exit with 1 where something is not well."""
    # What it finds is said once, with a remedy; nothing is logged between.
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        registration = load(settings.appservice.registration)
    except BadFile as error:
        click.echo(f"✗ registration: {error}\n    → `rialto init` writes one, and keeps tokens that are there")
        sys.exit(1)
    sick = asyncio.run(_examine(Doctor(settings, registration)))
    if sick:
        click.echo(f"\n{sick} to mend.")
        sys.exit(1)
    click.echo("\nAll is well.")


async def _examine(doctor: Doctor) -> int:
    sick = 0
    async for finding in doctor.examine():
        click.echo(f"{'✓' if finding.well else '✗'} {finding.what}: {finding.detail}")
        if not finding.well:
            sick += 1
            click.echo(f"    → {finding.remedy}")
    return sick
