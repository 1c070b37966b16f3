"""`rialto doctor` beside a real Synapse: green where all is well, red with the right remedy where it is not."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.scene import homeserver
from tests.rigs.ports import free_port
from tests.rigs.rialto import Rialto

pytestmark = [
    pytest.mark.homeserver,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def beside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rialto]:
    """Run Synapse beside an installation of Rialto."""
    directory = tmp_path_factory.mktemp("doctor")
    rialto = Rialto(directory / "rialto", database="sqlite:///rialto.db")
    async with homeserver("synapse", directory, rialto) as hs, rialto:
        rialto.configure(hs.url)
        yield rialto


@pytest_asyncio.fixture(loop_scope="module")
async def rialto(beside: Rialto) -> AsyncIterator[Rialto]:
    """Lend the installation, which does not run, and put its files right again afterwards."""
    files = {path: path.read_bytes() for path in (beside.config_path, beside.registration_path)}
    yield beside
    await beside.stop()
    for path, content in files.items():
        path.write_bytes(content)
    for path in beside.directory.glob("rialto.db*"):
        path.unlink()


def swap(path: Path, old: str, new: str) -> None:
    """Put `new` in place of `old`, which must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def sick(rialto: Rialto) -> str:
    """Run the doctor, who is to find something: all that it says."""
    code, output = await rialto.command("doctor")
    assert code == 1, output
    return output


async def test_all_is_well_with_and_without_a_running_rialto(rialto: Rialto) -> None:
    code, output = await rialto.command("doctor")
    assert code == 0, output
    assert "the doctor's own listener: Rialto is not running" in output
    await rialto.start()
    await rialto.ready()
    code, output = await rialto.command("doctor")
    assert code == 0, output
    assert "(the running Rialto)" in output
    for what in ("registration", "database", "homeserver", "clock", "as_token", "ping", "media"):
        assert re.search(rf"^✓ {what}: ", output, re.MULTILINE), output


async def test_a_wrong_as_token(rialto: Rialto) -> None:
    swap(rialto.registration_path, rialto.registration.as_token, "x" * 64)
    output = await sick(rialto)
    assert "✗ as_token: the homeserver does not know it" in output
    assert f"add {rialto.registration_path} to app_service_config_files" in output


async def test_a_wrong_hs_token(rialto: Rialto) -> None:
    swap(rialto.registration_path, rialto.registration.hs_token, "y" * 64)
    output = await sick(rialto)
    assert "✗ ping: " in output
    assert "does not take its hs_token" in output


async def test_a_wrong_homeserver_address(rialto: Rialto) -> None:
    text = rialto.config_path.read_text()
    nowhere = f"http://127.0.0.1:{free_port()}"
    rialto.config_path.write_text(re.sub(r"(homeserver:\n  url: )\S+", rf"\g<1>{nowhere}", text))
    output = await sick(rialto)
    assert "✗ homeserver: " in output
    assert f"start the homeserver, or mend homeserver.url ({nowhere})" in output


async def test_a_wrong_port_of_ours(rialto: Rialto) -> None:
    # The homeserver goes on calling the port of the registration that it has read.
    other = free_port()
    swap(rialto.config_path, f":{rialto.appservice_port}", f":{other}")
    swap(rialto.registration_path, f":{rialto.appservice_port}", f":{other}")
    output = await sick(rialto)
    assert "✗ ping: " in output
    assert "mend appservice.url or appservice.listen" in output


async def test_a_wrong_hs_token_beside_a_rialto_that_runs_with_the_right_one(rialto: Rialto) -> None:
    await rialto.start()
    await rialto.ready()
    swap(rialto.registration_path, rialto.registration.hs_token, "y" * 64)
    output = await sick(rialto)
    assert "✗ ping: " in output
    assert "put back the hs_token" in output


@pytest.mark.parametrize("which", ["both", "appservice.url"])
async def test_a_wrong_port_beside_a_rialto_that_runs_on_the_right_one(rialto: Rialto, which: str) -> None:
    await rialto.start()
    await rialto.ready()
    here, other = f"127.0.0.1:{rialto.appservice_port}", f"127.0.0.1:{free_port()}"
    swap(rialto.registration_path, here, other)
    swap(rialto.config_path, here if which == "both" else f"http://{here}", other if which == "both" else f"http://{other}")
    output = await sick(rialto)
    assert "✗ ping: " in output
    assert f"mend appservice.url (http://{other}) or appservice.listen" in output


async def test_another_server_name(rialto: Rialto) -> None:
    swap(rialto.config_path, "server_name: localhost", "server_name: example.org")
    output = await sick(rialto)
    assert "set homeserver.server_name to localhost" in output


async def test_something_else_sits_on_our_port(rialto: Rialto) -> None:
    with socket.create_server(("127.0.0.1", rialto.appservice_port)):
        output = await sick(rialto)
    assert "✗ ping: " in output


async def test_a_damaged_database(rialto: Rialto) -> None:
    (rialto.directory / "rialto.db").write_bytes(b"this is no database, and long enough to be looked at" * 100)
    output = await sick(rialto)
    assert "✗ database: " in output
    assert "restore a backup" in output
