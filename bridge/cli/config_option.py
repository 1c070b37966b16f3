"""The option `--config` that every command takes, and the settings that it leads to."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from bridge.settings import Settings, SettingsError, load
from bridge.settings.agreement import machine_problems

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT = Path("local/rialto.yaml")


def config_path(function: Callable[Concatenate[Path, P], R]) -> Callable[..., R]:
    """Give a command `--config PATH` (else RIALTO_CONFIG, else ./local/rialto.yaml) as its first argument, a path."""

    @click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="RIALTO_CONFIG",
        default=DEFAULT,
        show_default=True,
        show_envvar=True,
        help="The settings file.",
    )
    @wraps(function)
    def command(*args: Any, config: Path, **kwargs: Any) -> R:
        return function(config, *args, **kwargs)

    return command


def with_settings(function: Callable[Concatenate[Settings, P], R]) -> Callable[..., R]:
    """Give a command `--config PATH` and the settings read as its first argument.

    When they cannot be used, each problem is printed to standard error and the process ends with 2.
    """

    @config_path
    @wraps(function)
    def command(config: Path, *args: Any, **kwargs: Any) -> R:
        try:
            settings = load(config, os.environ)
        except SettingsError as error:
            for line in explained(config, error):
                click.echo(line, err=True)
            raise click.exceptions.Exit(2) from error
        return function(settings, *args, **kwargs)

    return command


def refuse_what_this_machine_cannot_give(settings: Settings) -> None:
    """Print what stands in the way of working here, such as a folder that is not there, and end with 2."""
    problems = list(machine_problems(settings))
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise click.exceptions.Exit(2)


def explained(config: Path, error: SettingsError) -> list[str]:
    """Return a line for each problem, and for a file that is not there the way to get one."""
    lines = [str(problem) for problem in error.problems]
    if not config.exists():
        lines.append("`rialto init` writes one; --config PATH or RIALTO_CONFIG names another.")
    return lines
