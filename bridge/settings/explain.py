"""Say in plain words what pydantic found, at the line and key where the remedy belongs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

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
}


def sections(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the sections of a model by their keys."""
    kinds = {key: field.annotation for key, field in model.model_fields.items()}
    return {key: kind for key, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, BaseModel)}


def known_keys(model: type[BaseModel], at: KeyPath) -> list[str]:
    """Return the keys that the section at `at` may have."""
    for key in at:
        model = sections(model)[str(key)]
    return list(model.model_fields)


def message(error: ErrorDetails, model: type[BaseModel], *, secret: bool) -> str:
    """Return what is wrong and what would be right; a secret's value is never repeated."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return f"is missing: {_wanted(model, error['loc'])}"
    if kind == "extra_forbidden":
        return f"unknown key{_misplaced(model, error['loc'])}"
    if value is None:
        return "has no value"
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
    for key in above:
        model = sections(model)[str(key)]
    if inner := sections(model).get(str(last)):
        return f"a section with {', '.join(inner.model_fields)}"
    field = model.model_fields[str(last)]
    meaning = (field.description or "").partition(". ")[0].rstrip(".")
    return f"{meaning} (such as {field.examples[0]})" if field.examples else meaning


def _misplaced(model: type[BaseModel], at: Iterable[str | int]) -> str:
    """Return the key that was meant: a close one beside it, or one of that name in another section."""
    *above, last = map(str, at)
    if guess := did_you_mean(last, known_keys(model, tuple(above))):
        return guess
    for name, inner in sections(model).items():
        if last in inner.model_fields:
            return f" (did you mean '{name}.{last}'?)"
    if last in model.model_fields:
        return f" (did you mean '{last}' at the top, not inside '{'.'.join(above)}'?)"
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
