"""What README.md promises is there: the pages that it leads to, the commands that it names, and make's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\brialto ([a-z]+)\b", README)) - {"and"}))
def test_commands_exist(name: str) -> None:
    assert name in COMMANDS


def test_makes_commands_are_listed_by_its_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    assert {"demo", "test"} <= named
    for name in named:
        assert re.search(rf"^{name}:.*## ", makefile, re.MULTILINE), name


def test_the_integration_runs_exactly_make_test() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "exec make test"
