"""The figures as the part of benchmarks/README.md that is written by the command."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from benchmarks import machine
from benchmarks.figures import Figure, shown

BEGIN = "<!-- figures: written by `make bench` -->"
END = "<!-- /figures -->"


def filled(readme: str, text: str) -> str:
    """Return a README with `text` between its marks; ValueError where a mark is missing."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def table(figures: Mapping[str, Sequence[Figure]]) -> str:
    """Return the machine, and the figures in a table."""
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    lines = [f"Measured on {day} on one machine, everything of a run on it:", ""]
    lines += [f"- {line}" for line in machine.describe()]
    lines += ["", "| figure | value | aim |", "|---|---|---|"]
    for name, found in figures.items():
        lines += [_row(figure) for figure in found] or [f"| {name} | **failed** | |"]
    return "\n".join(lines)


def rendered(figures: Mapping[str, Sequence[Figure]]) -> str:
    """Return the machine, the table, and what each figure was made from."""
    lines = [table(figures)]
    for name, found in figures.items():
        details = [figure for figure in found if figure.inputs]
        if details:
            lines += ["", f"### {name}"]
        for figure in details:
            lines += ["", f"{figure.what}: **{shown(figure.value)} {figure.unit}**", ""]
            lines += [f"- {line}" for line in figure.inputs]
    return "\n".join(lines)


def _row(figure: Figure) -> str:
    aim = ""
    if figure.aim is not None:
        word = "at least" if figure.better == "more" else "at most"
        aim = f"{word} {shown(figure.aim)}: {'met' if figure.met else '**missed**'}"
    return f"| {figure.what} | {shown(figure.value)} {figure.unit} | {aim} |"
