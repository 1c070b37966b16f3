"""`rialto dead`: deliveries that failed for good."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from bridge.cli.config_option import with_settings
from bridge.cli.operation import operate
from bridge.settings import Settings


@click.group("dead")
def command() -> None:
    """List dead letters, send them again, or give them up."""


@command.command("list")
@with_settings
@click.option("--room", default="", help="Only those of this room.")
def list_letters(settings: Settings, room: str) -> None:
    """List the dead letters, oldest first."""
    letters = operate(settings, "dead list", room=room)
    for letter in letters:
        at = datetime.fromtimestamp(letter["at"] / 1000, UTC).isoformat(timespec="seconds")
        click.echo(f"{letter['letter']}  {at}  room {letter['room']}, {letter['network']}, {letter['kind']}")
        click.echo(f"    {letter['reason']}")
    if not letters:
        click.echo("There are no dead letters.")


def _each(settings: Settings, operation: str, letters: tuple[str, ...], everything: bool, word: str) -> None:
    if not letters and not everything:
        raise click.UsageError("name letters as `rialto dead list` shows them, or give --all")
    done = operate(settings, operation, letters=list(letters), all=everything)["done"]
    for letter in done:
        click.echo(f"{letter} {word}")
    if not done and everything:
        click.echo("There are no dead letters.")
    missing = [letter for letter in letters if letter not in done]
    for letter in missing:
        click.echo(f"{letter} is no dead letter", err=True)
    if missing:
        sys.exit(1)


@command.command("replay")
@with_settings
@click.argument("letters", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them.")
def replay(settings: Settings, letters: tuple[str, ...], everything: bool) -> None:
    """Send dead letters again, with their present content."""
    _each(settings, "dead replay", letters, everything, "is in its lane again")


@command.command("drop")
@with_settings
@click.argument("letters", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them.")
def drop(settings: Settings, letters: tuple[str, ...], everything: bool) -> None:
    """Give dead letters up for good; the log keeps their events."""
    _each(settings, "dead drop", letters, everything, "is given up")
