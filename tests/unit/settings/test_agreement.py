"""Settings beside their registration and their machine: what does not fit is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.networks.matrix.registration import Namespace, Registration, make
from bridge.settings import Settings, load
from bridge.settings.agreement import machine_problems, registration_problems, warnings

SMALL = "homeserver: {url: http://h, server_name: example.org}\ndatabase: sqlite:///rialto.db\n"


def settings(folder: Path, text: str = "") -> Settings:
    path = folder / "rialto.yaml"
    path.write_text(SMALL + text, encoding="utf-8")
    path.chmod(0o600)
    return load(path, {})


def beside(folder: Path, change: Callable[[Registration], Registration]) -> list[str]:
    """Return the problems of a registration that fitted before `change`."""
    read = settings(folder)
    good = make(url=read.appservice.url, server_name="example.org", prefix="rialto")
    read.appservice.registration.write_text(change(good).to_yaml(), encoding="utf-8")
    return [str(problem).removeprefix(f"{folder}/registration.yaml:") for problem in registration_problems(read)]


def test_a_registration_made_for_these_settings_fits(tmp_path: Path) -> None:
    assert beside(tmp_path, lambda good: good) == []
    assert beside(tmp_path, lambda good: replace(good, url=good.url + "/", id="other")) == []


MEND = "`rialto init` mends it and keeps the tokens"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"url": "http://h:1"}, f"5: url: is 'http://h:1', but appservice.url is 'http://127.0.0.1:29350': {MEND}"),
        ({"sender_localpart": "bot"}, f"11: sender_localpart: is 'bot', but appservice.prefix is 'rialto': {MEND}"),
        (
            {"users": (Namespace(r"@rialto_.*:other\.org"),)},
            f"21: namespaces.users: no pattern fits @rialto_…:example.org: {MEND}",
        ),
        ({"aliases": ()}, f"23: namespaces.aliases: no pattern fits #rialto_…:example.org: {MEND}"),
        (
            {"aliases": (Namespace("#rialto_.*:example.org", exclusive=False),)},
            "23: namespaces.aliases: must be exclusive, "
            f"or other people may take names that begin with #rialto_: {MEND}",
        ),
        (
            {"users": (Namespace("@.*:example.org"),)},
            f"22: namespaces.users.0: claims other people's names too, such as @someone.else:example.org: {MEND}",
        ),
        ({"rate_limited": True}, f"13: rate_limited: must be false: a bridge speaks for many people; {MEND}"),
        ({"receive_ephemeral": False}, f"15: receive_ephemeral: must be true, for typing and read receipts; {MEND}"),
        (
            {"unstable_ephemeral": True},
            "18: de.sorunome.msc2409.push_ephemeral: remove it: "
            "beside receive_ephemeral all that it brings would come twice",
        ),
        (
            {"manages_devices": False},
            f"17: io.element.msc4190: must be true, so that nothing is said twice after a homeserver's restart; {MEND}",
        ),
    ],
)
def test_what_does_not_fit_has_its_line(tmp_path: Path, change: dict[str, object], problem: str) -> None:
    assert beside(tmp_path, lambda good: replace(good, **change)) == [problem]  # type: ignore[arg-type]


def test_a_missing_or_broken_registration(tmp_path: Path) -> None:
    read = settings(tmp_path)
    path = read.appservice.registration
    assert [str(p) for p in registration_problems(read)] == [f"{path}: there is no such file: `rialto init` writes it"]
    path.write_text("id: [\n", encoding="utf-8")
    (problem,) = registration_problems(read)
    assert str(problem).startswith(f"{path}:2: is not YAML")


def test_a_database_folder_that_is_not_there(tmp_path: Path) -> None:
    path = settings(tmp_path).path
    path.write_text(SMALL.replace("rialto.db", "data/rialto.db"), encoding="utf-8")
    (problem,) = machine_problems(load(path, {}))
    assert str(problem) == f"{path}:2: database: the folder {tmp_path}/data does not exist: make it"
    (tmp_path / "data" / "rialto.db").mkdir(parents=True)
    (problem,) = machine_problems(load(path, {}))
    assert problem.message == f"{tmp_path}/data/rialto.db is a folder: name a file"


def test_a_database_folder_that_cannot_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    read = settings(tmp_path)
    tmp_path.chmod(0o500)
    try:
        (problem,) = machine_problems(read)
        assert "cannot be written" in problem.message
    finally:
        tmp_path.chmod(0o700)


def test_a_database_of_another_machine_asks_nothing_of_this_one(tmp_path: Path) -> None:
    path = settings(tmp_path).path
    path.write_text(SMALL.replace("sqlite:///rialto.db", "postgresql://u:pw@h/n"), encoding="utf-8")
    assert list(machine_problems(load(path, {}))) == []



def test_two_listens_on_one_port(tmp_path: Path) -> None:
    read = settings(tmp_path, "web:\n  listen: 0.0.0.0:29350\n")
    assert [str(p) for p in machine_problems(read)] == [
        f"{read.path}:4: web.listen: 0.0.0.0:29350 is taken by appservice.listen 127.0.0.1:29350: choose another port"
    ]


def test_files_that_others_may_read_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:///x.db", encoding="utf-8")
    path = settings(tmp_path).path
    path.write_text(SMALL.replace("database: sqlite:///rialto.db", "database_file: url"), encoding="utf-8")
    (tmp_path / "registration.yaml").touch()
    read = load(path, {})
    for name, mode in (("rialto.yaml", 0o640), ("registration.yaml", 0o604), ("url", 0o600)):
        (tmp_path / name).chmod(mode)
    assert [str(warning) for warning in warnings(read)] == [
        f"{path}: others may read it (mode 0640): chmod 600 {path}",
        f"{tmp_path}/registration.yaml: others may read it (mode 0604): chmod 600 {tmp_path}/registration.yaml",
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("appservice: {url: 'http://127.0.0.1:29351'}\n", 1),
        ("web: {url: 'http://localhost'}\n", 1),
        ("appservice: {url: 'http://rialto:29351'}\nweb: {url: 'https://localhost'}\n", 0),
    ],
)
def test_a_url_of_this_machine_that_leads_to_another_port_is_warned_of(tmp_path: Path, text: str, count: int) -> None:
    found = [str(warning) for warning in warnings(settings(tmp_path, text))]
    assert len(found) == count
    assert all("leads to port" in warning for warning in found)
