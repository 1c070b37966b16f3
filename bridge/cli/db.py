"""`rialto db`: the database itself. No server is needed, and none may run for what changes it."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.app import migrating
from bridge.app.lock import Busy
from bridge.cli.config_option import refuse_what_this_machine_cannot_give, with_settings
from bridge.model.errors import RialtoError
from bridge.ops.logs import configure
from bridge.settings import Settings, values
from bridge.store import schema

T = TypeVar("T")


@click.group("db")
def command() -> None:
    """Look at the database, bring it up to date, move it to PostgreSQL."""


@command.command("status")
@with_settings
def status(settings: Settings) -> None:
    """Say what the database holds, and whether this Rialto can work with it."""
    found = _done(settings, lambda: migrating.status(settings.database_url))
    click.echo(f"{found.version}, {found.bytes / 1e6:.1f} MB")
    for table, rows in found.rows.items():
        click.echo(f"{table}: {rows}")
    newest = schema.newest()
    if found.revision == newest:
        click.echo(f"schema {newest}: up to date")
    elif found.revision is None:
        click.echo(f"no schema yet: the first start makes {newest}, and so does `rialto db upgrade`")
    elif found.revision < newest:
        click.echo(f"schema {found.revision}: the next start makes it {newest}, and so does `rialto db upgrade`")
    else:
        click.echo(f"schema {found.revision}: this Rialto knows {newest} only, run the newer one that wrote it")
        sys.exit(1)


@command.command("upgrade")
@with_settings
def upgrade(settings: Settings) -> None:
    """Bring the schema up to date, as each start does; make a backup first."""
    before, after = _done(settings, lambda: migrating.upgrade(settings))
    if before == after:
        click.echo(f"schema {after}: up to date already")
    else:
        click.echo(f"schema {after}: upgraded from {before or 'nothing'}")


def _postgresql(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        settled = values.database(value, None)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not settled.startswith("postgresql://"):
        raise click.BadParameter("must begin with postgresql://: SQLite files are copied with cp, while nothing runs")
    return settled


@command.command("copy")
@with_settings
@click.option("--to", callback=_postgresql, metavar="URL", help="postgresql://user:password@host/name, empty.")
@click.option(
    "--to-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file that holds the URL: other users of this machine see what is on a command line.",
)
@click.pass_context
def copy(context: click.Context, settings: Settings, to: str | None, to_file: Path | None) -> None:
    """Copy everything from the SQLite database to an empty PostgreSQL one. What fails leaves nothing behind."""
    if (to is None) == (to_file is None):
        raise click.UsageError("Name the new database with --to or with --to-file.")
    if to_file is not None:
        to = _postgresql(context, context.command.params[-1], to_file.read_text(encoding="utf-8").strip())
    target = str(to)
    _done(settings, lambda: migrating.copy(settings, target, lambda table, rows: click.echo(f"{table}: {rows}")))
    click.echo("Everything is copied. Now set `database` to the new URL; the old file stays as it is.")


def _done(settings: Settings, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what the work gives; print why it cannot be done, and exit with 1."""
    refuse_what_this_machine_cannot_give(settings)
    configure("warning", settings.log.format)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    try:
        return asyncio.run(work())
    except (Busy, RialtoError) as error:
        click.echo(f"rialto: {error}", err=True)
    sys.exit(1)
