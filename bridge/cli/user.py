"""`rialto user`: accounts of the web rooms."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from bridge.cli.config_option import with_settings
from bridge.cli.operation import operate
from bridge.settings import Settings

DAY_SECONDS = 24 * 3600


@click.group("user")
def command() -> None:
    """Add, list and close accounts, set passwords, make invites and one-time links."""


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _time(at: int) -> str:
    """Return a time (UTC milliseconds) as people read it, in the time zone of this machine."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


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


@command.command("reset")
@with_settings
@click.argument("name")
def reset(settings: Settings, name: str) -> None:
    """Print a one-time link with which the account's owner chooses a new password."""
    made = operate(settings, "user reset", name=name)
    click.echo(made["url"])
    click.echo(f"With this link {name} can choose a new password, once, until {_time(made['expires_at'])}.", err=True)


@command.command("list")
@with_settings
def list_accounts(settings: Settings) -> None:
    """List the accounts."""
    accounts = operate(settings, "user list")
    for account in accounts:
        marks = [
            word
            for word, on in (
                ("guest", account["kind"] == "guest"),
                ("admin", account["admin"]),
                ("closed", not account["active"]),
            )
            if on
        ]
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


@command.command("admin")
@with_settings
@click.argument("name")
@click.argument("switch", type=click.Choice(["on", "off"]))
def admin(settings: Settings, name: str, switch: str) -> None:
    """Let an account administer this server, or not any more."""
    operate(settings, "user admin", name=name, admin=switch == "on")
    click.echo(f"{name} is {'an administrator now' if switch == 'on' else 'no administrator any more'}.")


@command.command("claim")
@with_settings
def claim(settings: Settings) -> None:
    """Print a one-time link that makes an administrator's account; an earlier one is void."""
    made = operate(settings, "user claim")
    click.echo(made["url"])
    click.echo(f"This link makes an administrator's account, once, until {_time(made['expires_at'])}.", err=True)


@command.command("sessions")
@with_settings
@click.argument("name")
def sessions(settings: Settings, name: str) -> None:
    """List where an account is signed in."""
    found = operate(settings, "user sessions", name=name)
    for session in found:
        place = " ".join(part for part in (session["address"], session["agent"]) if part)
        click.echo(f"{session['id']} last used {_time(session['used_at'])} {place}".rstrip())
    if not found:
        click.echo(f"{name} is signed in nowhere.")


@command.command("signout")
@with_settings
@click.argument("name")
def signout(settings: Settings, name: str) -> None:
    """Sign an account out everywhere."""
    ended = operate(settings, "user signout", name=name)["ended"]
    click.echo(f"{name} is signed out everywhere ({ended} session{'' if ended == 1 else 's'}).")


@command.command("invite")
@with_settings
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How long it can be used.")
@click.option("--uses", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many may use it.")
def invite(settings: Settings, days: int, uses: int) -> None:
    """Print a link with which people can make an account here."""
    made = operate(settings, "user invite", expires_in=days * DAY_SECONDS, max_uses=uses)
    click.echo(made["url"])
    click.echo(f"{made['id']}: for {_people(uses)}, until {_time(made['expires_at'])}.", err=True)


@command.command("invites")
@with_settings
def invites(settings: Settings) -> None:
    """List the invites to this server that can be used."""
    found = operate(settings, "user invites")
    for one in found:
        used = f"{one['uses']} of {one['max_uses']}" if one["max_uses"] is not None else str(one["uses"])
        until = f"until {_time(one['expires_at'])}" if one["expires_at"] is not None else "until it is revoked"
        click.echo(f"{one['id']} used {used}, {until}")
    if not found:
        click.echo("There are no open invites to this server: rialto user invite")


@command.command("uninvite")
@with_settings
@click.argument("invite")
def uninvite(settings: Settings, invite: str) -> None:
    """Revoke an invite to this server, by the ID that `invites` lists."""
    operate(settings, "user uninvite", invite=invite)
    click.echo(f"{invite} is revoked.")


def _people(count: int) -> str:
    return "one person" if count == 1 else f"{count} people"
