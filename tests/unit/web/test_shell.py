"""The page's document at each of its addresses, and the built files that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.web.built import FOLDER, NotBuilt, load
from bridge.web.door import COOKIE
from bridge.web.shell import ADDRESSES
from tests.unit.web.conftest import Client
from tests.unit.web.rig import PASSWORD, Visitor

HTML = {"Accept": "text/html"}
ROUTES = Path(__file__).parents[3] / "bridge" / "web" / "page" / "src" / "store" / "route.ts"


async def document(client: Client, path: str = "/", status: int = 200, /, **headers: str) -> str:
    """Ask for a page as a browser does."""
    response = await client.get(path, headers={**HTML, **{k.replace("_", "-"): v for k, v in headers.items()}})
    text = await response.text()
    assert response.status == status, text
    assert response.content_type == "text/html"
    return text


async def test_every_address_of_the_page_is_the_same_document(client: Client) -> None:
    at_start = await document(client)
    for address in ADDRESSES:
        assert await document(client, re.sub(r"\{\w+\}", "x", address)) == at_start
    await document(client, "/rooms/x/y/z", 404)
    views = set(re.findall(r'view: "(\w+)"', ROUTES.read_text()))
    firsts = {address.split("/")[1] for address in ADDRESSES}
    assert firsts - {""} <= views | {"rooms"}, "the page knows every address that the server answers"


async def test_the_document_holds_nothing_that_the_policy_forbids(client: Client) -> None:
    page = await document(client)
    response = await client.get("/", headers=HTML)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy, "scripts come from here, as all else does"
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert "<style" not in page
    assert " style=" not in page
    assert not re.search(r"<[^>]+\son\w+=", page)
    assert response.headers["Cache-Control"] == "no-store"


async def test_it_says_whether_one_is_signed_in(client: Client, ada: Visitor) -> None:
    assert 'data-signed-in="no"' in await document(client)
    assert 'data-signed-in="no"' in await document(client, Cookie=f"{COOKIE}=made-up")
    assert 'data-signed-in="yes"' in await document(client, Cookie=f"{COOKIE}={ada.token}")


async def test_theme_and_density_are_the_chosen_ones_from_the_first_moment(client: Client) -> None:
    page = await document(client)
    assert 'data-theme="auto" data-density="cosy"' in page
    assert '<meta name="color-scheme" content="light dark">' in page
    page = await document(client, Cookie="rialto_theme=dark; rialto_density=compact")
    assert 'data-theme="dark" data-density="compact"' in page
    assert '<meta name="color-scheme" content="dark">' in page
    assert 'data-theme="auto"' in await document(client, Cookie='rialto_theme="><script>')


async def test_the_language_is_the_chosen_one_or_the_browsers(client: Client) -> None:
    async def language(**headers: str) -> str:
        found = re.search(r'<html lang="(\w+)"', await document(client, **headers))
        assert found is not None
        return found[1]

    assert await language() == "en"
    assert await language(Accept_Language="fr, en;q=0.5, zh;q=0.4") == "en"
    assert await language(Accept_Language="zh-TW,zh;q=0.9,en;q=0.8") == "zh"
    assert await language(Accept_Language="zh;q=oops;;,") == "en"
    assert await language(Accept_Language="en", Cookie="rialto_lang=zh") == "zh"
    assert await language(Accept_Language="zh", Cookie="rialto_lang=xx") == "zh"
    assert "JavaScript" in await document(client, Accept_Language="zh")


async def test_the_built_files_are_kept_for_ever(client: Client) -> None:
    page = await document(client)
    named = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', page))
    kinds = set()
    for path in named:
        response = await client.get(path)
        assert response.status == 200, path
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        kinds.add(response.content_type)
    assert kinds == {"text/javascript", "text/css", "image/svg+xml"}
    for path in ("/assets/missing.js", "/assets/..%2fshell.py", "/assets/manifest.json", "/assets/../shell.py"):
        assert (await client.get(path)).status == 404


async def test_each_language_has_its_own_file(client: Client) -> None:
    named = {}
    for code in ("en", "zh"):
        (named[code],) = re.findall(r'modulepreload" href="([^"]+)"', await document(client, Accept_Language=code))
    assert named["en"] != named["zh"]
    assert "退出登录" in await (await client.get(named["zh"])).text()


async def test_what_went_wrong_is_a_page_for_people_that_needs_no_script(client: Client) -> None:
    page = await document(client, "/nothing", 404, Accept_Language="zh")
    assert "这里什么也没有" in page
    assert 'role="alert"' in page
    assert "<script" not in page
    assert (await client.get("/nothing", headers={"Accept": "*/*"})).content_type == "application/json"


async def test_signing_in_as_the_page_does_gives_a_cookie(client: Client, ada: Visitor) -> None:
    origin = {"Origin": f"http://{client.host}:{client.port}"}
    body = {"name": "ada", "password": PASSWORD, "cookie": True}
    response = await client.post("/api/v1/login", json=body, headers=origin)
    assert (await response.json())["token"] == ""
    cookie = response.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert 'data-signed-in="yes"' in await document(client)
    await client.post("/api/v1/logout", json={}, headers=origin)
    assert 'data-signed-in="no"' in await document(client)


def test_a_page_that_is_not_built_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotBuilt, match=r"not built .*manifest\.json.*make page"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(NotBuilt, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(NotBuilt, match="cannot be read"):
        load(tmp_path)


def test_the_version_is_that_of_the_files(tmp_path: Path) -> None:
    built = load()
    assert built.version == load().version
    for path in FOLDER.iterdir():
        (tmp_path / path.name.replace(built.script, "main-other.js")).write_bytes(path.read_bytes())
    manifest = (FOLDER / "manifest.json").read_text().replace(built.script, "main-other.js")
    (tmp_path / "manifest.json").write_text(manifest)
    assert load(tmp_path).version != built.version
