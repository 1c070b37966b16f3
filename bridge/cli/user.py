"""`rialto user`: accounts of the web rooms."""

from __future__ import annotations

import sys

import click

from bridge.cli.config_option import with_settings
from bridge.cli.operation import operate
from bridge.settings import Settings


@click.group("user")
def command() -> None:
    """Add, list and close accounts, and set passwords."""


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@command.command("add")
@with_settings
@click.argument("name")
@click.option("--admin", is_flag=True, help="May do everything in every room.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(settings: Settings, name: str, admin: bool, password_stdin: bool) -> None:
    """Make an account; its display name starts as its login name."""
    made = operate(settings, "user add", name=name, password=_password(password_stdin), admin=admin)
    click.echo(f"{made['name']} can sign in now.")


@command.command("passwd")
@with_settings
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def passwd(settings: Settings, name: str, password_stdin: bool) -> None:
    """Set an account's password; it is signed out everywhere."""
    operate(settings, "user passwd", name=name, password=_password(password_stdin))
    click.echo(f"{name} has a new password and is signed out everywhere.")


@command.command("list")
@with_settings
def list_accounts(settings: Settings) -> None:
    """List the accounts."""
    accounts = operate(settings, "user list")
    for account in accounts:
        marks = [word for word, on in (("admin", account["admin"]), ("closed", not account["active"])) if on]
        click.echo(f"{account['name']:<32} {account['person']} {' '.join(marks)}".rstrip())
    if not accounts:
        click.echo("There are no accounts yet: rialto user add NAME")


@command.command("deactivate")
@with_settings
@click.argument("name")
def deactivate(settings: Settings, name: str) -> None:
    """Close an account for good: it leaves every room, and its name is never given again."""
    operate(settings, "user deactivate", name=name)
    click.echo(f"{name} is closed.")
