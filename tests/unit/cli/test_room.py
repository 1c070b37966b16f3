"""`rialto room`, on a database without a server; and docs/rooms.md against it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.cli.room import command

DOCS = (Path(__file__).parents[3] / "docs" / "rooms.md").read_text()


@pytest.fixture
def rialto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run commands on a new installation with an account `ada` and another `bob`."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, answers: str = "") -> Result:
        return CliRunner().invoke(main, list(arguments), input=answers)

    assert run("init", "--yes", "--server-name", "example.org").exit_code == 0
    for name in ("ada", "bob"):
        made = run("user", "add", name, "--password-stdin", answers="a good password\n")
        assert made.exit_code == 0, made.output
    return run


def created(rialto: Callable[..., Result], *arguments: str) -> str:
    made = rialto("room", "create", *arguments, "--owner", "ada")
    assert made.exit_code == 0, made.output
    return made.output.strip()


def test_rooms_are_made_and_listed(rialto: Callable[..., Result]) -> None:
    assert created(rialto, "Lobby").endswith("#rialto_lobby:example.org")
    assert "#" not in created(rialto, "Quiet", "--access", "invite")
    assert "#" not in created(rialto, "Hidden", "--no-mirror")
    assert "#rialto_loud:" in created(rialto, "Loud", "--private", "--mirror", "--no-federate")
    listed = rialto("room", "list").output.splitlines()
    assert len(listed) == 4
    assert "Quiet  private, 1 members, 1 events, no links" in "\n".join(listed)


def test_a_room_is_archived_and_opened_again(rialto: Callable[..., Result]) -> None:
    created(rialto, "Lobby")
    assert rialto("room", "archive", "lobby").output == "Lobby can only be read now.\n"
    assert "archived" in rialto("room", "list").output
    refused = rialto("room", "invite", "lobby")
    assert (refused.exit_code, "room: Nobody can be invited" in refused.output) == (1, True)
    assert rialto("room", "archive", "lobby", "--undo").output == "Lobby is open again.\n"


def test_people_are_invited(rialto: Callable[..., Result]) -> None:
    room = created(rialto, "Quiet", "--private")
    made = rialto("room", "invite", room, "--days", "2", "--uses", "3", "--guests")
    assert made.exit_code == 0
    assert re.match(r"http://\S+/invite/[\w-]{40,}\n", made.output)
    assert "into Quiet, for 3 people, until " in made.output


def test_roles_are_given(rialto: Callable[..., Result]) -> None:
    created(rialto, "Lobby")
    refused = rialto("room", "role", "lobby", "ada", "member")
    assert (refused.exit_code, "Make somebody else an owner" in refused.output) == (1, True)
    refused = rialto("room", "role", "lobby", "bob", "moderator")
    assert (refused.exit_code, "not in the room" in refused.output) == (1, True)
    assert rialto("room", "role", "lobby", "nobody", "muted").exit_code == 1
    assert rialto("room", "role", "lobby", "ada", "king").exit_code == 2


def test_a_room_is_deleted_after_a_question(rialto: Callable[..., Result]) -> None:
    created(rialto, "Lobby")
    assert rialto("room", "delete", "lobby", answers="n\n").exit_code == 1
    assert "Lobby" in rialto("room", "list").output
    assert "Lobby is deleted." in rialto("room", "delete", "lobby", answers="y\n").output
    assert "There are no rooms yet" in rialto("room", "list").output
    again = rialto("room", "delete", "lobby", "--yes")
    assert (again.exit_code, "There is no room 'lobby'" in again.output) == (1, True)
    assert created(rialto, "Lobby").endswith("#rialto_lobby-2:example.org"), "its alias is nobody else's"


def test_the_guide_names_every_command_and_option() -> None:
    assert isinstance(command, click.Group)
    lines = re.findall(r"^rialto room .*", DOCS, re.MULTILINE)
    documented = {line.split()[2]: set(re.findall(r"--[a-z-]+", line)) for line in lines}
    real = {
        name: {option for parameter in each.params if isinstance(parameter, click.Option) for option in
               (*parameter.opts, *parameter.secondary_opts)} - {"--config", "-c"}
        for name, each in command.commands.items()
    }
    assert documented.keys() == real.keys()
    for name, options in documented.items():
        assert options <= real[name], name
    assert real["create"] - documented["create"] == {"--topic", "--private"}
