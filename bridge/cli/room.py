"""`rialto room`: rooms."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from bridge.cli.config_option import with_settings
from bridge.cli.operation import operate
from bridge.settings import Settings

DAY_SECONDS = 24 * 3600


@click.group("room")
def command() -> None:
    """Make, list, archive and delete rooms, invite people to them, give roles.

    ROOM is a room's ID, or the part of its alias after the prefix.
    """


@command.command("create")
@with_settings
@click.argument("name")
@click.option("--owner", required=True, help="The login name of the account that owns the room.")
@click.option("--topic", default="", help="What the room is about.")
@click.option(
    "--access", type=click.Choice(["public", "invite"]), default="public", show_default=True,
    help="Who may come in: everybody with an account here, or who is invited.",
)
@click.option("--private", is_flag=True, help="The same as --access invite.")
@click.option(
    "--mirror/--no-mirror", default=None,
    help="Whether the room is on Matrix too. Without it, public rooms are (see rooms.mirror in the settings).",
)
@click.option(
    "--no-federate", is_flag=True, help="Never let people of other Matrix servers in. It cannot be changed later."
)
def create(
    settings: Settings, name: str, owner: str, topic: str, access: str, private: bool, mirror: bool | None,
    no_federate: bool,
) -> None:
    """Make a room; its owner is in it."""
    access = "invite" if private else access
    made = operate(
        settings, "room create", name=name, owner=owner, topic=topic, access=access, mirror=mirror,
        federate=not no_federate,
    )
    click.echo(f"{made['id']} {made['alias']}".rstrip())


@command.command("list")
@with_settings
def list_rooms(settings: Settings) -> None:
    """List the rooms with their members, events and links."""
    listed = operate(settings, "room list")
    for room in listed:
        links = ", ".join(f"{link['address']} ({link['state']})" for link in room["links"]) or "no links"
        kind = {"public": "", "invite": "private, ", "direct": "two people, "}[room["access"]]
        kind += "archived, " if room["archived"] else ""
        click.echo(
            f"{room['id']}  {room['name']}  {kind}{room['members']} members, {room['events']} events, {links}"
        )
    if not listed:
        click.echo("There are no rooms yet: rialto room create NAME --owner LOGIN")


@command.command("archive")
@with_settings
@click.argument("room")
@click.option("--undo", is_flag=True, help="Open the room again.")
def archive(settings: Settings, room: str, undo: bool) -> None:
    """Let a room be read and nothing else."""
    name = operate(settings, "room archive", room=room, undo=undo)["name"]
    click.echo(f"{name} is open again." if undo else f"{name} can only be read now.")


@command.command("invite")
@with_settings
@click.argument("room")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How long it can be used.")
@click.option("--uses", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many may use it.")
@click.option("--guests", is_flag=True, help="Let people in who have no account.")
def invite(settings: Settings, room: str, days: int, uses: int, guests: bool) -> None:
    """Print a link with which people can come into a room."""
    made = operate(
        settings, "room invite", room=room, expires_in=days * DAY_SECONDS, max_uses=uses, guests=guests
    )
    click.echo(made["url"])
    until = datetime.fromtimestamp(made["expires_at"] / 1_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    people = "one person" if uses == 1 else f"{uses} people"
    click.echo(f"{made['id']}: into {made['name']}, for {people}, until {until}.", err=True)


@command.command("role")
@with_settings
@click.argument("room")
@click.argument("login")
@click.argument("role", type=click.Choice(["owner", "moderator", "member", "muted", "guest"]))
def role(settings: Settings, room: str, login: str, role: str) -> None:
    """Give somebody in a room a role, by their login name."""
    name = operate(settings, "room role", room=room, login=login, role=role)["name"]
    click.echo(f"{login} is {role} in {name} now.")


@command.command("delete")
@with_settings
@click.argument("room")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(settings: Settings, room: str, yes: bool) -> None:
    """Delete a room for everybody and for good."""
    if not yes:
        click.confirm(f"Delete {room} with everything that was said in it, for everybody?", abort=True)
    name = operate(settings, "room delete", room=room)["name"]
    click.echo(f"{name} is deleted.")
