"""What a benchmark found: figures with their aim and inputs, printed for people and kept for the table."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec


class Figure(msgspec.Struct):
    """One row of the table. `value` is compared with `aim` in the direction of `better`; without an aim it is told
    only. `inputs` are what the value was made from, in words."""

    benchmark: str
    what: str
    value: float
    unit: str
    inputs: list[str]
    aim: float | None = None
    better: Literal["more", "less"] = "more"

    @property
    def met(self) -> bool | None:
        """Tell whether the aim is met; None without one."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.better == "more" else self.value <= self.aim


def shown(value: float) -> str:
    """Return a number as a person writes it: three figures, thousands apart."""
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def arguments(about: str) -> argparse.ArgumentParser:
    """Return the parser that every benchmark's command begins with."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", type=Path, help="write the figures into this file too")
    parser.add_argument("--short", action="store_true", help="a tenth of the work: to try the command, not to quote")
    return parser


def report(figures: Sequence[Figure], to: Path | None) -> None:
    """Print the figures with their inputs, and keep them in a file where one is named."""
    for figure in figures:
        aim = ""
        if figure.aim is not None:
            word = "at least" if figure.better == "more" else "at most"
            aim = f"  (aim: {word} {shown(figure.aim)}: {'met' if figure.met else 'missed'})"
        print(f"{figure.what}: {shown(figure.value)} {figure.unit}{aim}")
        for line in figure.inputs:
            print(f"    {line}")
    if to is not None:
        to.write_bytes(msgspec.json.encode(list(figures)))


def say(text: str) -> None:
    """Print how far the run is, at once."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def middle_and_spread(values: Sequence[float]) -> str:
    """Return the median of some runs with the lowest and the highest."""
    return f"{shown(statistics.median(values))} (runs: {', '.join(shown(value) for value in values)})"
