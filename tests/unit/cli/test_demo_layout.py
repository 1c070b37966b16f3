"""The demo's folder: foreign files are never touched, and what is broken is named with the remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bridge.cli.demo import state as states
from bridge.cli.demo.errors import DemoError
from bridge.cli.demo.layout import Layout
from bridge.cli.demo.lock import MARK, FolderLock
from bridge.cli.demo.state import Lobby


def made(folder: Path) -> Layout:
    layout = Layout(folder)
    layout.make_root()
    return layout


def test_makes_a_folder_for_this_user_alone(tmp_path: Path) -> None:
    layout = made(tmp_path / "deep" / "demo")
    assert layout.root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("inside", [".", "below"])
def test_a_file_in_place_of_the_folder(tmp_path: Path, inside: str) -> None:
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(DemoError, match=r"demo.* is a file, not a folder: choose another folder with --dir"):
        made(tmp_path / "demo" / inside)
    assert (tmp_path / "demo").read_text() == "mine"


@pytest.mark.parametrize("name", ["rialto.log", "demo.json", "homeserver.db"])
def test_a_folder_in_place_of_a_file(tmp_path: Path, name: str) -> None:
    layout = made(tmp_path)
    (tmp_path / name).mkdir()
    with pytest.raises(DemoError, match=rf"{name} is in the way, a file must be there: move it away"):
        layout.check()


def test_a_file_in_place_of_the_media_folder(tmp_path: Path) -> None:
    layout = made(tmp_path)
    layout.media.write_text("mine")
    with pytest.raises(DemoError, match="homeserver-media is in the way, a folder must be there"):
        layout.check()


@pytest.mark.parametrize("name", ["rialto.db", "homeserver.db"])
def test_a_database_that_is_none(tmp_path: Path, name: str) -> None:
    layout = made(tmp_path)
    (tmp_path / name).write_bytes(b"once upon a time there was a file" * 100)
    with pytest.raises(DemoError, match=rf"{name} is no database or a damaged one .*: --fresh starts anew"):
        layout.check()


def test_removes_its_own_files_and_nothing_else(tmp_path: Path) -> None:
    layout = made(tmp_path)
    foreign = ["notes.txt", "rialto.db.backup", "rialto.yaml.old", ".demo.json.swp"]
    for name in foreign:
        (tmp_path / name).write_text("mine")
    (tmp_path / "photos").mkdir()
    own = ["rialto.db", "rialto.db-wal", "rialto.db.lock", "demo.json", "rialto.log.1", ".demo.json.abcd1234"]
    for name in own:
        (tmp_path / name).write_text("the demo's")
    (layout.media / "local").mkdir(parents=True)
    assert layout.remove() == len(own) + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*foreign, "photos"])


def test_removing_does_not_follow_links(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep").write_text("mine")
    layout = made(tmp_path / "demo")
    layout.media.symlink_to(elsewhere)
    layout.database.symlink_to(elsewhere / "keep")
    layout.remove()
    assert (elsewhere / "keep").read_text() == "mine"
    assert list(layout.root.iterdir()) == []


def test_foreign_files_of_the_same_name_are_not_taken(tmp_path: Path) -> None:
    layout = made(tmp_path)
    layout.config.write_text("an operator's settings")
    with pytest.raises(DemoError, match=r"rialto\.yaml is there and was not made by the demo: choose another folder"):
        FolderLock(layout)
    assert [path.name for path in tmp_path.iterdir()] == ["rialto.yaml"]
    assert layout.config.read_text() == "an operator's settings"


def test_a_foreign_file_in_place_of_the_lock(tmp_path: Path) -> None:
    layout = made(tmp_path)
    layout.lock.write_text("mine")
    with pytest.raises(DemoError, match=r"\.rialto-demo is there and was not made by the demo"):
        FolderLock(layout)
    assert layout.lock.read_text() == "mine"


def test_a_folder_of_the_demos_own_is_taken_again(tmp_path: Path) -> None:
    layout = made(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    FolderLock(layout).release()
    layout.config.write_text("from the first start")
    FolderLock(layout).release()
    assert layout.lock.read_text() == f"{MARK}\nprocess {os.getpid()}\n"


def test_a_second_demo_says_who_has_the_folder(tmp_path: Path) -> None:
    layout = made(tmp_path)
    code = (
        "import sys; from pathlib import Path; from bridge.cli.demo.layout import Layout; "
        "from bridge.cli.demo.lock import FolderLock; lock = FolderLock(Layout(Path(sys.argv[1]))); "
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DemoError, match=rf"runs on {tmp_path} already \(process {holder.pid}\): end it, or choose"):
            FolderLock(layout)
        holder.kill()
    FolderLock(layout).release()


def test_what_is_remembered_is_kept(tmp_path: Path) -> None:
    layout = made(tmp_path)
    state = states.load(layout)
    states.save(layout, state)
    assert states.load(layout) == state
    assert layout.state.stat().st_mode & 0o777 == 0o600
    assert state.server_name == "localhost"
    assert state.user_id == f"@{state.matrix_user.name}:localhost"


def test_two_demos_have_different_secrets(tmp_path: Path) -> None:
    one, other = states.new(), states.new()
    secrets = [*(getattr(one.keys, name) for name in one.keys.__struct_fields__), one.web_user.password]
    others = [*(getattr(other.keys, name) for name in other.keys.__struct_fields__), other.web_user.password]
    assert not set(secrets) & set(others)
    assert len(set(secrets)) == len(secrets)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"server_name": "localhost"}'])
def test_damaged_secrets(tmp_path: Path, content: bytes) -> None:
    layout = made(tmp_path)
    layout.state.write_bytes(content)
    with pytest.raises(DemoError, match=r"demo-state\.json, which holds .* is damaged .*: put it back, or add --fresh"):
        states.load(layout)


def test_lost_secrets(tmp_path: Path) -> None:
    layout = made(tmp_path)
    layout.homeserver_database.touch()
    with pytest.raises(DemoError, match=r"demo-state\.json, which holds .* is gone: put it back, or add --fresh"):
        states.load(layout)


def test_one_lost_database(tmp_path: Path) -> None:
    layout = made(tmp_path)
    lobby = Lobby("r_1", "#rialto_lobby:localhost")
    states.save(layout, msgspec.structs.replace(states.new(), lobby=lobby))
    layout.database.touch()
    with pytest.raises(DemoError, match=r"homeserver\.db is gone, .*: put it back, or add --fresh"):
        states.load(layout)
    layout.homeserver_database.touch()
    assert states.load(layout).lobby == lobby

