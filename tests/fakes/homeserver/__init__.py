"""A homeserver for tests inside the test's process, proved against Synapse by tests/contract/test_homeserver.py."""

from tests.fakes.homeserver.faults import Hold, Recorded
from tests.fakes.homeserver.server import FakeHomeserver

__all__ = ["FakeHomeserver", "Hold", "Recorded"]
