"""The command `rialto`: a group that imports the file of a command only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import click

from bridge import __version__

COMMANDS: dict[str, str] = {
    "init": "bridge.cli.init",
    "check": "bridge.cli.check",
    "run": "bridge.cli.run",
    "demo": "bridge.cli.demo",
    "doctor": "bridge.cli.doctor",
    "user": "bridge.cli.user",
    "room": "bridge.cli.room",
    "why": "bridge.cli.why",
    "dead": "bridge.cli.dead",
    "db": "bridge.cli.db",
}
"""Each command's name and the module whose `command` it is, in the order of `rialto --help`."""


class Commands(click.Group):
    """A group whose commands are those of the table; one whose module is not there is left out."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands that can be run."""
        return [name for name, module in COMMANDS.items() if find_spec(module) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None when there is none of that name."""
        module = COMMANDS.get(cmd_name)
        if module is None or find_spec(module) is None:
            return None
        command = import_module(module).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.command is not a click command")
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rialto")
def main() -> None:
    """Web chatrooms that are Matrix rooms too."""
