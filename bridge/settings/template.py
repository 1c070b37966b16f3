"""The small, commented rialto.yaml that `rialto init` writes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from io import StringIO

from ruamel.yaml import YAML

from bridge.settings.values import Listen

_PLAIN = re.compile(r"[A-Za-z0-9./][A-Za-z0-9./:@%+_~=-]*")


@dataclass(frozen=True, slots=True)
class Answers:
    """What the operator was asked, and the addresses to listen on that follow from it."""

    server_name: str
    homeserver_url: str
    appservice_url: str
    appservice_listen: Listen
    web_url: str
    web_listen: Listen
    database: str
    database_key: str = "database"
    """Or `database_file`, where `database` is then a path."""


def scalar(value: str) -> str:
    """Return `value` as YAML text, quoted unless it is surely read back as it stands."""
    if _PLAIN.fullmatch(value) and not value.endswith(":") and YAML(typ="safe", pure=True).load(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def rialto_yaml(answers: Answers) -> str:
    """Return a whole rialto.yaml for these answers, in which all other settings have their defaults."""
    return f"""\
# Rialto's settings. Every other setting, with its default, is in config/full.yaml and docs/settings.md;
# `rialto check` tells what is wrong with a file. Paths are taken from this file's folder.

# The Matrix homeserver that Rialto stands beside.
homeserver:
  url: {scalar(answers.homeserver_url)}
  server_name: {scalar(answers.server_name)}

# How the homeserver reaches Rialto, and where Rialto awaits it. The tokens are in the registration.
appservice:
  url: {scalar(answers.appservice_url)}
  listen: {scalar(str(answers.appservice_listen))}
  registration: registration.yaml

# The web page: the address in people's browsers, and where it is served.
web:
  url: {scalar(answers.web_url)}
  listen: {scalar(str(answers.web_listen))}

# sqlite:///file or postgresql://user:password@host/name
{answers.database_key}: {scalar(answers.database)}
"""


def amended(text: str, answers: Answers) -> str:
    """Return an existing rialto.yaml with these answers in it; its comments and all other settings stay."""
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 10_000  # Lines are not wrapped.
    document = yaml.load(text)
    sections: dict[str, dict[str, str]] = {
        "homeserver": {"url": answers.homeserver_url, "server_name": answers.server_name},
        "appservice": {"url": answers.appservice_url, "listen": str(answers.appservice_listen)},
        "web": {"url": answers.web_url, "listen": str(answers.web_listen)},
    }
    for name, keys in sections.items():
        if not isinstance(document.get(name), dict):
            document[name] = {}
        document[name].update({key: value for key, value in keys.items() if document[name].get(key) != value})
    document[answers.database_key] = answers.database
    document.pop("database" if answers.database_key == "database_file" else "database_file", None)
    written = StringIO()
    yaml.dump(document, written)
    return written.getvalue()
