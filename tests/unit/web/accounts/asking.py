"""Short ways to ask the API, and to read what it refuses."""

from __future__ import annotations

from typing import Any

from bridge.model.ids import PersonId, RoomId
from tests.unit.web.conftest import Client
from tests.unit.web.rig import PASSWORD, Rig, Visitor

Told = tuple[int, str, str | None]
"""Status, code and field of a refusal."""


async def ask(client: Client, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, dict[str, Any]]:
    """Ask without a session; return status and answer."""
    response = await client.request(method, f"/api/v1/{path}", json=body, **more)
    return response.status, await response.json()


async def refused(client: Client, method: str, path: str, body: Any = None, **more: Any) -> Told:
    """Ask without a session for what is refused."""
    status, answer = await ask(client, method, path, body, **more)
    assert "error" in answer, answer
    return status, answer["error"]["code"], answer["error"].get("field")


async def told(who: Visitor, method: str, path: str, body: Any = None) -> Told:
    """Ask for what is refused, with a session."""
    response = await who.ask(method, f"/api/v1/{path}", body)
    error = (await response.json())["error"]
    return response.status, error["code"], error.get("field")


async def invite_to(rig: Rig, room: str | None, by: str | None = None, **more: Any) -> str:
    """Make an invite; return its token."""
    place = None if room is None else RoomId(room)
    _, token = await rig.accounts.invites.make(None if by is None else PersonId(by), room=place, **more)
    return token


async def signed_up(client: Client, name: str, **more: Any) -> Visitor:
    """Sign up; return who did."""
    status, answer = await ask(client, "POST", "signup", {"name": name, "password": PASSWORD, **more})
    assert status == 201, answer
    return Visitor(client, answer)


async def guest(client: Client, invite: str, name: str) -> Visitor:
    """Come as a guest; return who did."""
    status, answer = await ask(client, "POST", "guests", {"invite": invite, "display_name": name})
    assert status == 201, answer
    return Visitor(client, answer)
