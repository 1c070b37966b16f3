"""Benchmarks: each is one command that prints a ratio against something measured in the same run."""
