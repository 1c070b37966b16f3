"""The registration that Rialto and the homeserver share: made, written, and read with the line of every problem.

The YAML reader that gives those lines is here too, because the settings, one layer above, read with it as well.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from bridge.model.errors import RialtoError

DEVICES_KEY = "io.element.msc4190"
UNSTABLE_EPHEMERAL_KEY = "de.sorunome.msc2409.push_ephemeral"
SHORTEST_TOKEN = 16
"""Fewer characters than this are a placeholder or can be guessed."""

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where; as text it is `file:line: key: message`."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class BadFile(RialtoError):
    """A file cannot be used; `problems` holds all that was found in it, in the order of its lines."""

    code: ClassVar[str] = "bad_file"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems, key=lambda p: (p.line is None, p.line or 0)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file read: plain Python values, and the line of each key, counted from 1."""

    path: Path
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]

    def line(self, key: KeyPath) -> int:
        """Return the line of `key`, or of the nearest section around it that the file has."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def problem(self, key: KeyPath, message: str) -> Problem:
        """Return `message` as a problem of this file, placed at `key`."""
        return Problem(str(self.path), self.line(key), ".".join(map(str, key)), message)


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return ` (did you mean 'x'?)` for the closest of `known`, or nothing when none is close."""
    folded = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), folded, n=1, cutoff=cutoff)
    return f" (did you mean '{folded[close[0]]}'?)" if close else ""


# What the library raises, beside its own errors, for anchors that hold themselves, dates that are none, and so on.
_ODD = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
_TOO_ODD = "is YAML of a kind that cannot be used here: write plain `key: value` lines, without anchors and tags"


def read_yaml(path: Path) -> Document:
    """Read a YAML file whose top is a mapping; empty is {}. Raises BadFile, which quotes no value."""
    text = _text(path)
    try:
        loaded = YAML(typ="rt", pure=True).load(StringIO(text))
    except YAMLError as error:
        raise BadFile([_syntax_problem(path, text, error)]) from error
    except _ODD as error:
        raise BadFile([Problem(str(path), None, "", _TOO_ODD)]) from error
    if loaded is None:
        return Document(path, {}, {})
    if not isinstance(loaded, CommentedMap):
        raise BadFile([Problem(str(path), 1, "", "must be a list of `key: value` lines")])
    lines: dict[KeyPath, int] = {}
    try:
        return Document(path, _plain(loaded, (), lines), lines)
    except RecursionError as error:
        raise BadFile([Problem(str(path), None, "", _TOO_ODD)]) from error


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise BadFile([Problem(str(path), None, "", "there is no such file")]) from error
    except OSError as error:
        raise BadFile([Problem(str(path), None, "", f"cannot be read: {error.strerror}")]) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadFile([Problem(str(path), line, "", "is not UTF-8 text")]) from error


def _syntax_problem(path: Path, text: str, error: YAMLError) -> Problem:
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(str(path), line, "", f"holds the character U+{ord(text[error.position]):04X}: remove it")
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    line = mark.line + 1 if mark is not None else 1
    problem = str(getattr(error, "problem", None) or "cannot be understood")
    if isinstance(error, DuplicateKeyError):
        # The library's own message repeats the value, which may be a token.
        name = re.match(r'found duplicate key "([^"]*)"', problem)
        return Problem(str(path), line, name[1] if name else "", "appears twice: keep one of the two")
    if r"'\t'" in problem:
        return Problem(str(path), line, "", "a tab: YAML wants spaces for indentation")
    return Problem(str(path), line, "", f"is not YAML: {problem}")


def _plain(value: Any, at: KeyPath, lines: dict[KeyPath, int]) -> Any:
    """Return `value` without the library's own types, and note the line of everything in it."""
    if isinstance(value, CommentedMap):
        for name in value:
            if name in value.lc.data:
                lines[*at, str(name)] = value.lc.key(name)[0] + 1
        return {str(name): _plain(item, (*at, str(name)), lines) for name, item in value.items()}
    if isinstance(value, CommentedSeq):
        for index in range(len(value)):
            lines[*at, index] = value.lc.item(index)[0] + 1
        return [_plain(item, (*at, index), lines) for index, item in enumerate(value)]
    if isinstance(value, TaggedScalar):
        return str(value.value)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A pattern of user IDs, aliases or room IDs; `exclusive` keeps everybody else from using them."""

    regex: str
    exclusive: bool = True

    def claims(self, name: str) -> bool:
        """Tell whether the homeserver would count `name` as ours (Synapse anchors the start only)."""
        return re.match(self.regex, name) is not None


@dataclass(frozen=True, slots=True)
class Registration:
    """What the homeserver knows of Rialto (application service specification, "Registration")."""

    id: str
    url: str
    as_token: str = field(repr=False)
    hs_token: str = field(repr=False)
    sender_localpart: str
    users: tuple[Namespace, ...]
    aliases: tuple[Namespace, ...]
    rooms: tuple[Namespace, ...] = ()
    protocols: tuple[str, ...] = ()
    rate_limited: bool = False
    receive_ephemeral: bool = True
    unstable_ephemeral: bool = False
    manages_devices: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return the keys and values of the file, ready for JSON or YAML."""
        kinds = {"users": self.users, "aliases": self.aliases, "rooms": self.rooms}
        return {
            "id": self.id,
            "url": self.url,
            "as_token": self.as_token,
            "hs_token": self.hs_token,
            "sender_localpart": self.sender_localpart,
            "rate_limited": self.rate_limited,
            "receive_ephemeral": self.receive_ephemeral,
            DEVICES_KEY: self.manages_devices,
            **({UNSTABLE_EPHEMERAL_KEY: True} if self.unstable_ephemeral else {}),
            "protocols": list(self.protocols),
            "namespaces": {
                kind: [{"exclusive": space.exclusive, "regex": space.regex} for space in spaces]
                for kind, spaces in kinds.items()
            },
        }

    def to_yaml(self) -> str:
        """Return the commented file; JSON's quoting of a value is YAML's too."""
        lines = ["# Rialto's registration: name this file in the homeserver's app_service_config_files."]
        for key, value in self.to_dict().items():
            lines += [f"# {comment}" for comment in _COMMENTS.get(key, ())]
            if key != "namespaces":
                lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
                continue
            lines.append("namespaces:")
            for kind, spaces in value.items():
                lines.append(f"  {kind}:" if spaces else f"  {kind}: []")
                lines += [
                    f"    - {{exclusive: {json.dumps(s['exclusive'])}, regex: {_quoted(s['regex'])}}}" for s in spaces
                ]
        return "\n".join(lines) + "\n"


_COMMENTS: dict[str, tuple[str, ...]] = {
    "id": ("The homeserver remembers its place in our queue by this: never change it.",),
    "url": ("How the homeserver reaches Rialto: the same as appservice.url in rialto.yaml.",),
    "as_token": (
        "The two secrets: Rialto shows the first to the homeserver, the homeserver the second to Rialto.",
        "`rialto init` makes them; keep this file from other people's eyes.",
    ),
    "sender_localpart": ("The bot; the same as appservice.prefix in rialto.yaml.",),
    "rate_limited": ("A bridge speaks for many people at once.",),
    "receive_ephemeral": ("Typing and read receipts.",),
    DEVICES_KEY: ("Ghosts have a device, so that nothing is said twice after a homeserver's restart (MSC4190).",),
    "namespaces": ("The ghosts and aliases that are Rialto's alone.",),
}


def _quoted(text: str) -> str:
    """Return `text` in YAML's single quotes, in which a backslash is only a backslash."""
    return "'" + text.replace("'", "''") + "'"


def make(
    *, url: str, server_name: str, prefix: str, as_token: str | None = None, hs_token: str | None = None
) -> Registration:
    """Return a registration for ghosts `@<prefix>_…` and aliases `#<prefix>_…`; makes tokens not given (384 bits)."""
    ours, here = re.escape(f"{prefix}_"), re.escape(server_name)
    return Registration(
        id="rialto",
        url=url,
        as_token=as_token or secrets.token_urlsafe(48),
        hs_token=hs_token or secrets.token_urlsafe(48),
        sender_localpart=prefix,
        users=(Namespace(f"@{ours}.*:{here}"),),
        aliases=(Namespace(f"#{ours}.*:{here}"),),
    )


def load(path: Path) -> Registration:
    """Read a registration file. Raises BadFile with every problem as `file:line: key: message`, without its secrets."""
    return parse(read_yaml(path))


_REQUIRED = ("id", "url", "as_token", "hs_token", "sender_localpart", "namespaces")
_FLAGS = ("rate_limited", "receive_ephemeral", DEVICES_KEY, UNSTABLE_EPHEMERAL_KEY)
_KNOWN = (*_REQUIRED, *_FLAGS, "protocols")


def parse(document: Document) -> Registration:
    """Return the registration in a document. Raises BadFile; keys of other people's extensions are let be."""
    problems: list[Problem] = []
    data = document.data
    texts = {key: _required_text(document, key, problems) for key in _REQUIRED if key != "namespaces"}
    flags = {key: _flag(document, key, problems) for key in _FLAGS}
    spaces = {kind: _namespaces(document, kind, problems) for kind in ("users", "aliases", "rooms")}
    protocols = data.get("protocols") or []
    if not (isinstance(protocols, list) and all(isinstance(name, str) for name in protocols)):
        problems.append(document.problem(("protocols",), "must be a list of names, such as []"))
    for key in data.keys() - set(_KNOWN):
        if guess := did_you_mean(key, [name for name in _KNOWN if name not in data], cutoff=0.8):
            problems.append(document.problem((key,), f"unknown key{guess}"))
    if texts["as_token"] and texts["as_token"] == texts["hs_token"]:
        problems.append(document.problem(("hs_token",), "must differ from as_token: `rialto init --new-tokens`"))
    if problems:
        raise BadFile(problems)
    return Registration(
        id=texts["id"],
        url=texts["url"],
        as_token=texts["as_token"],
        hs_token=texts["hs_token"],
        sender_localpart=texts["sender_localpart"],
        users=spaces["users"],
        aliases=spaces["aliases"],
        rooms=spaces["rooms"],
        protocols=tuple(protocols),
        rate_limited=flags["rate_limited"] is not False,  # The specification's default is true.
        receive_ephemeral=flags["receive_ephemeral"] is True,
        unstable_ephemeral=flags[UNSTABLE_EPHEMERAL_KEY] is True,
        manages_devices=flags[DEVICES_KEY] is True,
    )


def _required_text(document: Document, key: str, problems: list[Problem]) -> str:
    value = document.data.get(key)
    if key not in document.data:
        problems.append(document.problem((key,), "is missing: `rialto init` writes a whole registration"))
    elif not isinstance(value, str) or not value:
        problems.append(document.problem((key,), "must be a text"))
    elif key.endswith("_token") and not re.fullmatch(r"[\x21-\x7e]+", value):
        problems.append(document.problem((key,), "must be letters, digits and signs without spaces"))
    elif key.endswith("_token") and len(value) < SHORTEST_TOKEN:
        problems.append(document.problem((key,), "is too short for a secret: `rialto init` makes a good one"))
    else:
        return value
    return ""


def _flag(document: Document, key: str, problems: list[Problem]) -> bool | None:
    value = document.data.get(key)
    if value is None or isinstance(value, bool):
        return value
    problems.append(document.problem((key,), "must be true or false"))
    return None


def _namespaces(document: Document, kind: str, problems: list[Problem]) -> tuple[Namespace, ...]:
    found: list[Namespace] = []
    spaces = document.data.get("namespaces")
    if "namespaces" not in document.data or not isinstance(spaces, dict):
        if kind == "users":  # Said once, not for each kind.
            problems.append(document.problem(("namespaces",), "must be a section with users and aliases"))
        return ()
    items = spaces.get(kind) or []
    if not isinstance(items, list):
        problems.append(document.problem(("namespaces", kind), "must be a list of {exclusive: …, regex: …}"))
        return ()
    for index, item in enumerate(items):
        key = ("namespaces", kind, index)
        regex, exclusive = (item.get("regex"), item.get("exclusive")) if isinstance(item, dict) else (None, None)
        if not isinstance(regex, str) or not isinstance(exclusive, bool):
            problems.append(document.problem(key, "must be {exclusive: true, regex: '…'}"))
            continue
        try:
            re.compile(regex)
        except re.error as error:
            problems.append(document.problem(key, f"regex: is no regular expression: {error.msg}"))
        else:
            found.append(Namespace(regex, exclusive))
    return tuple(found)
