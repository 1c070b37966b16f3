"""A nasty made-up network: no IDs, no receipts, no edits, 400-byte lines, and connections that drop."""

from tests.fakes.nasty.daemon import NastyDaemon, NastyUser
from tests.fakes.nasty.network import NastyNetwork

__all__ = ["NastyDaemon", "NastyNetwork", "NastyUser"]
