"""`rialto check`: find what is wrong with the settings and the registration before anything is started."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bridge.cli.config_option import config_path, explained
from bridge.settings import SettingsError, load
from bridge.settings.agreement import machine_problems, registration_problems, warnings
from bridge.web import built


@click.command(name="check", short_help="Find what is wrong with them.")
@config_path
def command(config: Path) -> None:
    """Check the settings, the registration and the built page; no server is needed.

    Prints each problem as `file:line: key: problem` and ends with 1 if there is one. Warnings alone end with 0.
    """
    try:
        settings = load(config, os.environ)
    except SettingsError as error:
        for line in explained(config, error):
            click.echo(line)
        raise click.exceptions.Exit(1) from error
    problems = [*machine_problems(settings), *registration_problems(settings)]
    for problem in problems:
        click.echo(str(problem))
    for warning in warnings(settings):
        click.echo(f"warning: {warning}")
    page = _page_problem()
    if page:
        click.echo(page)
    if problems or page:
        raise click.exceptions.Exit(1)
    click.echo(f"{config} is fine, and so is {settings.appservice.registration}.")


def _page_problem() -> str:
    """Return why the page cannot be served, or an empty string."""
    try:
        built.load()
    except built.NotBuilt as error:
        return str(error)
    return ""
