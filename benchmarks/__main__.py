"""All benchmarks, one after the other: `python -m benchmarks`. The figures go into benchmarks/README.md, their table
into the project's README too.

Each runs in a process of its own. One that fails leaves a row that says so, and the others go on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.figures import Figure, say
from benchmarks.table import filled, rendered, table

NAMES = ("intake", "outgoing", "latency", "fanout", "footprint")
README = Path(__file__).parent / "README.md"
FRONT = README.parent.parent / "README.md"
MOST_SECONDS = 400


def main() -> int:
    """Run the benchmarks that are named, or all; return 1 where one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(NAMES)}")
    parser.add_argument("--short", action="store_true", help="a tenth of the work; the README is left alone")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    chosen = [name for name in NAMES if name in options.names] or list(NAMES)
    began = time.monotonic()
    figures: dict[str, list[Figure]] = {}
    for name in chosen:
        say(f"{name} begins")
        figures[name] = _measured(name, short=options.short)
    say(f"all done in {(time.monotonic() - began) / 60:.1f} minutes")
    if len(chosen) == len(NAMES) and not options.short:
        for path, text in ((README, rendered(figures)), (FRONT, table(figures))):
            path.write_text(filled(path.read_text(encoding="utf-8"), text), encoding="utf-8")
        say(f"the figures are in {README.relative_to(Path.cwd()) if README.is_relative_to(Path.cwd()) else README}")
    return 0 if all(figures.values()) else 1


def _measured(name: str, *, short: bool) -> list[Figure]:
    """Return what one benchmark found, nothing where it failed."""
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "figures.json"
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(to), *(["--short"] if short else [])]
        try:
            subprocess.run(command, check=True, timeout=MOST_SECONDS)
        except subprocess.CalledProcessError as error:
            say(f"{name} FAILED: exit code {error.returncode}")
            return []
        except subprocess.TimeoutExpired:
            say(f"{name} FAILED: it did not end within {MOST_SECONDS} s")
            return []
        return msgspec.json.decode(to.read_bytes(), type=list[Figure])


if __name__ == "__main__":
    sys.exit(main())
