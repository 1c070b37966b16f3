"""Machinery that tests start and stop: a real homeserver, a recording application service, a plain caller."""
