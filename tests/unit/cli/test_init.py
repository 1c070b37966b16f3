"""`rialto init`: what it asks, writes, keeps and says."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.cli.private_file import write_private
from bridge.networks.matrix import registration
from bridge.networks.matrix.registration import Registration
from bridge.settings import Listen, Settings, load

NAME = ("--server-name", "example.org")


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def init(*arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(main, ["init", *arguments], input=answers)


def written(folder: str = "local") -> tuple[Settings, Registration]:
    settings = load(Path(folder, "rialto.yaml"), {})
    return settings, registration.load(settings.appservice.registration)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_unattended_with_the_defaults(tmp_path: Path) -> None:
    result = init("--yes", *NAME)
    assert result.exit_code == 0, result.output
    settings, keys = written()
    assert settings.homeserver.server_name == "example.org"
    assert settings.homeserver.url == "http://127.0.0.1:8008"
    assert settings.database_url == f"sqlite:///{tmp_path}/local/rialto.db"
    assert keys.url == settings.appservice.url == "http://127.0.0.1:29350"
    assert keys.users[0].regex == r"@rialto_.*:example\.org"
    assert f"\napp_service_config_files: [{tmp_path}/local/registration.yaml]\n" in result.output
    assert "\n  rialto run\n" in result.output
    assert keys.as_token not in result.output
    assert keys.hs_token not in result.output


def test_only_the_owner_may_read_what_is_written(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        assert init("--yes", *NAME).exit_code == 0
    finally:
        os.umask(old)
    folder = tmp_path / "local"
    assert (mode(folder), mode(folder / "rialto.yaml"), mode(folder / "registration.yaml")) == (0o700, 0o600, 0o600)
    assert {path.name for path in folder.iterdir()} == {"rialto.yaml", "registration.yaml"}


def test_every_answer_as_an_option(tmp_path: Path) -> None:
    result = init(
        "deep/er dir", "--yes", "--server-name", "matrix.org:8448", "--homeserver-url", "https://hs/",
        "--appservice-url", "http://rialto:3000", "--web-url", "https://chat.example.org/",
        "--database", "postgresql://u:p#w@h/n",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    settings, keys = written("deep/er dir")
    assert (settings.homeserver.url, settings.homeserver.server_name) == ("https://hs", "matrix.org:8448")
    assert (settings.web.url, settings.web.listen) == ("https://chat.example.org", Listen("127.0.0.1", 8090))
    assert (settings.appservice.listen, keys.url) == (Listen("0.0.0.0", 3000), "http://rialto:3000")
    assert settings.database_url == "postgresql://u:p%23w@h/n"
    assert f'app_service_config_files: ["{tmp_path}/deep/er dir/registration.yaml"]' in result.output
    assert "  rialto run --config 'deep/er dir/rialto.yaml'\n" in result.output


def test_asked_at_the_prompt_and_asked_again_with_the_remedy() -> None:
    answers = ["https://example.org", "example.org", "localhost:8008", "", "", "http://127.0.0.1:29350", "", "x.db", ""]
    result = init(answers="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert "(did you mean 'example.org'?)" in result.output
    assert "(did you mean 'http://localhost:8008'?)" in result.output
    assert "choose another port" in result.output
    assert "must be a database URL" in result.output
    settings, _ = written()
    assert (settings.homeserver.url, settings.web.url) == ("http://127.0.0.1:8008", "http://127.0.0.1:8090")


def test_without_answers_it_ends_and_writes_nothing(tmp_path: Path) -> None:
    assert init(answers="").exit_code == 1
    result = init("--yes")
    assert result.exit_code == 2
    assert "--server-name is needed with --yes" in result.output
    assert list(tmp_path.glob("local/*")) == []


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        ("--server-name", "https://example.org", "did you mean 'example.org'"),
        ("--homeserver-url", "example.org", "did you mean 'http://example.org'"),
        ("--appservice-url", "http://0.0.0.0:29350", "not one to call"),
        ("--web-url", "http://localhost:29350", "choose another port"),
        ("--database", "mysql://u:swordfish@h/n", "sqlite:/// or postgresql://"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_written(tmp_path: Path, option: str, value: str, remedy: str) -> None:
    result = init("--yes", *NAME, option, value)
    assert result.exit_code == 2
    assert f"Error: {option}: " in result.output
    assert remedy in result.output
    assert "swordfish" not in result.output
    assert list(tmp_path.glob("local/*")) == []


def test_run_again_it_changes_nothing(tmp_path: Path) -> None:
    init("--yes", *NAME)
    before = {path: path.read_bytes() for path in (tmp_path / "local").iterdir()}
    for arguments in ((), ("--yes",), ("--yes", *NAME, "--web-url", "http://127.0.0.1:8090/")):
        result = init(*arguments)
        assert result.exit_code == 0, result.output
        assert "Kept local/rialto.yaml" in result.output
        assert "app_service_config_files: [" in result.output
        assert {path: path.read_bytes() for path in (tmp_path / "local").iterdir()} == before


def test_another_answer_needs_force(tmp_path: Path) -> None:
    init("--yes", *NAME)
    before = {path: path.read_bytes() for path in (tmp_path / "local").iterdir()}
    result = init("--yes", "--homeserver-url", "http://h:1")
    assert result.exit_code == 1
    assert "local/rialto.yaml has another homeserver.url: add --force to change it" in result.output
    assert {path: path.read_bytes() for path in (tmp_path / "local").iterdir()} == before


def test_force_keeps_tokens_old_answers_and_all_other_settings(tmp_path: Path) -> None:
    init("--yes", *NAME, "--homeserver-url", "http://hs:1", "--database", "sqlite:///mine.db")
    path = tmp_path / "local" / "rialto.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "limits: {burst: 7}  # ours\n", encoding="utf-8")
    _, keys = written()
    result = init("--yes", "--force", "--appservice-url", "http://127.0.0.1:3000")
    assert result.exit_code == 0, result.output
    settings, after = written()
    assert (after.as_token, after.hs_token, after.url) == (keys.as_token, keys.hs_token, "http://127.0.0.1:3000")
    assert settings.appservice.listen == Listen("127.0.0.1", 3000)
    assert (settings.homeserver.url, settings.limits.burst) == ("http://hs:1", 7)
    assert settings.database_url.endswith("/mine.db")
    assert "# ours" in path.read_text(encoding="utf-8")


def test_force_at_the_prompt_offers_the_old_answers() -> None:
    init("--yes", *NAME, "--homeserver-url", "http://hs:1", "--database", "postgresql://u:swordfish@h/n")
    result = init("--force", answers="\n" * 5)
    assert result.exit_code == 0, result.output
    assert "[example.org]" in result.output
    assert "[http://hs:1]" in result.output
    assert "swordfish" not in result.output
    settings, _ = written()
    assert settings.database_url == "postgresql://u:swordfish@h/n"


def test_new_tokens_are_made_only_when_asked_for() -> None:
    init("--yes", *NAME)
    _, before = written()
    assert init("--new-tokens").exit_code == 0
    _, after = written()
    assert len({before.as_token, before.hs_token, after.as_token, after.hs_token}) == 4


def test_a_changed_rialto_yaml_changes_the_registration_but_not_its_tokens(tmp_path: Path) -> None:
    init("--yes", *NAME)
    _, before = written()
    path = tmp_path / "local" / "rialto.yaml"
    text = path.read_text(encoding="utf-8").replace("example.org", "other.org")
    path.write_text(text.replace("registration.yaml", "registration.yaml\n  prefix: gate"), encoding="utf-8")
    assert init().exit_code == 0
    _, after = written()
    assert (after.sender_localpart, after.users[0].regex) == ("gate", r"@gate_.*:other\.org")
    assert (after.id, after.as_token, after.hs_token) == (before.id, before.as_token, before.hs_token)


def test_a_secret_file_is_kept_in_use(tmp_path: Path) -> None:
    init("--yes", *NAME)
    path = tmp_path / "local" / "rialto.yaml"
    (tmp_path / "local" / "url").write_text("sqlite:///other.db", encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace("database: sqlite:///rialto.db", "database_file: url"))
    assert init("--yes", "--force").exit_code == 0
    assert written()[0].database_url.endswith("/local/other.db")


def test_a_broken_old_file_is_not_written_over(tmp_path: Path) -> None:
    init("--yes", *NAME)
    for name in ("rialto.yaml", "registration.yaml"):
        path = tmp_path / "local" / name
        good = path.read_text(encoding="utf-8")
        path.write_text(good + "\tx: [\n", encoding="utf-8")
        result = init("--yes", "--force")
        assert result.exit_code == 1
        assert f"{name}:{good.count(chr(10)) + 1}: a tab" in result.output
        assert path.read_text(encoding="utf-8") == good + "\tx: [\n"
        path.write_text(good, encoding="utf-8")


def test_a_foreign_file_in_the_folder_stays(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    (folder / "theirs").write_text("x", encoding="utf-8")
    assert init("etc", "--yes", *NAME).exit_code == 0
    assert (folder / "theirs").read_text(encoding="utf-8") == "x"
    assert mode(folder) == 0o755


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "is a file" in init("file", "--yes", *NAME).output
    result = init("file/local", "--yes", *NAME)
    assert result.exit_code == 1
    assert result.output == "Error: file/local: Not a directory: choose another DIR\n"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "new \ud800")
    assert path.read_text(encoding="utf-8") == "old"
    link = tmp_path / "link"
    link.symlink_to(path)
    write_private(link, "new")
    assert link.is_symlink()
    assert (path.read_text(encoding="utf-8"), mode(path)) == ("new", 0o600)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link", "secret"]
