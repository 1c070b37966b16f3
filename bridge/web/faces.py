"""What is shown for a person without a picture: an initial on a colour that stays theirs."""

from __future__ import annotations

HUES = 12


def hue(person: str) -> int:
    """Return the number of a person's colour; `people.js` counts the same (FNV-1a, 32 bits)."""
    state = 0x811C9DC5
    for byte in person.encode():
        state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
    return state % HUES


def initial(name: str) -> str:
    """Return the letter that stands for a name."""
    return next((char.upper() for char in name if char.isalnum()), "?")
