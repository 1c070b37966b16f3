"""Rialto: a Matrix bridge with rooms on it."""

__version__ = "0.1.0"
