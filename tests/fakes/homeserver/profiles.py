"""Profiles: names, avatars and free fields, told to the rooms that their owner is in."""

from __future__ import annotations

import asyncio

from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.errors import bad_request, not_found
from tests.fakes.homeserver.membership import Memberships
from tests.fakes.homeserver.world import Content, World

_LONGEST_NAME = 256


class Profiles:
    """Handlers for profiles."""

    def __init__(self, world: World, memberships: Memberships) -> None:
        self._world = world
        self._memberships = memberships

    def routes(self) -> list[Route]:
        """What this part answers."""
        return [
            Route("GET", "/profile/{user}", self._whole, auth=False),
            Route("GET", "/profile/{user}/{key}", self._field, auth=False),
            Route("PUT", "/profile/{user}/{key}", self._put),
            Route("DELETE", "/profile/{user}/{key}", self._delete),
        ]

    def _profile(self, call: Call) -> Content:
        user = self._world.users.get(call.path["user"])
        if user is None or not (user.registered or user.profile):
            raise not_found("No row found (profiles)", "M_UNKNOWN")
        return user.profile

    async def _whole(self, call: Call) -> Reply:
        return dict(self._profile(call))

    async def _field(self, call: Call) -> Reply:
        key, profile = call.path["key"], self._profile(call)
        return {key: profile[key]} if key in profile else {}

    async def _put(self, call: Call) -> Reply:
        key = call.path["key"]
        value = call.wanted(key)
        if call.path["user"] != call.user_id:
            raise bad_request(f"Cannot set another user's {key}", "M_FORBIDDEN")
        if key == "displayname" and len(str(value)) > _LONGEST_NAME:
            raise bad_request(f"Displayname is too long (max {_LONGEST_NAME})")
        self._set(call, value)
        return {}

    async def _delete(self, call: Call) -> Reply:
        if call.path["user"] != call.user_id:
            raise bad_request(f"Cannot set another user's {call.path['key']}", "M_FORBIDDEN")
        self._set(call, None)
        return {}

    def _set(self, call: Call, value: object) -> None:
        profile, key = call.user().profile, call.path["key"]
        if value in (None, ""):
            profile.pop(key, None)
        else:
            profile[key] = value
        if key in ("displayname", "avatar_url"):
            # Synapse answers first and tells the rooms afterwards.
            asyncio.get_running_loop().call_soon(self._memberships.propagate, call.user_id)
