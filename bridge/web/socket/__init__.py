"""The WebSocket: one connection a page, on which rooms are followed from a number on, and written to."""
