"""Read the settings: one YAML file, then the environment, then the files of secrets; report all problems together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bridge.networks.matrix.registration import BadFile, Document, KeyPath, Problem, did_you_mean, read_yaml
from bridge.settings.explain import lists, message, sections
from bridge.settings.models import Settings

PREFIX = "RIALTO_"
_OTHER_VARIABLES = {"RIALTO_CONFIG", "RIALTO_CRASH_AT"}


class SettingsError(BadFile):
    """The settings cannot be used; `problems` has all of them."""

    code: ClassVar[str] = "settings"


def variables() -> dict[str, KeyPath]:
    """Return the environment's name of every setting, `RIALTO_<SECTION>__<KEY>`, and the setting's place."""
    names: dict[str, KeyPath] = {}
    for key in Settings.model_fields:
        inner = sections(Settings).get(key)
        for path in ((key,),) if inner is None else [(key, name) for name in inner.model_fields]:
            names[PREFIX + "__".join(path).upper()] = path
    return names


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of `path` as `environ` overrides them. Raises SettingsError with every problem at once."""
    try:
        document = read_yaml(path)
    except BadFile as error:
        raise SettingsError(error.problems) from error
    reading = _Reading(document)
    reading.add_environment(environ)
    reading.read_secrets(Settings, reading.data, ())
    return reading.settings()


@dataclass
class _Reading:
    """The work on one file: its values so far, which variable gave which, and what was found wrong."""

    document: Document
    data: dict[str, Any] = field(init=False)
    given: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    secrets: dict[KeyPath, KeyPath] = field(default_factory=dict)
    """Settings that come from a file of their own, and the place that names it."""

    def __post_init__(self) -> None:
        # A section without keys is one whose keys are all commented out. Every section is there to be
        # checked, so that the paths in its defaults are made absolute too.
        self.data = {
            key: value for key, value in self.document.data.items() if value is not None or key not in _SECTIONS
        }
        self.data.update({key: {} for key in _SECTIONS if key not in self.data})

    @property
    def folder(self) -> Path:
        return self.document.path.absolute().parent

    def problem(self, key: KeyPath, text: str) -> None:
        """Note a problem where its remedy belongs: the variable that gave the value, or the file's line."""
        if key in self.secrets:
            key, text = self.secrets[key], f"in that file: {text}"
        if variable := self.given.get(key):
            self.problems.append(Problem("environment", None, variable, text))
        else:
            self.problems.append(self.document.problem(key, text))

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Put the environment's values over the file's; complain of names that are nearly a setting's."""
        known = variables()
        for name, text in environ.items():
            if name not in known:
                self._unknown_variable(name, known)
                continue
            *above, key = known[name]
            section = self.data if not above else self.data[str(above[0])]
            if not isinstance(section, dict):
                continue  # The file's section is no section; that is reported.
            for twin in _twins(str(key)):
                variable = PREFIX + "__".join([*map(str, above), twin]).upper()
                if variable in known and variable not in environ:
                    section.pop(twin, None)
            section[str(key)] = _value(text, known[name])
            self.given[known[name]] = name

    def _unknown_variable(self, name: str, known: Mapping[str, KeyPath]) -> None:
        if not name.startswith(PREFIX) or name in _OTHER_VARIABLES:
            return
        guess = did_you_mean(name, known, cutoff=0.9)
        if guess or "__" in name:
            self.problems.append(Problem("environment", None, name, f"unknown setting{guess}"))

    def read_secrets(self, model: type[BaseModel], data: dict[str, Any], at: KeyPath) -> None:
        """Read each `<key>_file` that stands for a `<key>` into it."""
        for key, inner in sections(model).items():
            if isinstance(data.get(key), dict):
                self.read_secrets(inner, data[key], (*at, key))
        for key, inner in lists(model).items():
            for index, item in enumerate(data[key] if isinstance(data.get(key), list) else ()):
                if isinstance(item, dict):
                    self.read_secrets(inner, item, (*at, key, index))
        for key in model.model_fields:
            name = data.get(f"{key}_file")
            if f"{key}_file" not in model.model_fields or name is None:
                continue
            place = (*at, f"{key}_file")
            if data.get(key) is not None:
                self.problem(place, f"stands beside {key}: keep one of the two")
            elif isinstance(name, str):
                self._read_secret(data, key, name, place)
            self.secrets[*at, key] = place

    def _read_secret(self, data: dict[str, Any], key: str, name: str, place: KeyPath) -> None:
        try:
            text = (self.folder / Path(name).expanduser()).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self.problem(place, f"'{name}' cannot be read: {reason}")
            return
        if not text:
            self.problem(place, f"'{name}' is empty")
            return
        data[key] = text

    def settings(self) -> Settings:
        """Return the checked settings, or raise SettingsError."""
        context = {"folder": self.folder, "path": self.document.path.absolute()}
        try:
            settings = Settings.model_validate(self.data, context=context)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                at = tuple(details["loc"])
                if details["type"] == "missing" and at in self.secrets:
                    continue  # The file that holds it could not be read, which is reported.
                secret = any(not field.repr for field in _fields(at))
                self.problem(at, message(details, Settings, secret=secret))
            raise SettingsError(self.problems) from None
        if self.problems:
            raise SettingsError(self.problems)
        return settings


_SECTIONS = sections(Settings)


def _fields(at: KeyPath) -> Iterator[Any]:
    """Yield the declared fields along `at`."""
    model: type[BaseModel] | None = Settings
    for key in at:
        if isinstance(key, int):
            continue  # One of a list; its kind was found with the list.
        if model is None or key not in model.model_fields:
            return
        yield model.model_fields[key]
        model = {**sections(model), **lists(model)}.get(key)


def _twins(key: str) -> tuple[str, ...]:
    """Return the other ways to give `key`: the environment's one takes the place of the file's."""
    return (key.removesuffix("_file"),) if key.endswith("_file") else (f"{key}_file",)


def _value(text: str, at: KeyPath) -> Any:
    """Return what a variable's text stands for; what it cannot stand for is left for the rules to refuse."""
    *_, declared = _fields(at)
    if declared.annotation in (int, float):
        return _number(text)
    if get_origin(declared.annotation) is list:
        with suppress(YAMLError, ValueError):
            return YAML(typ="safe", pure=True).load(text)
    return text


def _number(text: str) -> float | int | str:
    """Return the number that `text` is, or the text for the rules to refuse."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text
