"""The settings for signing in with an account elsewhere: a list of sections, each with a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.settings import load, values
from bridge.settings.agreement import warnings
from tests.unit.settings.test_loading import SMALL, problems, write

PROVIDER = """\
  - id: keycloak
    title: Example SSO
    issuer: https://id.example.org/realms/main/
    client_id: rialto
"""


def test_nothing_is_offered_at_first(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SMALL), {}).sign_in
    assert (settings.oidc, settings.matrix, settings.matrix_signup) == ([], "off", None)


def test_a_provider_with_its_secret_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("very secret\n")
    secret.chmod(0o600)
    text = SMALL + "sign_in:\n  matrix: both\n  matrix_signup: false\n  oidc:\n" + PROVIDER
    settings = load(write(tmp_path, text + "    client_secret_file: secret\n    signup: true\n"), {})
    (provider,) = settings.sign_in.oidc
    assert (settings.sign_in.matrix, settings.sign_in.matrix_signup) == ("both", False)
    assert provider.issuer == "https://id.example.org/realms/main/"
    assert (provider.client_secret, provider.scopes, provider.signup) == ("very secret", ["openid", "profile"], True)
    assert "very secret" not in f"{settings!r} {settings.sign_in} {provider}"
    secret.chmod(0o644)
    told = [str(warning) for warning in warnings(settings) if str(warning).startswith(str(secret))]
    assert told == [f"{secret}: others may read it (mode 0644): chmod 600 {secret}"]


def test_what_is_wrong_is_said_at_its_line(tmp_path: Path) -> None:
    text = SMALL + (
        "sign_in:\n"
        "  matrix: passwort\n"
        "  matrix_signup: perhaps\n"
        "  oidc:\n"
        "  - id: matrix\n"
        "    titel: x\n"
        "    issuer: http://id.example.org\n"
        "    client_id: ''\n"
        "    client_secret: [secret]\n"
        "    scopes: [profile, 'a b']\n"
        "  - rubbish\n"
        "  - id: ok\n"
        "    title: t\n"
        "    issuer: https://id.example.org\n"
        "    client_id: c\n"
        "    client_secret: hidden\n"
        "    client_secret_file: nowhere\n"
        "    server_name: x\n"
    )
    assert problems(tmp_path, text) == [
        "rialto.yaml:6: sign_in.matrix: must be off, password, sso or both, not 'passwort' (did you mean 'password'?)",
        "rialto.yaml:7: sign_in.matrix_signup: must be true or false, not 'perhaps'",
        "rialto.yaml:9: sign_in.oidc.0.id: 'matrix' is the homeserver's own: choose another, and see sign_in.matrix",
        "rialto.yaml:9: sign_in.oidc.0.title: is missing: What people see on the button (such as Example SSO)",
        "rialto.yaml:10: sign_in.oidc.0.titel: unknown key (did you mean 'title'?)",
        "rialto.yaml:11: sign_in.oidc.0.issuer: must begin with https://: whoever can change what it answers can sign "
        "in as anybody",
        "rialto.yaml:12: sign_in.oidc.0.client_id: must not be empty",
        "rialto.yaml:13: sign_in.oidc.0.client_secret: must be a text",
        "rialto.yaml:14: sign_in.oidc.0.scopes.1: must be one scope without spaces, such as profile",
        "rialto.yaml:15: sign_in.oidc.1: must be a section with the keys id, title, issuer, client_id, client_secret, "
        "client_secret_file, scopes, signup, not 'rubbish'",
        "rialto.yaml:21: sign_in.oidc.2.client_secret_file: stands beside client_secret: keep one of the two",
        "rialto.yaml:22: sign_in.oidc.2.server_name: unknown key (did you mean 'homeserver.server_name'?)",
    ]


def test_no_secret_is_shown(tmp_path: Path) -> None:
    text = SMALL + "sign_in:\n  oidc:\n" + PROVIDER + "    client_secret: {a: hidden}\n"
    assert all("hidden" not in problem for problem in problems(tmp_path, text))
    text = SMALL + "sign_in:\n  oidc:\n" + PROVIDER + "    client_secret_file: nowhere\n"
    assert problems(tmp_path, text) == [
        "rialto.yaml:11: sign_in.oidc.0.client_secret_file: 'nowhere' cannot be read: No such file or directory"
    ]


def test_each_provider_stands_there_once(tmp_path: Path) -> None:
    twice = SMALL + "sign_in:\n  oidc:\n" + PROVIDER + PROVIDER
    assert problems(tmp_path, twice) == [
        "rialto.yaml:6: sign_in.oidc: names the id 'keycloak' twice: each provider stands there once"
    ]
    same = PROVIDER.replace("keycloak", "other").replace("main/", "main")
    assert (
        "names the issuer 'https://id.example.org/realms/main' twice"
        in problems(tmp_path, SMALL + "sign_in:\n  oidc:\n" + PROVIDER + same)[0]
    )


def test_openid_is_among_the_scopes(tmp_path: Path) -> None:
    text = SMALL + "sign_in:\n  oidc:\n" + PROVIDER + "    scopes: [profile]\n"
    assert problems(tmp_path, text) == [
        "rialto.yaml:11: sign_in.oidc.0.scopes: must hold openid: without it the provider does not say who somebody is"
    ]


def test_the_environment_gives_lists(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL)
    environ = {
        "RIALTO_SIGN_IN__OIDC": "[{id: k, title: K, issuer: 'https://k.example', client_id: c, client_secret: s}]",
        "RIALTO_SIGN_IN__MATRIX_SIGNUP": "true",
        "RIALTO_ROOMS__MODERATORS": "['@ada:example.org']",
    }
    settings = load(path, environ)
    assert [(provider.id, provider.client_secret) for provider in settings.sign_in.oidc] == [("k", "s")]
    assert (settings.sign_in.matrix_signup, settings.rooms.moderators) == (True, ["@ada:example.org"])
    for text in ("none", "[", "7"):
        found = problems(tmp_path, SMALL, {"RIALTO_ROOMS__MODERATORS": text})
        assert found == [
            f"environment: RIALTO_ROOMS__MODERATORS: must be a list, not {'7' if text == '7' else repr(text)}"
        ]


@pytest.mark.parametrize(
    "issuer", ["https://accounts.google.com", "https://a.b/c/", "http://127.0.0.1:9/x", "http://[::1]"]
)
def test_issuers(issuer: str) -> None:
    assert values.issuer(issuer) == issuer


@pytest.mark.parametrize(
    ("issuer", "remedy"),
    [
        ("id.example.org", "did you mean"),
        ("http://id.example.org", "https://"),
        ("http://127.example.org", "https://"),
        ("https://id.example.org/.well-known/openid-configuration", "must end before /.well-known"),
        ("https://id.example.org/?a=b", "must end before the"),
        ("https://id.example.org/" + "x" * 300, "at most 255"),
    ],
)
def test_issuer_refusals(issuer: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        values.issuer(issuer)
