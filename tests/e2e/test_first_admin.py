"""A new server and its first administrator: the link that `rialto run` prints, through stops, and then no more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.faults.scene import homeserver
from tests.rigs.rialto import Rialto

pytestmark = pytest.mark.timeout(120)
PASSWORD = "correct horse"


def links(rialto: Rialto) -> list[str]:
    """Return the tokens of all links that were printed so far."""
    log = (rialto.directory / "rialto.log").read_text()
    return re.findall(rf"{re.escape(rialto.url)}/ticket/([\w-]+)", log)


async def ask(rialto: Rialto, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{rialto.url}/api/v1/{path}", json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_the_first_administrator_comes_by_the_link_of_the_last_start(tmp_path: Path) -> None:
    rialto = Rialto(tmp_path)
    async with homeserver("fake", tmp_path, rialto) as beside, rialto:
        rialto.configure(beside.url)
        await rialto.start()
        await rialto.ready()
        await rialto.kill()
        await rialto.start()
        await rialto.ready()
        first, second = links(rialto)
        claim = {"name": "root", "password": PASSWORD}
        status, answer = await ask(rialto, "POST", "claim", {**claim, "token": first})
        assert (status, answer["error"]["code"]) == (404, "no_such_ticket")
        status, answer = await ask(rialto, "POST", "claim", {**claim, "token": second})
        assert (status, answer["account"]["admin"]) == (201, True)
        token = answer["token"]

        # Commands reach the running server, and end what is open there.
        code, output = await rialto.command("user", "invite", "--uses", "2")
        assert code == 0, output
        invite = re.findall(r"/invite/([\w-]+)", output)[0]
        body = {"name": "ada", "password": PASSWORD, "invite": invite}
        status, answer = await ask(rialto, "POST", "signup", body)
        assert status == 201
        code, output = await rialto.command("user", "signout", "root")
        assert (code, output) == (0, "root is signed out everywhere (1 session).\n")
        assert (await ask(rialto, "GET", "account", token=token))[0] == 401
        audit = [line for line in (rialto.directory / "rialto.log").read_text().splitlines() if "operator" in line]
        assert len(audit) == 2
        assert not any(invite in line or token in line for line in audit)

        await rialto.stop()
        await rialto.start()
        await rialto.ready()
        assert links(rialto) == [first, second]
        assert (await ask(rialto, "GET", "account", token=answer["token"]))[1]["name"] == "ada"
