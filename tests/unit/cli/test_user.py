"""`rialto user` on a database without a server: what it does, and what it says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.cli.user import command
from bridge.model.clock import now_ms
from bridge.model.ids import SessionId
from bridge.store import accounts, invites, sessions, tickets
from bridge.store.database import Database, open_database
from bridge.store.sessions import StoredSession
from bridge.web.accounts import token_hash

T = TypeVar("T")
DOCS = (Path(__file__).parents[3] / "docs" / "accounts.md").read_text()
HOUR_MS = 3_600_000

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation in the present folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RIALTO_CONFIG", raising=False)
    made = CliRunner().invoke(main, ["init", "--yes", "--server-name", "example.org"])
    assert made.exit_code == 0, made.output


def run(*words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["user", *words], input=stdin)


def done(*words: str, stdin: str = "") -> str:
    """Run what succeeds; return what it printed for programs."""
    result = run(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def looked(work: Callable[[Database], Awaitable[T]]) -> T:
    """Do something with the database."""

    async def with_database() -> T:
        db = open_database(f"sqlite:///{Path('local/rialto.db').absolute()}")
        try:
            return await work(db)
        finally:
            await db.close()

    return asyncio.run(with_database())


def add(name: str, *more: str) -> None:
    done("add", name, "--password-stdin", *more, stdin="a good password\n")


def token(output: str, kind: str) -> str:
    found = re.fullmatch(rf"http://127\.0\.0\.1:8090/{kind}/([\w-]{{43}})\n", output)
    assert found is not None, output
    return found[1]


def test_every_command_is_in_the_guide_and_no_other() -> None:
    documented = set(re.findall(r"`rialto user (\w+)", DOCS.split("## From the command line")[1]))
    assert documented == set(command.commands)


def test_a_link_for_a_new_password() -> None:
    add("ada")
    result = run("reset", "ADA")
    assert result.exit_code == 0
    hashed = token_hash(token(result.stdout, "ticket"))
    assert "once, until" in result.stderr
    ticket = looked(lambda db: db.read(lambda c: tickets.find(c, hashed, now_ms())))
    assert ticket is not None
    assert ticket.purpose == "reset"
    assert 23 * HOUR_MS < ticket.expires_at - now_ms() <= 24 * HOUR_MS
    missing = run("reset", "nobody")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "name: There is no account 'nobody'." in missing.stderr


def test_administrators_are_made_and_unmade() -> None:
    add("ada")
    assert done("admin", "ada", "on") == "ada is an administrator now.\n"
    assert re.search(r"^ada +p\w+ admin$", done("list"), re.MULTILINE)
    # Even the last one: from here another can be made.
    assert done("admin", "ada", "off") == "ada is no administrator any more.\n"
    assert "admin" not in done("list")
    assert run("admin", "ada", "perhaps").exit_code == 2
    done("deactivate", "ada")
    closed = run("admin", "ada", "on")
    assert closed.exit_code == 1
    assert "Only an open account can administer" in closed.stderr


def test_a_claim_makes_the_one_before_void() -> None:
    first, second = [token_hash(token(done("claim"), "ticket")) for _ in range(2)]
    assert looked(lambda db: db.read(lambda c: tickets.find(c, first, now_ms()))) is None
    ticket = looked(lambda db: db.read(lambda c: tickets.find(c, second, now_ms())))
    assert ticket is not None
    assert ticket.purpose == "claim"


def test_sessions_are_listed_and_ended() -> None:
    add("ada")
    assert done("sessions", "ada") == "ada is signed in nowhere.\n"

    async def sign_in(db: Database) -> None:
        ada = await db.read(lambda c: accounts.by_name(c, "ada"))
        assert ada is not None
        made = StoredSession(
            SessionId("s1"), ada.id, "hash", "Firefox 140", "10.0.0.7", created_at=now_ms(), used_at=now_ms()
        )
        await db.write(lambda c: sessions.add(c, made))

    looked(sign_in)
    assert re.fullmatch(r"s1 last used \d{4}-\d\d-\d\d \d\d:\d\d 10\.0\.0\.7 Firefox 140\n", done("sessions", "ada"))
    assert done("signout", "ada") == "ada is signed out everywhere (1 session).\n"
    assert done("signout", "ada") == "ada is signed out everywhere (0 sessions).\n"


def test_invites_are_made_listed_and_revoked() -> None:
    assert done("invites") == "There are no open invites to this server: rialto user invite\n"
    made = run("invite", "--days", "2", "--uses", "5")
    hashed = token_hash(token(made.stdout, "invite"))
    invite = looked(lambda db: db.read(lambda c: invites.by_token(c, hashed)))
    assert invite is not None
    assert made.stderr.startswith(f"{invite.id}: for 5 people, until ")
    assert invite.expires_at == invite.created_at + 48 * HOUR_MS
    assert re.fullmatch(rf"{invite.id} used 0 of 5, until \d{{4}}-.*\n", done("invites"))
    assert done("uninvite", invite.id) == f"{invite.id} is revoked.\n"
    again = run("uninvite", invite.id)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "There is no such invite that is open." in again.stderr
    for words in (("--days", "0"), ("--uses", "0"), ("--uses", "many")):
        assert run("invite", *words).exit_code == 2


def test_what_is_closed_gets_no_password() -> None:
    add("ada")
    done("deactivate", "ada")
    assert re.search(r"^ada +p\w+ closed$", done("list"), re.MULTILINE)
    result = run("passwd", "ada", "--password-stdin", stdin="another password\n")
    assert result.exit_code == 1
    assert "Nobody signs in to this account." in result.stderr
    taken = run("add", "ada", "--password-stdin", stdin="another password\n")
    assert taken.exit_code == 1
    assert "looks like a name that somebody has already" in taken.stderr
