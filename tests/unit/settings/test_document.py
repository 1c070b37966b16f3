"""The generated files are fresh, complete and readable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.networks.matrix.registration import BadFile
from bridge.networks.matrix.registration import load as load_registration
from bridge.settings import Listen, load
from bridge.settings.document import ROOT, files, markdown, stale
from bridge.settings.explain import sections
from bridge.settings.loading import variables
from bridge.settings.models import OidcProvider, Settings
from bridge.settings.template import Answers, amended, rialto_yaml, scalar


def test_the_files_are_fresh() -> None:
    command = [sys.executable, "-m", "bridge.settings.document", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stale_file_is_found(tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert stale(tmp_path) == []
    (tmp_path / "config" / "full.yaml").write_text("old", encoding="utf-8")
    (tmp_path / "docs" / "settings.md").unlink()
    assert stale(tmp_path) == ["config/full.yaml", "docs/settings.md"]


@pytest.mark.parametrize("name", ["config/rialto.yaml", "config/full.yaml"])
def test_the_examples_load_and_hold_the_defaults(name: str) -> None:
    settings = load(ROOT / name, {})
    plain = Settings.model_validate(
        {"homeserver": {"url": "http://127.0.0.1:8008", "server_name": "example.org"}, "database": "sqlite:///x.db"}
    )
    assert settings.homeserver == plain.homeserver
    assert settings.web == plain.web
    assert (settings.log, settings.rooms, settings.limits) == (plain.log, plain.rooms, plain.limits)
    assert settings.appservice.registration == ROOT / "config" / "registration.yaml"


def test_every_setting_is_described_and_in_both_references() -> None:
    full, table = files()["config/full.yaml"], markdown()
    for variable, path in variables().items():
        model = sections(Settings)[str(path[0])] if len(path) == 2 else Settings
        assert model.model_fields[str(path[-1])].description
        assert f"`{'.'.join(map(str, path))}`" in table
        assert f"`{variable}`" in table
        depth = "  " if len(path) == 2 else ""
        assert f"\n{depth}{path[-1]}: " in full or f"\n{depth}# {path[-1]}: " in full
    for key in OidcProvider.model_fields:
        assert f"\n| `{key}` | " in table
        assert any(f"\n  #{mark}{key}: " in full for mark in (" - ", "   ", "   # "))


def test_the_sample_registration_cannot_be_used_by_accident(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        load_registration(ROOT / "registration.yaml")
    assert [problem.key for problem in caught.value.problems] == ["as_token", "hs_token"]


ANSWERS = Answers(
    server_name="[::1]:8448",
    homeserver_url="http://[::1]:8008",
    appservice_url="http://h:1",
    appservice_listen=Listen("::", 1),
    web_url="https://chat.example.org",
    web_listen=Listen("127.0.0.1", 8090),
    database="postgresql://u:p%40: #w@h/n",
)


def test_odd_answers_are_read_back_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "rialto.yaml"
    path.write_text(rialto_yaml(ANSWERS), encoding="utf-8")
    settings = load(path, {})
    assert settings.homeserver.server_name == "[::1]:8448"
    assert settings.appservice.listen == Listen("::", 1)
    assert settings.database_url == "postgresql://u:p%40%3A %23w@h/n"


def test_new_answers_leave_the_rest_of_a_file_as_it_is(tmp_path: Path) -> None:
    old = """\
# mine
homeserver: {url: http://old, server_name: old.org}  # here
appservice:
  prefix: "gate"  # for ever
database_file: url
limits:
  burst: 7
"""
    path = tmp_path / "rialto.yaml"
    path.write_text(amended(old, ANSWERS), encoding="utf-8")
    settings = load(path, {})
    assert (settings.homeserver.url, settings.homeserver.server_name) == ("http://[::1]:8008", "[::1]:8448")
    assert (settings.appservice.prefix, settings.limits.burst) == ("gate", 7)
    assert settings.database_file is None
    text = path.read_text(encoding="utf-8")
    assert "# mine\n" in text
    assert 'prefix: "gate"  # for ever\n' in text


@pytest.mark.parametrize(
    "word", ["127.0.0.1:80", "true", "null", "12", "1e3", "a: b", "a #b", "", "~", "é", "- x", "a:"]
)
def test_a_scalar_is_read_back_as_the_same_text(tmp_path: Path, word: str) -> None:
    from bridge.networks.matrix.registration import read_yaml

    path = tmp_path / "x.yaml"
    path.write_text(f"key: {scalar(word)}\nflow: [{scalar(word)}]\n", encoding="utf-8")
    assert read_yaml(path).data == {"key": word, "flow": [word]}
