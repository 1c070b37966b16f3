"""Everything behind the page, real but for the network: a database on disk, a hub, accounts, the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher
from sqlalchemy import Connection, update
from yarl import URL

from bridge.core.hub import Hub
from bridge.core.native import Native
from bridge.core.people import People
from bridge.model.clock import now_ms
from bridge.model.errors import Rejected
from bridge.model.ids import PersonId
from bridge.store import tables
from bridge.store.database import Database, open_database
from bridge.web.accounts import DAY_MS, HOUR_MS, AccountOptions, Accounts
from bridge.web.parts import WebLimits, WebParts
from bridge.web.site import make_app
from bridge.web.sso.options import SignInOptions
from tests.rigs.database import new_url
from tests.unit.web.network import SmallNetwork

PASSWORD = "a good password"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16
# The cheapest that argon2 allows: the tests are about what is done with passwords.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NO_SIGN_IN = SignInOptions()
ROOMY = WebLimits(messages_per_second=0, logins_per_minute=0, changes_per_minute=0, signups_per_address=0)


ROOMY_ACCOUNTS = AccountOptions(signups_per_hour=0, guests_per_hour=0)


class Clock:
    """The time of accounts, which a test can move."""

    def __init__(self) -> None:
        self._ahead = 0

    def __call__(self) -> int:
        return now_ms() + self._ahead

    def forward(self, *, days: float = 0, hours: float = 0) -> None:
        """Let time pass."""
        self._ahead += int(days * DAY_MS + hours * HOUR_MS)


class SmallAvatars:
    """Pictures of another network; implements `RemoteAvatars`."""

    def __init__(self) -> None:
        self.pictures: dict[str, bytes] = {}

    async def fetch(self, reference: str) -> tuple[bytes, str]:
        if reference not in self.pictures:
            raise Rejected("no such picture", status=404)
        return self.pictures[reference], "image/png"


@dataclass
class Rig:
    """What a test gets: the parts, and short ways to use them."""

    db: Database
    hub: Hub
    people: People
    native: Native
    accounts: Accounts
    network: SmallNetwork
    avatars: SmallAvatars
    parts: WebParts
    app: web.Application
    clock: Clock
    tokens: dict[str, str] = field(default_factory=dict)

    async def make_guest(self, person: str) -> None:
        """Let the account of a person be a guest's."""

        def unit(connection: Connection) -> None:
            connection.execute(update(tables.accounts).where(tables.accounts.c.person == person).values(kind="guest"))

        await self.db.write(unit)
        self.people.forget(PersonId(person))


@asynccontextmanager
async def rigged(
    folder: Path,
    *,
    limits: WebLimits = ROOMY,
    url: str = "http://127.0.0.1:8090",
    sign_in: SignInOptions = NO_SIGN_IN,
    database: str = "",
    options: AccountOptions = ROOMY_ACCOUNTS,
) -> AsyncIterator[Rig]:
    """Start everything but the listener, on a new database or the given one; stop it at the end."""
    db = open_database(database or new_url(folder))
    people = People(db)
    await people.start()
    hub, network, avatars = Hub(db, people), SmallNetwork(), SmallAvatars()
    network.hub = hub
    hub.add(network)
    native = Native(hub)
    clock = Clock()
    accounts = Accounts(db, people, native, CHEAP, options=options, clock=clock)

    async def metrics() -> str:
        return "rialto_up 1\n"

    parts = WebParts(
        db=db,
        hub=hub,
        native=native,
        accounts=accounts,
        server_name="example.org",
        avatars=avatars,
        metrics=metrics,
        url=url,
        limits=limits,
        sign_in=sign_in,
    )
    running = asyncio.create_task(hub.run())
    try:
        yield Rig(db, hub, people, native, accounts, network, avatars, parts, make_app(parts), clock)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await db.close()


class Visitor:
    """Somebody who is signed in, as another program would be."""

    def __init__(self, client: TestClient[web.Request, web.Application], answer: dict[str, Any]) -> None:
        self.client = client
        self.token: str = answer["token"]
        self.account: dict[str, Any] = answer["account"]
        self.person: str = answer["account"]["person"]

    async def ask(self, method: str, path: str | URL, json: Any = None, **more: Any) -> ClientResponse:
        """Ask with the token."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return await self.client.request(method, path, json=json, headers=headers, **more)

    async def get(self, path: str, status: int = 200) -> Any:
        """Ask, check the status, return the answer."""
        response = await self.ask("GET", path)
        assert response.status == status, await response.text()
        return await response.json()

    async def post(self, path: str, json: Any = None, status: int = 200) -> Any:
        """Post JSON, check the status, return the answer."""
        response = await self.ask("POST", path, {} if json is None else json)
        assert response.status == status, await response.text()
        return await response.json()

    async def say(self, room: str, text: str, status: int = 201, **more: Any) -> Any:
        """Write a line."""
        body = {"kind": "said", "content": {"text": text}, **more}
        return await self.post(f"/api/v1/rooms/{room}/events", body, status)

    async def events(self, room: str, query: str = "") -> list[dict[str, Any]]:
        """Read a page of the log."""
        found: list[dict[str, Any]] = (await self.get(f"/api/v1/rooms/{room}/events{query}"))["events"]
        return found

    async def texts(self, room: str, query: str = "") -> list[str]:
        """Read what was said."""
        return [line["content"]["text"] for line in await self.events(room, query) if line["kind"] == "said"]


async def visitor(rig: Rig, client: TestClient[web.Request, web.Application], name: str, **more: Any) -> Visitor:
    """Make an account and sign in."""
    await rig.accounts.add(name, PASSWORD, **more)
    response = await client.post("/api/v1/login", json={"name": name, "password": PASSWORD})
    assert response.status == 200, await response.text()
    return Visitor(client, await response.json())
