"""`rialto check`: its lines, its warnings and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.web import built


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RIALTO_CONFIG", raising=False)
    assert CliRunner().invoke(main, ["init", "--yes", "--server-name", "example.org"]).exit_code == 0
    return tmp_path / "local"


def check(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(main, ["check", *arguments])
    return result.exit_code, result.output.splitlines()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_init_wrote_is_fine(folder: Path) -> None:
    assert check() == (0, [f"local/rialto.yaml is fine, and so is {folder}/registration.yaml."])


def test_each_problem_of_the_settings_is_a_line(folder: Path) -> None:
    edit(folder / "rialto.yaml", "  server_name", "  servername")
    edit(folder / "rialto.yaml", "127.0.0.1:8090", "127.0.0.1:0")
    code, lines = check()
    assert code == 1
    assert lines[1] == "local/rialto.yaml:7: homeserver.servername: unknown key (did you mean 'server_name'?)"
    assert lines[2].startswith("local/rialto.yaml:17: web.url: port '0' is out of range")
    assert lines[3].startswith("local/rialto.yaml:18: web.listen: port '0' is out of range")


def test_problems_of_both_files_and_of_the_machine(folder: Path) -> None:
    edit(folder / "rialto.yaml", "rialto.db", "data/rialto.db")
    edit(folder / "rialto.yaml", "server_name: example.org", "server_name: other.org")
    code, lines = check("--config", str(folder / "rialto.yaml"))
    assert code == 1
    assert [line.split(" ")[0] for line in lines] == [
        f"{folder}/rialto.yaml:21:",
        f"{folder}/registration.yaml:21:",
        f"{folder}/registration.yaml:23:",
    ]


def test_a_page_that_is_not_built(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> built.Built:
        raise built.NotBuilt("the page is not built (x is missing): build it")

    monkeypatch.setattr(built, "load", load)
    assert check() == (1, ["the page is not built (x is missing): build it"])


def test_a_missing_registration(folder: Path) -> None:
    (folder / "registration.yaml").unlink()
    assert check() == (1, [f"{folder}/registration.yaml: there is no such file: `rialto init` writes it"])


def test_a_missing_file(tmp_path: Path) -> None:
    code, lines = check("--config", str(tmp_path / "x.yaml"))
    assert code == 1
    assert lines[0] == f"{tmp_path}/x.yaml: there is no such file"
    assert "rialto init" in lines[1]


def test_warnings_alone_are_no_failure(folder: Path) -> None:
    (folder / "registration.yaml").chmod(0o644)
    code, lines = check()
    assert code == 0
    assert lines[0].startswith(f"warning: {folder}/registration.yaml: others may read it (mode 0644)")
    assert lines[1].startswith("local/rialto.yaml is fine")


def test_no_token_is_ever_printed(folder: Path) -> None:
    path = folder / "registration.yaml"
    (token,) = (line.split('"')[1] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("hs_"))
    for old, new in (('hs_token: "', 'hs_token: " '), ("as_token", "hs_token"), ("hs_token:", "hs_token")):
        edit(path, old, new)
        code, lines = check()
        assert code == 1
        assert token not in "\n".join(lines)
