"""Reads bodies and queries into structs; every fault becomes a refusal that names the field and the remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from bridge.model.errors import Refused
from bridge.web import bodies

T = TypeVar("T", bound=msgspec.Struct)

PATH_CHARS = 256
"""No part of an address that names something is longer."""

_AT = re.compile(r"^(?P<fault>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]*)`$")
_LENGTH = re.compile(r"^Expected `(?P<type>\w+)` of length (?P<sign>>=|<=|==) (?P<number>\d+)$")
_RANGE = re.compile(r"^Expected `(?P<type>\w+)` (?P<sign>>=|<=|>|<) (?P<number>[-\d.]+)$")
_TYPE = re.compile(r"^Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`$")
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_SIGNS = {">=": "at least", "<=": "at most", "==": "exactly", ">": "more than", "<": "less than"}


async def body(request: web.Request, kind: type[T]) -> T:
    """Return the JSON body as a `kind`; fields that it does not know are ignored."""
    if request.content_type != "application/json":
        raise Refused("unsupported_media_type", "Send this as application/json.", status=415)
    bodies.refuse_encoded(request)
    return decoded(await request.read(), kind, "body")


def decoded(raw: bytes | str, kind: type[T], what: str) -> T:
    """Return JSON text as a `kind`; `what` is what refusals call the whole of it."""
    try:
        found = _typed(raw, kind)
    except msgspec.ValidationError as error:
        raise fault(kind, str(error), what) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise not_json(what, error) from None
    _refuse_twice(raw)
    if (b"\\u0000" in raw) if isinstance(raw, bytes) else ("\\u0000" in raw):
        refuse_nul(found)
    return found


def _typed(raw: bytes | str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        if "got `float`" not in str(error):
            raise
        # To JSON Schema, and to languages with one kind of number, 7.0 is a whole number.
        return msgspec.convert(_whole(msgspec.json.decode(raw)), kind)


def _whole(value: Any) -> Any:
    """Return JSON values with whole numbers as such, however they were written."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value


def not_json(what: str, error: Exception) -> Refused:
    """Return the refusal of something that is no JSON."""
    why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return Refused("bad_json", f"The {what} is not JSON: {why}.")


def _refuse_twice(raw: bytes | str) -> None:
    """Raise `Refused` where an object gives one name twice: readers differ in which of the two they take."""

    def pairs(found: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in found]
        if len(set(names)) < len(names):
            twice = next(name for number, name in enumerate(names) if name in names[:number])
            raise Refused("bad_field", f"{twice} is given twice: give it once.", field=twice)

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except RecursionError as error:
        # What is ignored may be nested more deeply than what is read.
        raise not_json("body", error) from None


def query(request: web.Request, kind: type[T]) -> T:
    """Return the query as a `kind`: numbers and switches are read from their text; other names are ignored."""
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given and name in kind.__struct_fields__:
            raise Refused("bad_field", f"{name} is given twice: give it once.", field=name)
        given[name] = value
    try:
        found = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise fault(kind, str(error), "query") from None
    refuse_nul(found)
    return found


def path_values(request: web.Request) -> dict[str, str]:
    """Return the variable parts of the address; raise `Refused` (404) for what can be no name of anything."""
    for value in request.match_info.values():
        if len(value) > PATH_CHARS or not value.isprintable():
            raise Refused("not_found", "There is nothing here.", status=404)
    return dict(request.match_info)


def refuse_nul(found: Any) -> None:
    """Raise `Refused` where a text holds the character U+0000, which databases cannot keep."""
    for path, text in _texts(found, ""):
        if "\0" in text:
            raise Refused("bad_field", f"{path} may not hold the character U+0000.", field=path)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        yield from _texts(msgspec.structs.asdict(value), path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            below = f"{path}.{name}" if path else str(name)
            if "\0" in str(name):
                yield path or "body", str(name)
            yield from _texts(inner, below)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{number}]")


def fault(kind: type[msgspec.Struct], said: str, what: str) -> Refused:
    """Turn what the decoder says into a refusal."""
    matched = _AT.match(said)
    assert matched is not None
    said, path = matched["fault"], (matched["path"] or "$").removeprefix("$").lstrip(".")
    if (missing := _MISSING.match(said)) is not None:
        field = f"{path}.{missing['name']}" if path else missing["name"]
        return Refused("missing_field", f"{field} is missing: give it.", field=field)
    if not path:
        return Refused("bad_json", f"The {what} must be a JSON object.")
    return Refused("bad_field", f"{path} {_remedy(kind, path, said)}.", field=path)


def _remedy(kind: type[msgspec.Struct], path: str, fault: str) -> str:
    if (length := _LENGTH.match(fault)) is not None:
        unit = "characters" if length["type"] == "str" else "entries"
        return f"must have {_SIGNS[length['sign']]} {length['number']} {unit}"
    if (bounds := _RANGE.match(fault)) is not None:
        return f"must be {_SIGNS[bounds['sign']]} {bounds['number']}"
    if fault.startswith("Invalid enum value"):
        return f"must be one of: {', '.join(_choices(kind, path))}"
    if (wrong := _TYPE.match(fault)) is not None:
        # What may be missing may be null too, but nobody who sends something else needs to hear that.
        wanted = [_WORDS.get(each.strip(), each.strip()) for each in wrong["wanted"].split("|")]
        return "must be " + " or ".join([each for each in wanted if each != "null"] or wanted)
    if "matching regex" in fault:
        return "has a form that is not allowed"
    return f"cannot be taken ({fault})"


def _choices(kind: type[msgspec.Struct], path: str) -> list[str]:
    """Return what a field whose values are listed may be."""
    hint: Any = kind
    for name in re.sub(r"\[[^]]*\]", "", path).split("."):
        hint = next((each for each in (hint, *get_args(hint)) if isinstance(each, type)), hint)
        if not (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
            return []
        hint = get_type_hints(hint).get(name)
    options = [hint, *get_args(hint)]
    return [str(value) for each in options if get_origin(each) is Literal for value in get_args(each)]
