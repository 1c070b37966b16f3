"""Make .venv with the locked packages in it, or bring it up to date; says what it does, and leaves it alone when done.

`python scripts/environment.py demo|dev|bench`, with the standard library only. A stamp in .venv holds what it was made
from, so that the work is done once, and again when a lock, the project's own metadata, the Python or the place
has changed. The page is built again when its sources are others. What a broken-off run left is made anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import TextIO

import page

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "install.log"
UNFINISHED = VENV / ".rialto-unfinished"
"""There while packages are installed: found at a start, it tells of a run that was broken off."""
LOCKS = {kind: ROOT / "requirements" / f"{kind}.lock" for kind in ("demo", "dev", "bench")}
NO_VENV = "this Python has no ensurepip: install its venv module (Debian, Ubuntu: apt install {name}-venv)"


class Trouble(Exception):
    """The work cannot be done; the text is one line with the remedy."""


def main(kind: str) -> int:
    """Bring .venv to the state of `kind`; return the exit code."""
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        if not (_stamp(kind).is_file() and _stamp(kind).read_text() == _wanted(kind) and _works()):
            _make_venv()
            _install(kind)
        elif not page.is_built():
            # An editable install looks at the sources of the page once: when it is installed.
            print("Building the page ...", flush=True)
            _install_itself()
    except Trouble as trouble:
        print(f"Error: {trouble}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the next `make` goes on.", file=sys.stderr)
        return 130
    return 0


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stamp(kind: str) -> Path:
    return VENV / f".rialto-{kind}"


def _wanted(kind: str) -> str:
    """Return what the environment is made from, as a text to be compared."""
    sources = [LOCKS[kind], ROOT / "pyproject.toml"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return f"{digest} {ROOT}\n"


def _works() -> bool:
    """Tell whether .venv's Python runs, is new enough, stands where it was made, and has pip."""
    if not PYTHON.exists() or UNFINISHED.exists():
        return False
    code = "import sys, pip; print(sys.version_info >= (3, 11), sys.prefix)"
    asked = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=False)
    return asked.returncode == 0 and asked.stdout.split(maxsplit=1) == ["True", f"{VENV}\n"] and _same_place()


def _same_place() -> bool:
    """Tell whether the scripts of .venv lead to it: after the folder was moved they do not."""
    pip = VENV / "bin" / "pip"
    return pip.is_file() and str(VENV).encode() in pip.read_bytes()[:1000]


def _make_venv() -> None:
    if _works():
        return
    if VENV.is_symlink() or VENV.is_file():
        raise Trouble(f"{VENV} is in the way: move it away")
    if VENV.exists():
        print("Removing a .venv that does not work ...", flush=True)
        shutil.rmtree(VENV)
    print(f"Making .venv with Python {sys.version.split()[0]} ...", flush=True)
    # When this is the Python of the .venv that was just removed, the one that it was made from does it.
    python = getattr(sys, "_base_executable", None) or sys.executable
    made = subprocess.run(
        [python, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if made.returncode == 0 and _works():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if "ensurepip" in made.stdout:
        raise Trouble(NO_VENV.format(name=f"python{sys.version_info.major}.{sys.version_info.minor}"))
    raise Trouble(f"{python} -m venv failed: mend that, or name another Python with PYTHON=...\n{made.stdout.strip()}")


def _install(kind: str) -> None:
    """Install the locked packages, then the project itself, and write the stamp last."""
    lock = LOCKS[kind]
    _stamp(kind).unlink(missing_ok=True)
    count = len(re.findall(r"^[\w.\[\]-]+==", lock.read_text(), re.MULTILINE))
    print(f"Installing {count} packages of requirements/{lock.name}, some minutes the first time ...", flush=True)
    LOG.write_bytes(b"")
    UNFINISHED.touch()
    _pip(["-r", str(lock)], count)
    print("Installing Rialto itself, and building its page ...", flush=True)
    _install_itself()
    UNFINISHED.unlink(missing_ok=True)
    draft = VENV / f".rialto-{kind}.new"
    draft.write_text(_wanted(kind))
    draft.replace(_stamp(kind))
    print("Installed.", flush=True)


def _install_itself() -> None:
    _pip(["--no-deps", "-e", str(ROOT)], 0)


def _pip(arguments: list[str], count: int) -> None:
    """Run `pip install`, with a line for each tenth package; pip's own words go to the log."""
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    with (
        LOG.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
        ) as pip,
    ):
        assert pip.stdout is not None
        try:
            _follow(pip.stdout, log, count)
        except BaseException:
            pip.terminate()
            raise
    if pip.returncode != 0:
        UNFINISHED.unlink(missing_ok=True)  # pip itself gave up, and leaves things as they were
        said = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join(f"    {line}" for line in said[-15:]), file=sys.stderr)
        raise Trouble(f"pip failed (its last lines are above, all are in {LOG}): see to the network, then try again")


def _follow(lines: Iterable[str], log: TextIO, count: int) -> None:
    """Copy pip's lines to the log and say how far it is."""
    found = 0
    for line in lines:
        log.write(line)
        log.flush()
        if count and line.startswith(("Collecting ", "Processing ", "Requirement already satisfied: ")):
            found += 1
            if found % 10 == 0 or found == count:
                print(f"  {found} of {count} found", flush=True)
        elif line.startswith("Installing collected packages"):
            print("  unpacking ...", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(LOCKS)}")
    sys.exit(main(sys.argv[1]))
