"""Fixtures of the web tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient
from aiohttp.test_utils import TestClient

from tests.unit.web.rig import Rig, Visitor, rigged, visitor

Client: TypeAlias = TestClient[web.Request, web.Application]
SignIn: TypeAlias = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Everything behind the page, without limits."""
    async with rigged(tmp_path) as made:
        yield made


@pytest.fixture
async def client(rig: Rig, aiohttp_client: AiohttpClient) -> Client:
    """A client of the running application."""
    return await aiohttp_client(rig.app)


@pytest.fixture
def sign_in(rig: Rig, client: Client) -> SignIn:
    """Make an account and sign in with it."""

    async def make(name: str, **more: Any) -> Visitor:
        return await visitor(rig, client, name, **more)

    return make


@pytest.fixture
async def ada(sign_in: SignIn) -> Visitor:
    """Somebody."""
    return await sign_in("ada")


@pytest.fixture
async def bob(sign_in: SignIn) -> Visitor:
    """Somebody else."""
    return await sign_in("bob")


@pytest.fixture
async def room(ada: Visitor, rig: Rig) -> str:
    """A public room of Ada's, with its chat on the small network."""
    made = await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201)
    await rig.network.settled()
    return str(made["id"])
