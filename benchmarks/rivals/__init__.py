"""What Rialto is measured against: each rival is a process of its own, as Rialto is."""
