"""`rialto init`: ask what must be known, and write the settings and the registration."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bridge.cli.config_option import DEFAULT
from bridge.cli.private_file import write_private
from bridge.cli.questions import QUESTIONS, ask, old_value
from bridge.networks.matrix import registration
from bridge.settings import BadFile, Settings, SettingsError, load
from bridge.settings.agreement import disagreements
from bridge.settings.template import amended, rialto_yaml, scalar


@click.command(name="init", short_help="Write the settings and the registration.")
@click.argument("folder", metavar="[DIR]", default=DEFAULT.parent, type=click.Path(path_type=Path, file_okay=False))
@click.option("--server-name", help="The homeserver's name: the end of @you:example.org.")
@click.option("--homeserver-url", help="Where Rialto reaches the homeserver.")
@click.option("--appservice-url", help="Where the homeserver reaches Rialto.")
@click.option("--web-url", help="The web page's address in a browser.")
@click.option("--database", help="sqlite:///file or postgresql://user:password@host/name.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the defaults.")
@click.option("--force", is_flag=True, help="Change a rialto.yaml that is there already.")
@click.option("--new-tokens", is_flag=True, help="Make new tokens; the homeserver must then be restarted.")
def command(folder: Path, *, yes: bool, force: bool, new_tokens: bool, **given: str | None) -> None:
    """Write DIR/rialto.yaml and DIR/registration.yaml (DIR is ./local unless named).

    Run again it keeps the tokens and the answers; rialto.yaml itself is changed only with --force.
    """
    config = folder / "rialto.yaml"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if config.exists() and not force:
            _refuse_changes(config, given)
            click.echo(f"Kept {config} (--force changes it).")
        else:
            _write_settings(config, given, yes=yes)
        settings = _load(config)
        _write_registration(settings, new_tokens=new_tokens)
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}: choose another DIR") from error
    _say_what_next(config, settings)


def _refuse_changes(config: Path, given: Mapping[str, str | None]) -> None:
    """End if an option asks for something else than the file says, which without --force would not be done."""
    old = _read(config)
    for question in QUESTIONS:
        answer, present = given[question.name], old_value(old, question.key)
        if answer is not None and answer.rstrip("/") != (present or "").rstrip("/"):
            raise click.ClickException(f"{config} has another {'.'.join(question.key)}: add --force to change it")


def _read(config: Path) -> dict[str, Any]:
    try:
        return registration.read_yaml(config).data
    except BadFile as error:
        raise click.ClickException(f"{error}\nMend the file, or move it away and run this again.") from error


def _write_settings(config: Path, given: Mapping[str, str | None], *, yes: bool) -> None:
    """Ask, then write a new file, or put the answers into the one that is there and leave the rest as it is."""
    old = _read(config) if config.exists() else {}
    answers = ask(given, old, silent=yes)
    text = amended(config.read_text(encoding="utf-8-sig"), answers) if old else rialto_yaml(answers)
    write_private(config, text)
    click.echo(f"Wrote {config}.")


def _load(config: Path) -> Settings:
    try:
        return load(config, os.environ)
    except SettingsError as error:
        raise click.ClickException(f"{error}\nMend this and run it again.") from error


def _write_registration(settings: Settings, *, new_tokens: bool) -> None:
    """Bring the registration in line with the settings; the tokens and the ID of an older one stay."""
    path = settings.appservice.registration
    made = registration.make(
        url=settings.appservice.url, server_name=settings.homeserver.server_name, prefix=settings.appservice.prefix
    )
    if path.exists() and not new_tokens:
        try:
            document = registration.read_yaml(path)
            old = registration.parse(document)
        except BadFile as error:
            raise click.ClickException(
                f"{error}\nMend this, or add --new-tokens to write the file anew (then restart the homeserver)."
            ) from error
        if not any(disagreements(settings, old, document)):
            click.echo(f"Kept {path}.")
            return
        made = replace(made, id=old.id, as_token=old.as_token, hs_token=old.hs_token)
    write_private(path, made.to_yaml())
    click.echo(f"Wrote {path}.")


def _say_what_next(config: Path, settings: Settings) -> None:
    elsewhere = "" if config == DEFAULT else f" --config {shlex.quote(str(config))}"
    click.echo(
        f"\nAdd this line to your homeserver.yaml (if it has such a list, add the path to the list):\n\n"
        f"app_service_config_files: [{scalar(str(settings.appservice.registration))}]\n\n"
        f"The homeserver must be able to read that file. Restart it, then start Rialto:\n\n"
        f"  rialto run{elsewhere}\n\n"
        f"`rialto check{elsewhere}` looks at both files, `rialto doctor{elsewhere}` at the whole way."
    )
