"""The page's strings: the same keys in every language, every key that is used is there, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import bridge.core
import bridge.web
from bridge.model.people import Role
from bridge.web.languages import CODES, FOR_FAILURES, language

WEB = Path(bridge.web.__file__).parent
CORE = Path(next(iter(bridge.core.__path__)))
PLURAL = (".one", ".other")


def test_every_language_has_the_same_keys_and_values() -> None:
    english = language("en").strings
    for code in CODES:
        strings = language(code).strings
        assert strings.keys() == english.keys()
        for key, text in strings.items():
            assert text.strip() == text != "", key
            assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", english[key])), key


MADE = ("network.", "role.", "told.", FOR_FAILURES)
"""Begins of keys that are put together from what the server says: no code names them whole."""


def used() -> set[str]:
    """Return every key that the page and the server's own documents name."""
    keys: set[str] = set()
    for path in (*(WEB / "templates").glob("*.html"), *(WEB / "page" / "src").rglob("*.ts*")):
        text = path.read_text()
        keys.update(re.findall(r'\bt\("([^"]+)"', text))
        keys.update(key + form for key in re.findall(r'\bn\("([^"]+)"', text) for form in PLURAL)
    return keys


def refused() -> set[str]:
    """Return every code that the page or the core may refuse with."""
    sources = [path for folder in (WEB, CORE) for path in folder.rglob("*.py") if "node_modules" not in path.parts]
    text = "\n".join(path.read_text() for path in sources)
    return set(re.findall(r'Refused\(\s*"(\w+)"', text)) | set(re.findall(r'\d{3}: \("(\w+)"', text)) | {"too_fast"}


def test_every_key_that_is_used_is_there() -> None:
    assert len(used()) > 250
    assert used() <= language("en").strings.keys()


def test_every_refusal_has_words() -> None:
    codes = refused()
    assert {"wrong_login", "not_in_room", "text_too_long", "not_found", "name_taken"} <= codes
    assert {FOR_FAILURES + code for code in codes} <= language("en").strings.keys()


def told() -> set[str]:
    """Return every key of Rialto's own lines."""
    sources = [path for path in CORE.parent.rglob("*.py") if "node_modules" not in path.parts]
    text = "\n".join(path.read_text() for path in sources)
    return {f"told.{key}" for key in re.findall(r'Told\(\s*"(\w+)"', text)}


def test_every_line_of_our_own_has_words() -> None:
    assert "told.encrypted" in told()
    assert told() <= language("en").strings.keys()


def test_no_string_is_left_over() -> None:
    """Networks, roles, failures and our own lines are named by what the server says: these keys are made."""
    strings = language("en").strings.keys()
    made = {key for key in strings if key.startswith(MADE)}
    assert strings - used() - made == set()
    ours = {"error.title", "error.unreachable"}
    failures = {key for key in made if key.startswith(FOR_FAILURES)} - ours
    assert failures <= {FOR_FAILURES + code for code in refused()}
    assert {key for key in strings if key.startswith("told.")} == told()
    assert {key for key in strings if key.startswith("role.")} == {f"role.{role}" for role in get_args(Role)}
