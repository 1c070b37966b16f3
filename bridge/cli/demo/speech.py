"""Say lines to the user, and go on without them when nobody listens any more."""

from __future__ import annotations

import click


class Speech:
    """Prints each line at once; when the pipe or terminal is gone the demo itself is not disturbed."""

    def __init__(self) -> None:
        self._heard = True

    def __call__(self, line: str) -> None:
        """Print a line to standard output."""
        self._print(line, err=False)

    def failure(self, message: str, details: str) -> None:
        """Print a failure to standard error: one line, and under it the details if there are any."""
        self._print(f"Error: {message}", err=True)
        if details:
            self._print("\n".join(f"    {line}" for line in details.splitlines()), err=True)

    def _print(self, text: str, *, err: bool) -> None:
        if not self._heard:
            return
        try:
            click.echo(text, err=err)
        except OSError:  # a closed pipe, a terminal that hung up: the parts go on, their logs are on disk
            self._heard = False
