"""Say in plain words what pydantic found, at the line and key where the remedy belongs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bridge.networks.matrix.registration import KeyPath, did_you_mean

_KINDS: dict[str, str] = {
    "string_type": "a text",
    "path_type": "a path",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
}


def sections(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the sections of a model by their keys."""
    kinds = {key: field.annotation for key, field in model.model_fields.items()}
    return {key: kind for key, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, BaseModel)}


def lists(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return, by their keys, the kinds of section of which a model has lists."""
    kinds = {key: get_args(field.annotation) for key, field in model.model_fields.items()}
    return {
        key: kind[0]
        for key, kind in kinds.items()
        if len(kind) == 1 and isinstance(kind[0], type) and issubclass(kind[0], BaseModel)
    }


def within(model: type[BaseModel], at: Iterable[str | int]) -> type[BaseModel]:
    """Return the section at a place below `model`; a number leads into a list of sections."""
    for key in at:
        if not isinstance(key, int):
            model = {**sections(model), **lists(model)}[key]
    return model


def known_keys(model: type[BaseModel], at: KeyPath) -> list[str]:
    """Return the keys that the section at `at` may have."""
    return list(within(model, at).model_fields)


def message(error: ErrorDetails, model: type[BaseModel], *, secret: bool) -> str:
    """Return what is wrong and what would be right; a secret's value is never repeated."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return f"is missing: {_wanted(model, error['loc'])}"
    if kind == "extra_forbidden":
        return f"unknown key{_misplaced(model, error['loc'])}"
    if value is None:
        return "has no value"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "value_error":
        return str(context["error"])
    shown = "" if secret else f", not {_shown(value)}"
    if kind == "literal_error":
        allowed = str(context["expected"]).replace("'", "")
        guess = did_you_mean(value, allowed.replace(" or ", ", ").split(", ")) if isinstance(value, str) else ""
        return f"must be {allowed}{shown}{guess}"
    if kind in ("greater_than_equal", "less_than_equal"):
        side, bound = ("least", context["ge"]) if kind == "greater_than_equal" else ("most", context["le"])
        return f"must be at {side} {bound:g}{shown}" if bound < 10**6 else f"must be at {side} {bound}{shown}"
    if kind == "model_type":
        return f"must be a section with the keys {', '.join(known_keys(model, tuple(error['loc'])))}{shown}"
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}{shown}"
    return error["msg"]


def _wanted(model: type[BaseModel], at: Iterable[str | int]) -> str:
    *above, last = at
    model = within(model, above)
    if inner := sections(model).get(str(last)):
        return f"a section with {', '.join(inner.model_fields)}"
    field = model.model_fields[str(last)]
    meaning = (field.description or "").partition(". ")[0].rstrip(".")
    return f"{meaning} (such as {field.examples[0]})" if field.examples else meaning


def _misplaced(model: type[BaseModel], at: Iterable[str | int]) -> str:
    """Return the key that was meant: a close one beside it, or one of that name in another section."""
    *above, key = at
    last = str(key)
    if guess := did_you_mean(last, known_keys(model, tuple(above))):
        return guess
    for name, inner in sections(model).items():
        if last in inner.model_fields:
            return f" (did you mean '{name}.{last}'?)"
    if last in model.model_fields:
        return f" (did you mean '{last}' at the top, not inside '{'.'.join(map(str, above))}'?)"
    return ""


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a section"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return "infinite"
    text: Any = value if isinstance(value, (int, float)) else f"'{str(value)[:60]}'"
    return f"{text}"
