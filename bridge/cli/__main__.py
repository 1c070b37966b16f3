"""`python -m bridge.cli` is the command `rialto`."""

from __future__ import annotations

from bridge.cli import main

main(prog_name="rialto")
