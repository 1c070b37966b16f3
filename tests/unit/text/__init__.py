"""Tests of the pure text conversions."""
