"""`rialto room`: rooms."""

from __future__ import annotations

import click

from bridge.cli.config_option import with_settings
from bridge.cli.operation import operate
from bridge.settings import Settings


@click.group("room")
def command() -> None:
    """Make and list rooms."""


@command.command("create")
@with_settings
@click.argument("name")
@click.option("--owner", required=True, help="The login name of the account that owns the room.")
@click.option("--topic", default="", help="What the room is about.")
@click.option("--private", is_flag=True, help="By invitation only, and with no Matrix room.")
def create(settings: Settings, name: str, owner: str, topic: str, private: bool) -> None:
    """Make a room; its owner is in it."""
    made = operate(settings, "room create", name=name, owner=owner, topic=topic, public=not private)
    click.echo(f"{made['id']} {made['alias']}".rstrip())


@command.command("list")
@with_settings
def list_rooms(settings: Settings) -> None:
    """List the rooms with their members, events and links."""
    listed = operate(settings, "room list")
    for room in listed:
        links = ", ".join(f"{link['address']} ({link['state']})" for link in room["links"]) or "no links"
        click.echo(f"{room['id']}  {room['name']}  {room['members']} members, {room['events']} events, {links}")
    if not listed:
        click.echo("There are no rooms yet: rialto room create NAME --owner LOGIN")
