"""Pure values: what Rialto talks about, with no I/O and no rules of its own."""
