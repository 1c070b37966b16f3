"""`rialto db`: what it says of a database, how it brings one up to date, and how it moves one to PostgreSQL."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection, create_engine, text

from bridge.app.lock import held_on_server
from bridge.cli import main
from bridge.cli.db import command
from bridge.core.people import People
from bridge.model.ids import MATRIX
from bridge.store import blobs, inbox, schema
from bridge.store.blobs import Blob
from bridge.store.database import open_database
from bridge.store.inbox import Arrival
from bridge.store.postgres.connecting import without_nul
from bridge.store.postgres.copying import MADE_ANEW
from bridge.store.tables import metadata
from tests.fakes.tidy import TidyNetwork
from tests.rigs.database import new_database
from tests.rigs.installation import Installation
from tests.rigs.postgresql import cluster, require_postgresql

pytestmark = pytest.mark.usefixtures("in_folder")


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RIALTO_CONFIG", raising=False)
    (tmp_path / "local").mkdir()
    settings(tmp_path, "sqlite:///rialto.db")


def settings(folder: Path, database: str) -> None:
    (folder / "local" / "rialto.yaml").write_text(
        f"homeserver: {{url: http://h, server_name: example.org}}\ndatabase: {database}\n", encoding="utf-8"
    )


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["db", *words])


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An installation's database, in which nothing is yet."""
    if request.param == "postgresql":
        require_postgresql()
        made = cluster().empty()
        settings(tmp_path, made)
        return made
    made = f"sqlite:///{tmp_path / 'local' / 'rialto.db'}"
    create_engine(made).connect().close()
    Path(tmp_path / "local" / "rialto.db").touch()
    return made


def test_an_empty_database_is_brought_up_to_date_once(url: str) -> None:
    newest = schema.newest()
    assert f"no schema yet: the first start makes {newest}" in run("status").output
    assert run("upgrade").output == f"schema {newest}: upgraded from nothing\n"
    assert run("upgrade").output == f"schema {newest}: up to date already\n"
    said = run("status")
    assert said.exit_code == 0
    assert said.output.splitlines()[1:] == ["rooms: 0", "people: 0", "events: 0", f"schema {newest}: up to date"]


def test_the_page_of_the_database_lists_every_command() -> None:
    page = (Path(__file__).parents[3] / "docs" / "database.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `rialto db (\w+)", page, re.MULTILINE)) == set(command.commands)


@pytest.mark.parametrize("words", [["upgrade"], ["status"]])
def test_a_newer_schema_is_refused_in_a_clear_line(url: str, words: list[str]) -> None:
    schema.upgrade(url)
    schema.inside(url, lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")).rowcount)
    result = run(*words)
    assert result.exit_code == 1
    assert "schema 9999" in result.output
    assert "run the newer" in result.output
    assert "Traceback" not in result.output
    assert schema.revision(url) == "9999"


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run("status")
    assert result.exit_code == 1
    assert "there is no file" in result.stderr
    assert not (tmp_path / "local" / "rialto.db").exists(), "looking makes nothing"


def test_a_database_at_which_another_works_is_left_alone(tmp_path: Path) -> None:
    require_postgresql()
    url = cluster().empty()
    settings(tmp_path, url)

    async def meanwhile() -> Result:
        async with held_on_server(url):
            return await asyncio.to_thread(run, "upgrade")

    result = asyncio.run(meanwhile())
    assert result.exit_code == 1
    assert "another Rialto works on this database" in result.stderr
    assert schema.revision(url) is None


async def fill(folder: Path) -> None:
    """Make an installation with something in every corner that a copy could lose."""
    async with Installation(folder, TidyNetwork()) as world:
        anna, bela = await world.person("Anna"), await world.person("安娜\x00")
        room = await world.room(anna, bela, name="Piazza")
        for number in range(30):
            await world.native.say(room.id, anna, f"line {number} 中文 \x00 \U0001f600")
        await world.idle()
        arrivals = [Arrival("!a", f"$e{number}", b"\x00\xff" * number) for number in range(5)]
        rows = await world.db.write(lambda c: inbox.store_transaction(c, MATRIX, "7", "digest", arrivals))
        await world.db.write(lambda c: inbox.remove(c, [row.id for row in rows[3:]]))
        await world.db.write(lambda c: blobs.put(c, Blob("b", "image/png", bytes(range(256)) * 1000)))


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A SQLite database with a conversation in it."""
    require_postgresql()
    folder = tmp_path / "local"
    monkeypatch.setattr("tests.rigs.installation.new_url", lambda where: f"sqlite:///{new_database(where)}")
    asyncio.run(fill(folder))
    return f"sqlite:///{folder / 'rialto.db'}"


def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that is copied, as PostgreSQL can hold it."""
    tables = [table for table in metadata.sorted_tables if table.name not in MADE_ANEW]

    def read(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
        found = {table.name: connection.execute(table.select()).all() for table in tables}
        return {name: sorted((without_nul(tuple(row)) for row in rows), key=repr) for name, rows in found.items()}

    return schema.inside(url, read)


def test_everything_is_copied_and_numbers_go_on(filled: str, tmp_path: Path) -> None:
    target = cluster().empty()
    result = run("copy", "--to", target)
    assert result.exit_code == 0, result.output
    assert "events: 32" in result.output
    assert "Now set `database` to the new URL" in result.output
    assert contents(target) == contents(filled)
    assert sum(map(len, contents(target).values())) > 70

    async def go_on() -> list[int]:
        db = open_database(target)
        known = People(db)
        await known.start()
        rows = await db.write(lambda c: inbox.store(c, MATRIX, [Arrival("!a", "$later", b"x")]))
        await db.close()
        return [row.id for row in rows]

    assert asyncio.run(go_on()) == [6], "a number whose row is gone is not given again"


def test_a_target_that_is_not_empty_is_left_as_it_is(filled: str) -> None:
    target = cluster().new()
    assert run("copy", "--to", target).exit_code == 0
    before = contents(target)
    result = run("copy", "--to", target)
    assert result.exit_code == 1
    assert "is not empty" in result.stderr
    assert "createdb" in result.stderr
    assert contents(target) == before


def test_a_copy_that_fails_in_the_middle_leaves_nothing_and_can_be_repeated(filled: str, tmp_path: Path) -> None:
    target = cluster().new()
    with closing(sqlite3.connect(tmp_path / "local" / "rialto.db")) as broken:
        broken.execute("UPDATE blobs SET media_type = ?", ("x" * 65,))
        broken.commit()
        result = run("copy", "--to", target)
        assert result.exit_code == 1
        assert "a row of blobs does not fit" in result.stderr
        assert not any(contents(target).values())
        broken.execute("UPDATE blobs SET media_type = 'image/png'")
        broken.commit()
    assert run("copy", "--to", target).exit_code == 0


def test_what_cannot_be_copied_is_said(filled: str, tmp_path: Path) -> None:
    assert "must begin with postgresql://" in run("copy", "--to", "sqlite:///other.db").output
    assert "--to or with --to-file" in run("copy").output
    (tmp_path / "url").write_text(cluster().empty() + "\n", encoding="utf-8")
    assert run("copy", "--to-file", "url").exit_code == 0
    settings(tmp_path, cluster().new())
    assert "pg_dump" in run("copy", "--to", cluster().empty()).output


def test_a_source_at_which_somebody_works_is_not_copied(filled: str) -> None:
    target = cluster().new()

    async def meanwhile(work: Callable[[], Awaitable[Result]]) -> Result:
        async with held_on_server(target):
            return await work()

    result = asyncio.run(meanwhile(lambda: asyncio.to_thread(run, "copy", "--to", target)))
    assert result.exit_code == 1
    assert "another Rialto works on this database" in result.stderr


async def test_text_of_the_target_holds_no_nul(filled: str) -> None:
    target = cluster().new()
    result = await asyncio.to_thread(run, "copy", "--to", target)
    assert result.exit_code == 0
    connection = await asyncpg.connect(target)
    names = {row["name"] for row in await connection.fetch("SELECT name FROM people")}
    await connection.close()
    assert "安娜\ufffd" in names
