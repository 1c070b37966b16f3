"""Reading the settings: the file, the environment, secrets from files, and every problem at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.settings import Listen, Settings, SettingsError, load
from bridge.settings.loading import variables

SMALL = """\
homeserver:
  url: http://127.0.0.1:8008/
  server_name: example.org
database: sqlite:///rialto.db
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "rialto.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    """Return the problems as lines, without the folder."""
    with pytest.raises(SettingsError) as caught:
        load(write(folder, text), environ or {})
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_three_lines_are_enough(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SMALL), {})
    assert settings.homeserver.url == "http://127.0.0.1:8008"
    assert settings.appservice.listen == Listen("127.0.0.1", 29350)
    assert settings.appservice.registration == tmp_path / "registration.yaml"
    assert settings.database_url == f"sqlite:///{tmp_path}/rialto.db"
    assert settings.path == tmp_path / "rialto.yaml"
    assert (settings.limits.messages_per_second, settings.limits.burst) == (5, 20)
    assert (settings.rooms.mirror, settings.log.level) == ("public", "info")


def test_a_relative_path_to_the_file_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, SMALL + "appservice: {registration: keys/r.yaml}\n")
    monkeypatch.chdir(tmp_path.parent)
    settings = load(Path(tmp_path.name, "rialto.yaml"), {})
    assert settings.appservice.registration == tmp_path / "keys" / "r.yaml"
    assert settings.path == tmp_path / "rialto.yaml"


def test_a_section_with_all_keys_commented_out_has_its_defaults(tmp_path: Path) -> None:
    assert load(write(tmp_path, SMALL + "limits:\n#  burst: 3\n"), {}).limits.burst == 20


def test_every_problem_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
homeserver:
  url: 127.0.0.1:8008
  server_nam: example.org
appservice:
  listen: 127.0.0.1:99999
web: hello
database: mysql://u:secret@h/x
log: {level: INFO, format: [text]}
rooms:
  mirror: pubic
limits:
  burst: "5"
  messages_per_second: {}
  logins_per_minute: yes please
  joins_per_second: .inf
  sends_per_second: -1
  transaction_bytes: 1000
  mirror: none
limts:
"""
    assert problems(tmp_path, text) == [
        "rialto.yaml:1: homeserver.server_name: is missing: The homeserver's name: the part after the colon in "
        "`@you:example.org` (such as example.org)",
        "rialto.yaml:2: homeserver.url: must be a URL that begins with http:// or https:// "
        "(did you mean 'http://127.0.0.1:8008'?)",
        "rialto.yaml:3: homeserver.server_nam: unknown key (did you mean 'server_name'?)",
        "rialto.yaml:5: appservice.listen: port '99999' is out of range: a port is a number from 1 to 65535",
        "rialto.yaml:6: web: must be a section with the keys url, listen, name, not 'hello'",
        "rialto.yaml:7: database: must begin with sqlite:/// or postgresql://: "
        "Rialto keeps its data in one of these two",
        "rialto.yaml:8: log.level: must be debug, info, warning or error, not 'INFO' (did you mean 'info'?)",
        "rialto.yaml:8: log.format: must be text or json, not a list",
        "rialto.yaml:10: rooms.mirror: must be public or none, not 'pubic' (did you mean 'public'?)",
        "rialto.yaml:12: limits.burst: must be a whole number, not '5'",
        "rialto.yaml:13: limits.messages_per_second: must be a number, not a section",
        "rialto.yaml:14: limits.logins_per_minute: must be a whole number, not 'yes please'",
        "rialto.yaml:15: limits.joins_per_second: must be a number, not infinite",
        "rialto.yaml:16: limits.sends_per_second: must be at least 0, not -1",
        "rialto.yaml:17: limits.transaction_bytes: must be at least 8388608, not 1000",
        "rialto.yaml:18: limits.mirror: unknown key (did you mean 'rooms.mirror'?)",
        "rialto.yaml:19: limts: unknown key (did you mean 'limits'?)",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("homeserver:\n\turl: x\n", "rialto.yaml:2: a tab: YAML wants spaces for indentation"),
        ("a: 1\nb: {c: 1\n", "rialto.yaml:3: is not YAML: expected ',' or '}', but got '<stream end>'"),
        ("- a\n", "rialto.yaml:1: must be a list of `key: value` lines"),
        ("just words\n", "rialto.yaml:1: must be a list of `key: value` lines"),
        ("a: 1\nb: x\x00\n", "rialto.yaml:2: holds the character U+0000: remove it"),
        ("database: 1\ndatabase: secret\n", "rialto.yaml:2: database: appears twice: keep one of the two"),
        ("a: *b\n", "rialto.yaml:1: is not YAML: found undefined alias 'b'"),
    ],
)
def test_what_is_not_yaml(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path, "cannot be read: Is a directory"),
    ):
        with pytest.raises(SettingsError) as caught:
            load(path, {})
        assert str(caught.value) == f"{path}: {reason}"
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(SettingsError, match=r"latin\.yaml:2: is not UTF-8 text"):
        load(path, {})


def test_an_empty_file_lacks_the_three_needed_keys(tmp_path: Path) -> None:
    found = problems(tmp_path, "")
    assert [line.split(": ")[1] for line in found] == ["homeserver.url", "homeserver.server_name", "database"]
    assert all(line.startswith("rialto.yaml:1: ") for line in found)


def test_a_key_without_a_value(tmp_path: Path) -> None:
    assert problems(tmp_path, SMALL.replace("example.org", "")) == [
        "rialto.yaml:3: homeserver.server_name: has no value"
    ]


def test_a_number_where_a_text_is_wanted(tmp_path: Path) -> None:
    assert problems(tmp_path, SMALL + "appservice: {prefix: 5, url: {}}\n") == [
        "rialto.yaml:5: appservice.url: must be a text, not a section",
        "rialto.yaml:5: appservice.prefix: must be a text, not 5",
    ]


def test_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "rialto.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(path, {}).homeserver.server_name == "example.org"


def test_the_environment_counts_before_the_file(tmp_path: Path) -> None:
    environ = {
        "RIALTO_HOMESERVER__SERVER_NAME": "other.org",
        "RIALTO_LIMITS__BURST": "44",
        "RIALTO_LIMITS__MESSAGES_PER_SECOND": "2.5",
        "RIALTO_DATABASE": "postgresql://u:pw@h/n",
        "RIALTO_WEB__LISTEN": "0.0.0.0:80",
        "RIALTO_CONFIG": "/elsewhere",
        "RIALTO_CRASH_AT": "appended",
        "HOME": "/",
    }
    settings = load(write(tmp_path, SMALL), environ)
    assert settings.homeserver.server_name == "other.org"
    assert (settings.limits.burst, settings.limits.messages_per_second) == (44, 2.5)
    assert settings.database_url == "postgresql://u:pw@h/n"
    assert settings.web.listen == Listen("0.0.0.0", 80)


def test_the_environment_alone_is_enough(tmp_path: Path) -> None:
    environ = {
        "RIALTO_HOMESERVER__URL": "http://h",
        "RIALTO_HOMESERVER__SERVER_NAME": "example.org",
        "RIALTO_DATABASE": "sqlite:///x.db",
    }
    assert load(write(tmp_path, ""), environ).database_url == f"sqlite:///{tmp_path}/x.db"


def test_the_environments_problems_name_the_variable(tmp_path: Path) -> None:
    environ = {
        "RIALTO_LIMITS__BURST": "many",
        "RIALTO_LIMITS__BURTS": "4",
        "RIALTO_HOMESERVER_URL": "http://h",
        "RIALTO_DATABSE": "x",
        "RIALTO_DATABASE": "mysql://u:secret@h/x",
        "RIALTO_SOMETHING": "ours to ignore",
    }
    assert sorted(problems(tmp_path, SMALL, environ)) == [
        "environment: RIALTO_DATABASE: must begin with sqlite:/// or postgresql://: "
        "Rialto keeps its data in one of these two",
        "environment: RIALTO_DATABSE: unknown setting (did you mean 'RIALTO_DATABASE'?)",
        "environment: RIALTO_HOMESERVER_URL: unknown setting (did you mean 'RIALTO_HOMESERVER__URL'?)",
        "environment: RIALTO_LIMITS__BURST: must be a whole number, not 'many'",
        "environment: RIALTO_LIMITS__BURTS: unknown setting (did you mean 'RIALTO_LIMITS__BURST'?)",
    ]


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = variables()
    assert names["RIALTO_DATABASE_FILE"] == ("database_file",)
    assert names["RIALTO_APPSERVICE__REGISTRATION"] == ("appservice", "registration")
    assert len(set(names.values())) == len(names)
    assert {path[0] for path in names.values()} == set(Settings.model_fields)


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:pw@h/n\n", encoding="utf-8")
    text = SMALL.replace("database: sqlite:///rialto.db", "database_file: url")
    settings = load(write(tmp_path, text), {})
    assert settings.database_url == "postgresql://u:pw@h/n"
    assert settings.database_file == tmp_path / "url"
    assert load(write(tmp_path, SMALL), {"RIALTO_DATABASE_FILE": "url"}).database_url == "postgresql://u:pw@h/n"
    assert load(write(tmp_path, text), {"RIALTO_DATABASE": "sqlite:///y.db"}).database_url.endswith("/y.db")


def test_a_secret_file_that_does_not_serve(tmp_path: Path) -> None:
    text = SMALL.replace("database: sqlite:///rialto.db", "database_file: url")
    assert problems(tmp_path, text) == ["rialto.yaml:4: database_file: 'url' cannot be read: No such file or directory"]
    (tmp_path / "url").write_text(" \n", encoding="utf-8")
    assert problems(tmp_path, text) == ["rialto.yaml:4: database_file: 'url' is empty"]
    (tmp_path / "url").write_text("mysql://u:secret@h/n", encoding="utf-8")
    found = problems(tmp_path, text)
    assert found[0].startswith("rialto.yaml:4: database_file: in that file: must begin with sqlite:///")
    assert "secret" not in found[0]
    assert problems(tmp_path, SMALL + "database_file: url\n") == [
        "rialto.yaml:5: database_file: stands beside database: keep one of the two"
    ]
    assert problems(tmp_path, SMALL.replace("database: sqlite:///rialto.db", "database_file: 5")) == [
        "rialto.yaml:4: database_file: must be a path, not 5"
    ]


def test_no_secret_is_shown(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SMALL), {"RIALTO_DATABASE": "postgresql://u:swordfish@h/n"})
    assert "swordfish" in settings.database_url
    assert "swordfish" not in repr(settings) + str(settings)
    found = problems(tmp_path, SMALL.replace("sqlite:///rialto.db", "[swordfish]"))
    assert found == ["rialto.yaml:4: database: must be a text"]


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings: Settings = load(write(tmp_path, SMALL), {})
    with pytest.raises(ValueError, match="frozen"):
        settings.limits.burst = 4
