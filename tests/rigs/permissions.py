"""Who may do what, written down cell by cell: the rules of the core and the HTTP API are both held to it.

`admin` is an admin of the server who is not in the room, `signed_out` nobody at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, get_args

from bridge.core.rights import Action
from bridge.model.people import Role

PEOPLE: tuple[str, ...] = (*get_args(Role), "stranger", "admin", "signed_out")
ROOMS = ("public", "members_history", "invite", "direct", "archived", "archived_invite", "deleted")
"""A public room; one whose history is for members only; an invite-only room; the conversation of two people; a public
and an invite-only room that are archived; a deleted one."""

TABLE = """
public           owner  moderator  member  muted  guest  stranger  admin  signed_out
read             yes    yes        yes     yes    yes    yes       yes    no
say              yes    yes        yes     no     yes    no        no     no
edit_own         yes    yes        yes     no     yes    no        no     no
remove_own       yes    yes        yes     yes    yes    no        yes    no
remove_other     yes    yes        no      no     no     no        yes    no
describe         yes    yes        no      no     no     no        yes    no
configure        yes    no         no      no     no     no        yes    no
invite           yes    yes        yes     no     no     no        no     no
invite_guests    yes    yes        no      no     no     no        no     no
kick             yes    yes        no      no     no     no        yes    no
rank             yes    yes        no      no     no     no        yes    no
archive          yes    no         no      no     no     no        yes    no
delete           yes    no         no      no     no     no        yes    no
join             no     no         no      no     no     yes       yes    no
leave            yes    yes        yes     yes    yes    no        no     no

members_history  owner  moderator  member  muted  guest  stranger  admin  signed_out
read             yes    yes        yes     yes    yes    no        no     no
say              yes    yes        yes     no     yes    no        no     no
edit_own         yes    yes        yes     no     yes    no        no     no
remove_own       yes    yes        yes     yes    yes    no        yes    no
remove_other     yes    yes        no      no     no     no        yes    no
describe         yes    yes        no      no     no     no        yes    no
configure        yes    no         no      no     no     no        yes    no
invite           yes    yes        yes     no     no     no        no     no
invite_guests    yes    yes        no      no     no     no        no     no
kick             yes    yes        no      no     no     no        yes    no
rank             yes    yes        no      no     no     no        yes    no
archive          yes    no         no      no     no     no        yes    no
delete           yes    no         no      no     no     no        yes    no
join             no     no         no      no     no     yes       yes    no
leave            yes    yes        yes     yes    yes    no        no     no

invite           owner  moderator  member  muted  guest  stranger  admin  signed_out
read             yes    yes        yes     yes    yes    no        no     no
say              yes    yes        yes     no     yes    no        no     no
edit_own         yes    yes        yes     no     yes    no        no     no
remove_own       yes    yes        yes     yes    yes    no        yes    no
remove_other     yes    yes        no      no     no     no        yes    no
describe         yes    yes        no      no     no     no        yes    no
configure        yes    no         no      no     no     no        yes    no
invite           yes    yes        yes     no     no     no        no     no
invite_guests    yes    yes        no      no     no     no        no     no
kick             yes    yes        no      no     no     no        yes    no
rank             yes    yes        no      no     no     no        yes    no
archive          yes    no         no      no     no     no        yes    no
delete           yes    no         no      no     no     no        yes    no
join             no     no         no      no     no     no        yes    no
leave            yes    yes        yes     yes    yes    no        no     no

direct           owner  moderator  member  muted  guest  stranger  admin  signed_out
read             yes    yes        yes     yes    yes    no        no     no
say              yes    yes        yes     no     yes    no        no     no
edit_own         yes    yes        yes     no     yes    no        no     no
remove_own       yes    yes        yes     yes    yes    no        no     no
remove_other     no     no         no      no     no     no        no     no
describe         no     no         no      no     no     no        no     no
configure        no     no         no      no     no     no        no     no
invite           no     no         no      no     no     no        no     no
invite_guests    no     no         no      no     no     no        no     no
kick             no     no         no      no     no     no        no     no
rank             no     no         no      no     no     no        no     no
archive          no     no         no      no     no     no        no     no
delete           no     no         no      no     no     no        no     no
join             no     no         no      no     no     no        no     no
leave            yes    yes        yes     yes    yes    no        no     no

archived         owner  moderator  member  muted  guest  stranger  admin  signed_out
read             yes    yes        yes     yes    yes    yes       yes    no
say              no     no         no      no     no     no        no     no
edit_own         no     no         no      no     no     no        no     no
remove_own       no     no         no      no     no     no        no     no
remove_other     no     no         no      no     no     no        no     no
describe         no     no         no      no     no     no        no     no
configure        no     no         no      no     no     no        no     no
invite           no     no         no      no     no     no        no     no
invite_guests    no     no         no      no     no     no        no     no
kick             no     no         no      no     no     no        no     no
rank             no     no         no      no     no     no        no     no
archive          yes    no         no      no     no     no        yes    no
delete           yes    no         no      no     no     no        yes    no
join             no     no         no      no     no     no        no     no
leave            yes    yes        yes     yes    yes    no        no     no

archived_invite  owner  moderator  member  muted  guest  stranger  admin  signed_out
read             yes    yes        yes     yes    yes    no        no     no
say              no     no         no      no     no     no        no     no
edit_own         no     no         no      no     no     no        no     no
remove_own       no     no         no      no     no     no        no     no
remove_other     no     no         no      no     no     no        no     no
describe         no     no         no      no     no     no        no     no
configure        no     no         no      no     no     no        no     no
invite           no     no         no      no     no     no        no     no
invite_guests    no     no         no      no     no     no        no     no
kick             no     no         no      no     no     no        no     no
rank             no     no         no      no     no     no        no     no
archive          yes    no         no      no     no     no        yes    no
delete           yes    no         no      no     no     no        yes    no
join             no     no         no      no     no     no        no     no
leave            yes    yes        yes     yes    yes    no        no     no

deleted          owner  moderator  member  muted  guest  stranger  admin  signed_out
read             no     no         no      no     no     no        no     no
say              no     no         no      no     no     no        no     no
edit_own         no     no         no      no     no     no        no     no
remove_own       no     no         no      no     no     no        no     no
remove_other     no     no         no      no     no     no        no     no
describe         no     no         no      no     no     no        no     no
configure        no     no         no      no     no     no        no     no
invite           no     no         no      no     no     no        no     no
invite_guests    no     no         no      no     no     no        no     no
kick             no     no         no      no     no     no        no     no
rank             no     no         no      no     no     no        no     no
archive          no     no         no      no     no     no        no     no
delete           no     no         no      no     no     no        no     no
join             no     no         no      no     no     no        no     no
leave            no     no         no      no     no     no        no     no
"""


class Cell(NamedTuple):
    """One answer: may `who` do `action` in a room of this kind?"""

    room: str
    action: Action
    who: str
    allowed: bool


def cells() -> Iterator[Cell]:
    """Go through every cell; raise `ValueError` for a line that is not as wide as its head."""
    for block in TABLE.strip().split("\n\n"):
        (room, *people), *lines = [line.split() for line in block.splitlines()]
        for action, *answers in lines:
            for who, answer in zip(people, answers, strict=True):
                yield Cell(room, _action(action), who, {"yes": True, "no": False}[answer])


def _action(word: str) -> Action:
    found: Action = next(action for action in get_args(Action) if action == word)
    return found


CELLS: tuple[Cell, ...] = tuple(cells())
