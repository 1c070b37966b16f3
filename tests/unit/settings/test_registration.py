"""The registration: made as homeservers want it, read back the same, and wrong ones told by line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource
from ruamel.yaml import YAML

from bridge.networks.matrix import registration
from bridge.networks.matrix.registration import BadFile, Namespace, Registration, load, make, read_yaml

SPEC = Path(__file__).parents[4] / "shared" / "spec" / "api" / "application-service" / "definitions"


def made() -> Registration:
    return make(url="http://127.0.0.1:29350", server_name="example.org:8448", prefix="rialto")


def broken(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """Return the problems of a good registration after `changes`, as lines without the folder."""
    tokens = {"as_token": "a" * 64, "hs_token": "b" * 64}
    text = replace(made(), **tokens).to_yaml()  # type: ignore[arg-type]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "registration.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        load(path)
    return [str(problem).removeprefix(f"{folder}/registration.yaml:") for problem in caught.value.problems]


def test_what_is_made_is_what_the_homeserver_needs() -> None:
    data = made().to_dict()
    assert {key: data[key] for key in data if not key.endswith("_token")} == {
        "id": "rialto",
        "url": "http://127.0.0.1:29350",
        "sender_localpart": "rialto",
        "rate_limited": False,
        "receive_ephemeral": True,
        "io.element.msc4190": True,
        "protocols": [],
        "namespaces": {
            "users": [{"exclusive": True, "regex": r"@rialto_.*:example\.org:8448"}],
            "aliases": [{"exclusive": True, "regex": r"#rialto_.*:example\.org:8448"}],
            "rooms": [],
        },
    }
    assert len({data["as_token"], data["hs_token"], made().as_token}) == 3
    assert len(data["as_token"]) == len(data["hs_token"]) == 64


def test_tokens_that_are_given_stay_and_are_never_shown() -> None:
    kept = make(url="http://h", server_name="a.b", prefix="x", as_token="s" * 20, hs_token="t" * 20)
    assert (kept.as_token, kept.hs_token) == ("s" * 20, "t" * 20)
    assert "ssss" not in repr(kept)
    assert "tttt" not in repr(kept)


def test_dots_and_dashes_in_names_are_no_patterns() -> None:
    odd = make(url="http://h", server_name="my-server.org", prefix="my.bot-1")
    (users,), (aliases,) = odd.users, odd.aliases
    assert users.claims("@my.bot-1_p0:my-server.org")
    assert not users.claims("@myxbot-1_p0:my-server.org")
    assert not users.claims("@my.bot-1_p0:my-serverxorg")
    assert not users.claims("@my.bot-1:my-server.org")
    assert aliases.claims("#my.bot-1_lobby:my-server.org")


@pytest.mark.parametrize("odd", ["it's", '"quoted"', "back\\slash", "ünïcode", "# no comment", "{}"])
def test_written_and_read_back_it_is_the_same(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "registration.yaml"
    whole = replace(
        made(),
        id=odd,
        url=f"http://h/{odd}",
        aliases=(Namespace("#'.*", exclusive=False), Namespace("#\\.x", exclusive=True)),
        rooms=(Namespace("!a"),),
        protocols=("irc", odd),
        rate_limited=True,
        receive_ephemeral=False,
        unstable_ephemeral=True,
        manages_devices=False,
    )
    path.write_text(whole.to_yaml(), encoding="utf-8")
    assert load(path) == whole
    assert YAML(typ="safe", pure=True).load(whole.to_yaml()).get("id") == odd


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('id: "rialto"', "id: 5", "3: id: must be a text"),
        ('url: "http://127.0.0.1:29350"', "url:", "5: url: must be a text"),
        (
            f'as_token: "{"a" * 64}"',
            "as_token: short",
            "8: as_token: is too short for a secret: `rialto init` makes a good one",
        ),
        (f'hs_token: "{"b" * 64}"', 'hs_token: ""', "9: hs_token: must be a text"),
        ("b" * 64, "b b" * 20, "9: hs_token: must be letters, digits and signs without spaces"),
        ("b" * 64, "a" * 64, "9: hs_token: must differ from as_token: `rialto init --new-tokens`"),
        ("rate_limited: false", "rate_limited: no", "13: rate_limited: must be true or false"),
        ("protocols: []", "protocols: irc", "18: protocols: must be a list of names, such as []"),
        ("  users:", "  users: x\n  others:", "21: namespaces.users: must be a list of {exclusive: …, regex: …}"),
        ("exclusive: true, regex: '@", "regex: '@", "22: namespaces.users.0: must be {exclusive: true, regex: '…'}"),
        (
            "'@rialto_.*:",
            "'@rialto_(.*:",
            "22: namespaces.users.0: regex: is no regular expression: missing ), unterminated subpattern",
        ),
    ],
)
def test_each_problem_has_its_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert broken(tmp_path, (old, new)) == [problem]


def test_problems_are_told_together_and_typing_errors_guessed(tmp_path: Path) -> None:
    found = broken(
        tmp_path, ("hs_token:", "hs_tokn:"), ("namespaces:", "namespace:"), ("receive_ephemeral", "recieve_ephemeral")
    )
    assert found == [
        "1: hs_token: is missing: `rialto init` writes a whole registration",
        "1: namespaces: must be a section with users and aliases",
        "9: hs_tokn: unknown key (did you mean 'hs_token'?)",
        "15: recieve_ephemeral: unknown key (did you mean 'receive_ephemeral'?)",
        "20: namespace: unknown key (did you mean 'namespaces'?)",
    ]
    assert not any("aaaa" in line or "bbbb" in line for line in found)


def test_other_peoples_extensions_are_let_be(tmp_path: Path) -> None:
    path = tmp_path / "registration.yaml"
    path.write_text(made().to_yaml() + "org.matrix.msc3202: true\nx.y: {z: 1}\n", encoding="utf-8")
    assert load(path).id == "rialto"


def test_a_repeated_token_is_not_printed(tmp_path: Path) -> None:
    assert broken(tmp_path, ("hs_token:", "as_token:")) == ["9: as_token: appears twice: keep one of the two"]


@pytest.mark.parametrize("odd", ["a: &a {b: 1, <<: *a}", "a: 2026-99-99", "a: !!int x", "a: " + "[" * 3000])
def test_yaml_that_the_library_stumbles_over(tmp_path: Path, odd: str) -> None:
    (tmp_path / "odd.yaml").write_text(odd, encoding="utf-8")
    with pytest.raises(BadFile, match="is YAML of a kind that cannot be used here"):
        read_yaml(tmp_path / "odd.yaml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"nothing\.yaml: there is no such file"):
        registration.load(tmp_path / "nothing.yaml")


def test_the_specification_agrees() -> None:
    if not SPEC.is_dir():
        pytest.skip(f"the specification's data is not at {SPEC}")
    read = YAML(typ="safe", pure=True)
    schema = read.load(SPEC / "registration.yaml")
    parts = [(name, Resource.from_contents(read.load(SPEC / name))) for name in ("namespace_list.yaml",)]
    registry: Registry[object] = Registry().with_resources(parts)
    validator = Draft202012Validator(schema, registry=registry)
    assert list(validator.iter_errors(made().to_dict())) == []
    assert list(validator.iter_errors({**made().to_dict(), "namespaces": []})) != []


def test_synapse_reads_it(tmp_path: Path) -> None:
    appservice = pytest.importorskip("synapse.config.appservice", reason="matrix-synapse is not installed")
    path = tmp_path / "registration.yaml"
    path.write_text(made().to_yaml(), encoding="utf-8")
    (service,) = appservice.load_appservices("example.org:8448", [str(path)])
    assert service.id == "rialto"
    assert service.sender.to_string() == "@rialto:example.org:8448"
    assert service.is_interested_in_user("@rialto_p1:example.org:8448")
    assert service.is_exclusive_alias("#rialto_lobby:example.org:8448")
    assert not service.is_exclusive_user("@alice:example.org:8448")
    assert service.supports_ephemeral
    assert service.msc4190_device_management
    assert not service.is_rate_limited()
