"""How a line is put to a network that can do less than ours: pure, before any adapter is called."""

from __future__ import annotations

from bridge.model.capabilities import Capabilities
from bridge.model.deliveries import Wording
from bridge.model.events import Said
from bridge.model.people import Member
from bridge.text.splitting import split


def word(content: Said, sender: Member, can: Capabilities, *, corrected: bool = False) -> list[Wording]:
    """Return the parts in which `can` takes the line, each within its bytes; at least one.

    A network without ghosts gets the sender's name before the line, one without edits a mark before
    the corrected wording.
    """
    prefix = "" if can.ghosts else _prefix(sender, content, can)
    mark = "✎ " if corrected else ""
    style = content.style if can.ghosts else "text"
    if can.html and content.html and not prefix and not mark:
        whole = Wording(text=content.text, html=content.html, style=style)
        if len(content.text.encode()) + len(content.html.encode()) <= can.text_bytes:
            return [whole]
    room = max(can.text_bytes - len((prefix + mark).encode()), 16)
    pieces = split(content.text, room) or [""]
    return [Wording(text=f"{prefix}{mark}{piece}", style=style) for piece in pieces]


def _prefix(sender: Member, content: Said, can: Capabilities) -> str:
    """Return the sender's name as it stands before a line: cut where it would take more than a quarter of it."""
    shown = (split(sender.shown, max(can.text_bytes // 4, 4)) or [""])[0]
    return f"* {shown} " if content.style == "emote" else f"<{shown}> "
