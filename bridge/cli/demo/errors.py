"""The demo's one failure: it cannot start, and one line says why and what to do."""

from __future__ import annotations

from typing import ClassVar

from bridge.model.errors import RialtoError


class DemoError(RialtoError):
    """The demo cannot start or go on; the text is one line that ends with the remedy, `details` may follow it."""

    code: ClassVar[str] = "demo"

    def __init__(self, message: str, *, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details
