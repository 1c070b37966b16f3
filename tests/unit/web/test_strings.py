"""The page's strings: the same keys in every language, every key that is used is there, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path

import bridge.core
import bridge.web
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


def used() -> set[str]:
    """Return every key that templates and scripts name."""
    keys: set[str] = set()
    for path in (WEB / "templates").glob("*.html"):
        text = path.read_text()
        keys.update(re.findall(r'\bt\("([^"]+)"', text))
        keys.update(key + form for key in re.findall(r'\bn\("([^"]+)"', text) for form in PLURAL)
    for path in (WEB / "static").glob("*.js"):
        text = path.read_text()
        keys.update(re.findall(r'\bt\("([^"]+)"', text))
        keys.update(key + form for key in re.findall(r'\bn\("([^"]+)"', text) for form in PLURAL)
    return keys


def refused() -> set[str]:
    """Return every code that the page or the core may refuse with."""
    sources = [*WEB.rglob("*.py"), *CORE.glob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    return set(re.findall(r'Refused\(\s*"(\w+)"', text)) | set(re.findall(r'\d{3}: \("(\w+)"', text)) | {"too_fast"}


def test_every_key_that_is_used_is_there() -> None:
    assert len(used()) > 80
    assert used() <= language("en").strings.keys()


def test_every_refusal_has_words() -> None:
    codes = refused()
    assert {"wrong_login", "not_in_room", "text_too_long", "not_found", "name_taken"} <= codes
    assert {FOR_FAILURES + code for code in codes} <= language("en").strings.keys()


def test_no_string_is_left_over() -> None:
    """Networks are named by their ID, and so are failures: these keys are made, not written."""
    strings = language("en").strings.keys()
    made = {key for key in strings if key.startswith(("network.", FOR_FAILURES)) and key != "error.title"}
    assert strings - used() - made == set()
    assert {key for key in made if key.startswith(FOR_FAILURES)} <= {FOR_FAILURES + code for code in refused()}
