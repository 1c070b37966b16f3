"""How a line is put to a network that can do less than ours: pure, before any adapter is called."""

from __future__ import annotations

from html import escape

from bridge.model.capabilities import Capabilities
from bridge.model.deliveries import Wording
from bridge.model.events import Said
from bridge.model.people import Member
from bridge.text.splitting import split


def word(content: Said, sender: Member, can: Capabilities, *, corrected: bool = False) -> list[Wording]:
    """Return the parts in which `can` takes the line, each within its bytes; at least one.

    Where the sender has no ghost (the network knows none, or the sender is a guest) the name stands before the
    line; a network without edits gets a mark before the corrected wording.
    """
    own_voice = can.ghosts and not sender.guest
    prefix = "" if own_voice else _prefix(sender, content, can)
    mark = "✎ " if corrected else ""
    style = content.style if own_voice else "text"
    if can.html and content.html and not mark and (can.ghosts or not prefix):
        whole = Wording(text=prefix + content.text, html=_bold(prefix) + content.html, style=style)
        if len(whole.text.encode()) + len(whole.html.encode()) <= can.text_bytes:
            return [whole]
    room = max(can.text_bytes - len((prefix + mark).encode()), 16)
    pieces = split(content.text, room) or [""]
    return [Wording(text=f"{prefix}{mark}{piece}", style=style) for piece in pieces]


def _prefix(sender: Member, content: Said, can: Capabilities) -> str:
    """Return the sender's name as it stands before a line: cut where it would take more than a quarter of it."""
    shown = (split(sender.shown, max(can.text_bytes // 4, 4)) or [""])[0]
    if content.style == "emote":
        return f"* {shown} "
    # Where the others have faces of their own, a name and a colon is how the bot speaks for somebody.
    return f"{shown}: " if can.ghosts else f"<{shown}> "


def _bold(prefix: str) -> str:
    return f"<strong>{escape(prefix.rstrip())}</strong> " if prefix else ""
