"""The composition root: puts the parts together, and starts and stops them in order."""
