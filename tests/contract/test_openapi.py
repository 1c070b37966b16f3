"""The API against its own document: schemathesis asks everything, right and wrong, as each kind of visitor.

It runs as a program of its own beside a real server. Whatever it sends, the server answers as documented: no 5xx, no
answer of another shape, nothing taken that the document forbids, nothing refused that it allows.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from tests.unit.web.rig import PNG, Rig, Visitor, rigged, visitor

PROGRAM = Path(sys.executable).with_name("schemathesis")
SEED = 20_261

ENDING = ("signOut", "closeAccount", "endOtherSessions", "deleteRoom", "leaveRoom")
"""After these one is not who one was: they are asked last, and by themselves."""

BEYOND = {
    "bindIdentity": "there is no such provider",
    "changeAccount": "a name of nothing but blanks",
    "changePassword": "the old password is needed where there is one",
    "changeRoom": "nothing to change, a name of nothing but blanks",
    "claimServer": "a login name with other characters",
    "kickMember": "oneself",
    "makeAccount": "a login name with other characters",
    "makeRoom": "a name of nothing but blanks",
    "openConversation": "oneself",
    "rankMember": "a role that is not given to this person",
    "search": "a `before` that no answer has given, a query of nothing to look for",
    "setOwnAvatar": "bytes that are no picture",
    "setRoomAvatar": "bytes that are no picture",
    "write": "what an event needs depends on its kind",
}
"""Operations with rules that no schema can say, and what such a rule is about: there the document may allow what is
answered with 400 or 415. Everywhere else what is allowed must be taken."""


@dataclass
class Stage:
    """A running server on which there is something of everything, and somebody of each kind."""

    url: str
    tokens: dict[str, str]
    known: dict[str, str]
    folder: Path


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Start the server, and furnish it."""
    async with rigged(tmp_path) as rig, TestClient(TestServer(rig.app)) as client:
        ada = await visitor(rig, client, "ada", admin=True)
        bob = await visitor(rig, client, "bob")
        eve = await visitor(rig, client, "eve")
        spare = await visitor(rig, client, "spare")
        yield Stage(
            url=str(client.make_url("")).rstrip("/"),
            tokens={"admin": ada.token, "member": bob.token, "guest": eve.token, "nobody": ""},
            known=await _furnished(rig, ada, [bob, eve, spare]),
            folder=tmp_path,
        )


async def _furnished(rig: Rig, ada: Visitor, others: Sequence[Visitor]) -> dict[str, str]:
    """Make a room with people, lines and an invite; return what addresses may hold."""
    room = (await ada.post("/api/v1/rooms", {"name": "Lobby"}, status=201))["id"]
    for each in others:
        await each.post(f"/api/v1/rooms/{room}/join")
    said = await others[0].say(room, "hello, this is said")
    await rig.make_guest(others[1].person)
    invite = await ada.post(f"/api/v1/rooms/{room}/invites", {}, status=201)
    assert (await ada.ask("PUT", "/api/v1/account/avatar", data=PNG)).status == 200
    spare = others[-1]
    return {
        "room": room,
        "person": spare.person,
        "account": spare.account["id"],
        "event": said["id"],
        "invite": invite["invite"]["id"],
        "token": invite["url"].rsplit("/", 1)[1],
    }


def _configuration(known: dict[str, str]) -> str:
    allowed = ["2xx", "3xx", "401", "403", "404", "409", "410", "413", "429"]
    lines = [
        "[parameters]",
        *(f'"path.{name}" = "{value}"' for name, value in known.items()),
        "[checks.positive_data_acceptance]",
        f"expected-statuses = {allowed}",
    ]
    for operation in BEYOND:
        lines += [
            "[[operations]]",
            f'include-operation-id = "{operation}"',
            f"checks.positive_data_acceptance.expected-statuses = {[*allowed, '400', '415']}",
        ]
    return "\n".join(lines) + "\n"


async def _asked(stage: Stage, who: str, known: dict[str, str], *more: str) -> None:
    """Run schemathesis; AssertionError with what it prints where it finds a fault."""
    configuration = stage.folder / f"{who}.toml"
    configuration.write_text(_configuration(known))
    given = ["-H", f"Authorization: Bearer {stage.tokens[who]}"] if stage.tokens[who] else []
    program = await asyncio.create_subprocess_exec(
        str(PROGRAM),
        *("--config-file", str(configuration), "run", f"{stage.url}/api/v1/openapi.json", "--url", stage.url),
        *("--checks", "all", "--seed", str(SEED), "--generation-database", "none", "--warnings", "off", *given, *more),
        cwd=stage.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await program.communicate()
    assert program.returncode == 0, printed.decode()


def _but(operations: Sequence[str]) -> list[str]:
    return [part for each in operations for part in ("--exclude-operation-id", each)]


def _only(operations: Sequence[str]) -> list[str]:
    return [part for each in operations for part in ("--include-operation-id", each)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("who", "phases", "examples"),
    [("admin", "coverage,fuzzing", 3), ("member", "fuzzing", 5), ("guest", "fuzzing", 3), ("nobody", "fuzzing", 1)],
)
async def test_the_api_keeps_to_its_document(stage: Stage, who: str, phases: str, examples: int) -> None:
    more = ("--phases", phases, "--max-examples", str(examples))
    with capture_logs() as logs:
        await _asked(stage, who, stage.known, *more, *_but(ENDING))
        await _asked(stage, who, stage.known, *more, *_only(ENDING))
    assert [each for each in logs if each["log_level"] in ("error", "critical")] == []


@pytest.mark.slow
async def test_names_that_nothing_has_are_taken_too(stage: Stage) -> None:
    """In the other runs addresses name what there is."""
    with capture_logs() as logs:
        await _asked(stage, "admin", {}, "--phases", "fuzzing", "--max-examples", "2", *_but(ENDING))
    assert [each for each in logs if each["log_level"] in ("error", "critical")] == []
