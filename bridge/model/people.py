"""People, their faces on each network, and their place in a room."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from bridge.model.ids import NetworkId, PersonId

Role: TypeAlias = Literal["owner", "moderator", "member", "muted", "guest"]


class Person(msgspec.Struct, frozen=True):
    """One identity: `home` is the network that it comes from, `name` what it wants to be called."""

    id: PersonId
    home: NetworkId
    name: str
    avatar: str = ""
    active: bool = True


class Member(msgspec.Struct, frozen=True):
    """A person in a room: `shown` is the name made distinct among the members, `joined_seq` the number of the
    event with which they came in the last time. A `guest` has no ghost anywhere: the bot speaks for them."""

    person: PersonId
    home: NetworkId
    name: str
    shown: str
    avatar: str = ""
    role: Role = "member"
    joined: bool = True
    joined_seq: int = 0
    guest: bool = False


class Ghost(msgspec.Struct, frozen=True):
    """What a foreign network already knows of a person's ghost there: each step of its making, done or not."""

    person: PersonId
    network: NetworkId
    remote_id: str
    registered: bool = False
    device: bool = False
    name_set: str | None = None
    avatar_set: str | None = None
