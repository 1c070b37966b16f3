"""Reads bodies and queries into structs; every fault becomes a refusal that names the field and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from bridge.model.errors import Refused

T = TypeVar("T", bound=msgspec.Struct)

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
    raw = await request.read()
    try:
        found = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise _fault(kind, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("bad_json", f"The body is not JSON: {error}.") from None
    if b"\\u0000" in raw:
        refuse_nul(found)
    return found


def query(request: web.Request, kind: type[T]) -> T:
    """Return the query as a `kind`: numbers and switches are read from their text; other names are ignored."""
    given = {name: request.query[name] for name in request.query}
    try:
        found = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _fault(kind, str(error)) from None
    refuse_nul(found)
    return found


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


def _fault(kind: type[msgspec.Struct], said: str) -> Refused:
    """Turn what the decoder says into a refusal."""
    matched = _AT.match(said)
    assert matched is not None
    fault, path = matched["fault"], (matched["path"] or "$").removeprefix("$").lstrip(".")
    if (missing := _MISSING.match(fault)) is not None:
        field = f"{path}.{missing['name']}" if path else missing["name"]
        return Refused("missing_field", f"{field} is missing.", field=field)
    if not path:
        return Refused("bad_json", "The body must be a JSON object.")
    return Refused("bad_field", f"{path} {_remedy(kind, path, fault)}.", field=path)


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
