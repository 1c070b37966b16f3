"""The web face, over a real database and a real hub."""
