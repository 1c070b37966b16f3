"""What people do in the rooms themselves, used by the page, the API and the commands; every refusal is a `Refused`."""

from __future__ import annotations

from bridge.core.hub import Hub
from bridge.core.native.coming import PERSON_NAME_CHARS, Coming
from bridge.core.native.desk import Desk
from bridge.core.native.founding import Founding
from bridge.core.native.keeping import REASON_CHARS, Keeping
from bridge.core.native.speaking import Speaking

__all__ = ["PERSON_NAME_CHARS", "REASON_CHARS", "Native"]


class Native:
    """The rooms' own face: one place that leads to everything people do, each described where it is done."""

    def __init__(self, hub: Hub) -> None:
        desk = Desk(hub)

        founding = Founding(desk)
        self.found_room = founding.found_room
        self.direct = founding.direct
        self.mirror = founding.mirror

        coming = Coming(desk)
        self.join = coming.join
        self.admit = coming.admit
        self.leave = coming.leave
        self.set_profile = coming.set_profile
        self.deactivate = coming.deactivate

        speaking = Speaking(desk)
        self.say = speaking.say
        self.edit = speaking.edit
        self.remove = speaking.remove

        keeping = Keeping(desk)
        self.describe = keeping.describe
        self.configure = keeping.configure
        self.rank = keeping.rank
        self.kick = keeping.kick
        self.invite_from = keeping.invite_from
        self.delete = keeping.delete
