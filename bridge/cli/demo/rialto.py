"""The demo's Rialto: its command, its account, and the Lobby, made through the same doors that everybody uses."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

import aiohttp

from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.layout import Layout
from bridge.cli.demo.state import Account, Lobby
from bridge.model.errors import SchemaTooNew
from bridge.settings.loading import variables
from bridge.store import accounts, schema
from bridge.store.database import open_database

NAME = "Lobby"
TOPIC = "The demo's room: what is written here is read on Matrix, and the other way round."


def command(layout: Layout) -> tuple[str, ...]:
    """Return the command that runs Rialto until SIGTERM."""
    return (sys.executable, "-P", "-m", "bridge.cli", "run", "--config", str(layout.config))


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without the settings in it: they are meant for another Rialto, with another database."""
    kept = {name: value for name, value in environ.items() if name not in {*variables(), "RIALTO_CONFIG"}}
    return {**kept, "PYTHONUNBUFFERED": "1"}


def ensure_schema(layout: Layout) -> None:
    """Bring the database to this version's schema. Raises DemoError for one that a newer Rialto wrote."""
    try:
        schema.upgrade(f"sqlite:///{layout.database}")
    except SchemaTooNew as error:
        raise DemoError(f"{layout.database}: {error}; or add --fresh") from error


async def ensure_account(layout: Layout, account: Account) -> None:
    """Make the web account unless it is there; no server may run on the database. Raises DemoError."""
    if await _has_account(layout, account.name):
        return
    adding = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "bridge.cli", "user", "add", account.name, "--password-stdin"),
        *("--config", str(layout.config)),
        cwd=layout.root,
        env=environment(os.environ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await adding.communicate(f"{account.password}\n".encode())
    if adding.returncode != 0:
        raise DemoError(
            f"the web account {account.name} cannot be made: --fresh starts anew; `rialto user add` says",
            details=output.decode(errors="replace").strip(),
        )


async def _has_account(layout: Layout, name: str) -> bool:
    database = open_database(f"sqlite:///{layout.database}")
    try:
        return await database.read(lambda connection: accounts.by_name(connection, name)) is not None
    finally:
        await database.close()


async def ready(session: aiohttp.ClientSession, url: str) -> bool:
    """Tell whether every part of Rialto is ready."""
    async with session.get(f"{url}/healthz/ready") as answer:
        return answer.status == 200


async def ensure_lobby(session: aiohttp.ClientSession, url: str, account: Account) -> Lobby:
    """Return the account's room Lobby; it is made, or entered, where that is still to be done."""
    login = await _call(session, "POST", f"{url}/api/v1/login", {"name": account.name, "password": account.password})
    headers = {"Authorization": f"Bearer {login['token']}"}
    rooms = (await _call(session, "GET", f"{url}/api/v1/rooms", headers=headers))["rooms"]
    room = next((room for room in rooms if room["name"] == NAME), None)
    if room is None:
        wanted = {"name": NAME, "topic": TOPIC, "public": True}
        room = await _call(session, "POST", f"{url}/api/v1/rooms", wanted, headers=headers)
    elif not room["joined"]:
        await _call(session, "POST", f"{url}/api/v1/rooms/{room['id']}/join", {}, headers=headers)
    await _call(session, "POST", f"{url}/api/v1/logout", {}, headers=headers)
    return Lobby(room["id"], room["alias"])


async def _call(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Return the JSON that Rialto answers. Raises aiohttp.ClientError for what may pass, DemoError for a refusal."""
    async with session.request(method, url, json=body, headers=headers) as answer:
        text = await answer.text()
        if answer.status >= 500 or answer.status == 429:
            answer.raise_for_status()  # may pass: the caller asks again
        if answer.status >= 400:
            raise DemoError(f"Rialto refuses {method} {url} ({answer.status}): --fresh starts anew", details=text)
        return await answer.json() if text else {}
