"""The wheel's build hook: builds the page, so that neither Node nor a built page is needed beforehand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs scripts/page.py; the built files are listed as artifacts in pyproject.toml."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page before its files are gathered (or, for an editable install, before they are served)."""
        sys.path.insert(0, str(Path(self.root) / "scripts"))
        import page

        page.build()
