"""What `rialto init` asks, and how each answer is found: an option, an older file, the operator, or the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import click
from sqlalchemy.engine import make_url

from bridge.settings import Listen, values
from bridge.settings.models import Appservice, Web
from bridge.settings.template import Answers

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def _database(value: str) -> str:
    values.database(value, None)
    return value


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to be asked: its place in rialto.yaml, its words, the rule for an answer, and the default."""

    key: tuple[str, ...]
    words: str
    rule: Callable[[str], str]
    default: str | None = None

    @property
    def option(self) -> str:
        """The option that answers it on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def name(self) -> str:
        """The option's name as a parameter."""
        return self.key[-1] if self.key[-1] in ("server_name", "database") else "_".join(self.key)


QUESTIONS = (
    Question(("homeserver", "server_name"), "Your homeserver's name (the end of @you:example.org)", values.server_name),
    Question(("homeserver", "url"), "Where Rialto reaches the homeserver", values.web_address, "http://127.0.0.1:8008"),
    Question(("appservice", "url"), "Where the homeserver reaches Rialto", values.web_address, Appservice().url),
    Question(("web", "url"), "The web page's address in a browser", values.root_address, Web().url),
    Question(("database",), "The database (SQLite file or PostgreSQL)", _database, "sqlite:///rialto.db"),
)


def old_value(old: Mapping[str, Any], key: tuple[str, ...]) -> str | None:
    """Return the text at `key` of a file's data, or None."""
    value: Any = old
    for part in key:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def ask(given: Mapping[str, str | None], old: Mapping[str, Any], *, silent: bool) -> Answers:
    """Return all answers; `given` holds the options. Raises click.UsageError for an answer that breaks its rule."""
    found: dict[str, str] = {}
    secret_file = old_value(old, ("database_file",))
    for question in QUESTIONS:
        if question.name == "database" and given["database"] is None and secret_file is not None:
            found["database"] = secret_file
            continue
        rule = _rule(question, found, old)
        default = old_value(old, question.key) or question.default
        answer = given[question.name]
        if answer is None and not silent:
            found[question.name] = _prompt(question, rule, default)
            continue
        if answer is None and default is None:
            raise click.UsageError(f"{question.option} is needed with --yes: it cannot be guessed")
        try:
            found[question.name] = rule(answer if answer is not None else str(default))
        except ValueError as error:
            raise click.UsageError(f"{question.option}: {error}") from error
    return Answers(
        server_name=found["server_name"],
        homeserver_url=found["homeserver_url"],
        appservice_url=found["appservice_url"],
        appservice_listen=_listen("appservice", found["appservice_url"], old),
        web_url=found["web_url"],
        web_listen=_listen("web", found["web_url"], old),
        database=found["database"],
        database_key="database_file" if secret_file is not None and given["database"] is None else "database",
    )


def _rule(question: Question, found: Mapping[str, str], old: Mapping[str, Any]) -> Callable[[str], str]:
    if question.name != "web_url":
        return question.rule

    def free(value: str) -> str:
        address = question.rule(value)
        if _listen("web", address, old).collides(_listen("appservice", found["appservice_url"], old)):
            raise ValueError("leads to the port on which Rialto awaits the homeserver: choose another port")
        return address

    return free


def _prompt(question: Question, rule: Callable[[str], str], default: str | None) -> str:
    def checked(value: str) -> str:
        try:
            return rule(value.strip())
        except ValueError as error:
            raise click.UsageError(str(error)) from error

    words, hidden = question.words, question.name == "database" and default is not None and _has_password(default)
    if hidden:
        words += " [keep the present one]"
    answer: str = click.prompt(words, default=default, show_default=not hidden, value_proc=checked)
    return answer


def _has_password(database: str) -> bool:
    try:
        return make_url(_database(database)).password is not None
    except ValueError:
        return True  # What is not understood is not shown.


def _listen(section: str, url: str, old: Mapping[str, Any]) -> Listen:
    """Return where to listen for a URL: as before while it stays the same, else at its port if it can lead to us.

    A URL on loopback is served on loopback alone. One with TLS or without a port leads to a proxy, which is
    taken to be on this machine. Any other needs every address.
    """
    default = Appservice().listen if section == "appservice" else Web().listen
    before = old_value(old, (section, "listen"))
    if before is not None and old_value(old, (section, "url")) == url:
        try:
            return Listen.parse(before)
        except ValueError:
            return default
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.port is None:
        return default
    if parts.hostname in LOOPBACK:
        return Listen("::1" if parts.hostname == "::1" else "127.0.0.1", parts.port)
    return Listen("0.0.0.0", parts.port)
