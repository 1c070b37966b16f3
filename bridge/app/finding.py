"""What the doctor found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` is empty where all is well."""

    what: str
    detail: str
    remedy: str = ""

    @property
    def well(self) -> bool:
        """Tell whether there is nothing to do."""
        return not self.remedy
