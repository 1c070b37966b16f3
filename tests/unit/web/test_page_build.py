"""The page's build: what is served is made of the present sources, and nothing names where packages came from."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("page_build", ROOT / "scripts" / "page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_built_page_is_that_of_the_present_sources(page: ModuleType) -> None:
    assert page.is_built(), "run `make page`"


def test_another_source_is_another_page(page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("page/src", "strings", "built"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "page" / "package.json").write_text("{}")
    source = tmp_path / "page" / "src" / "main.tsx"
    source.write_text("one")
    monkeypatch.setattr(page, "ROOT", tmp_path)
    monkeypatch.setattr(page, "SOURCES", tmp_path / "page")
    monkeypatch.setattr(page, "STRINGS", tmp_path / "strings")
    monkeypatch.setattr(page, "DIGEST", tmp_path / "built" / "sources.sha256")
    assert not page.is_built()
    page.DIGEST.write_text(page.digest())
    assert page.is_built()
    (tmp_path / "page" / "node_modules").mkdir()
    (tmp_path / "page" / "node_modules" / "more.js").write_text("of no interest")
    assert page.is_built()
    source.write_text("two")
    assert not page.is_built()
    source.write_text("one")
    source.rename(source.with_name("other.tsx"))
    assert not page.is_built()


def test_the_lock_holds_digests_and_no_addresses() -> None:
    lock = json.loads((ROOT / "bridge" / "web" / "page" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) > 20
    assert all("resolved" not in entry for entry in packages.values())
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
