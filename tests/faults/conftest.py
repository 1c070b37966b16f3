"""Which homeserver the fault tests run beside."""

from __future__ import annotations

import pytest

KINDS = [pytest.param("fake", id="fake"), pytest.param("synapse", id="synapse", marks=pytest.mark.homeserver)]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Run a test beside the fake homeserver, and beside a real Synapse."""
    return str(request.param)
