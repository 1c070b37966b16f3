"""The group `rialto`: its table of commands, its help, and how settings reach a command."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridge import __version__
from bridge.cli import COMMANDS, main
from bridge.cli.config_option import with_settings
from bridge.settings import Settings
from tests.rigs.ports import free_port

SMALL = "homeserver: {url: http://h, server_name: example.org}\ndatabase: sqlite:///rialto.db\n"


def test_help_lists_each_command_that_is_there() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.output.partition("Commands:\n")[2].splitlines()]
    assert listed == [name for name, module in COMMANDS.items() if find_spec(module)]
    assert {"init", "check"} <= set(listed)


@pytest.mark.parametrize("name", [name for name, module in COMMANDS.items() if find_spec(module)])
def test_each_command_explains_itself(name: str) -> None:
    assert isinstance(import_module(COMMANDS[name]).command, click.Command)
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"Usage: main {name}" in result.output


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(main, ["inti"])
    assert result.exit_code == 2
    assert "No such command 'inti'" in result.output


def test_a_command_loads_its_own_file_only() -> None:
    script = (
        "import sys; from bridge.cli import main; main(['check', '--help'], standalone_mode=False);"
        "sys.exit('bridge.cli.init' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, capture_output=True).returncode == 0


def test_the_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"rialto, version {__version__}\n"


@click.command
@with_settings
@click.option("--word", default="hello")
def command(settings: Settings, word: str) -> None:
    """Say a word and a setting."""
    click.echo(f"{word} {settings.homeserver.server_name}")


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RIALTO_CONFIG", raising=False)


def write(path: Path, text: str = SMALL) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_settings_come_from_the_option_the_variable_or_the_usual_place(tmp_path: Path) -> None:
    write(tmp_path / "local" / "rialto.yaml", SMALL.replace("example", "usual"))
    write(tmp_path / "a.yaml", SMALL.replace("example", "variable"))
    write(tmp_path / "b.yaml", SMALL.replace("example", "option"))
    run = CliRunner().invoke
    assert run(command, []).output == "hello usual.org\n"
    assert run(command, [], env={"RIALTO_CONFIG": "a.yaml"}).output == "hello variable.org\n"
    found = run(command, ["--config", "b.yaml", "--word", "hi"], env={"RIALTO_CONFIG": "a.yaml"})
    assert found.output == "hi option.org\n"


def test_the_environment_reaches_the_settings(tmp_path: Path) -> None:
    write(tmp_path / "local" / "rialto.yaml")
    result = CliRunner().invoke(command, [], env={"RIALTO_HOMESERVER__SERVER_NAME": "env.org"})
    assert result.output == "hello env.org\n"


def test_problems_go_to_standard_error_and_end_with_2(tmp_path: Path) -> None:
    write(tmp_path / "local" / "rialto.yaml", SMALL + "lgo: {}\nwbe: {}\n")
    result = CliRunner().invoke(command, [])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "local/rialto.yaml:3: lgo: unknown key (did you mean 'log'?)\n"
        "local/rialto.yaml:4: wbe: unknown key (did you mean 'web'?)\n"
    )


def test_a_missing_file_tells_how_to_get_one() -> None:
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 2
    assert result.stderr == (
        "local/rialto.yaml: there is no such file\n"
        "`rialto init` writes one; --config PATH or RIALTO_CONFIG names another.\n"
    )


@pytest.mark.parametrize("words", [["run"], ["user", "list"], ["dead", "list"]])
def test_a_database_that_cannot_be_kept_is_one_line(words: list[str]) -> None:
    made = CliRunner().invoke(main, ["init", "--yes", "--server-name", "example.org"])
    assert made.exit_code == 0
    path = Path("local/rialto.yaml")
    elsewhere = path.read_text(encoding="utf-8").replace("sqlite:///rialto.db", "sqlite:////nowhere/at/all.db")
    path.write_text(elsewhere, encoding="utf-8")
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    said = r"rialto\.yaml:\d+: database: the folder /nowhere/at does not exist"
    assert re.search(said, result.stderr), result.stderr


def test_a_database_server_that_is_not_there_is_one_line_without_its_password() -> None:
    url = f"postgresql://u:swordfish@127.0.0.1:{free_port()}/n"
    assert CliRunner().invoke(main, ["init", "--yes", "--server-name", "h", "--database", url]).exit_code == 0
    result = CliRunner().invoke(main, ["user", "list"])
    assert result.exit_code == 1
    assert re.fullmatch(r"rialto: the database n at 127\.0\.0\.1:\d+ cannot be used \(.*\): .*\n", result.stderr)
    assert "swordfish" not in result.output


@pytest.mark.parametrize("words", [["run"], ["user", "list"]])
def test_a_file_that_is_no_database_is_one_line(words: list[str]) -> None:
    assert CliRunner().invoke(main, ["init", "--yes", "--server-name", "example.org"]).exit_code == 0
    Path("local/rialto.db").write_bytes(b"this is no database, and long enough to be looked at" * 100)
    done = subprocess.run(
        [sys.executable, "-m", "bridge.cli", *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "rialto: the database cannot be used (file is not a database): `rialto doctor` looks at it" in done.stderr
    assert "Traceback" not in done.stderr
