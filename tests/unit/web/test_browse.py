"""The page that shows the API's document: whole in both languages, without scripts, under a policy of its own."""

from __future__ import annotations

import re

import pytest

from bridge.web.api.browse import words
from bridge.web.languages import CODES
from tests.unit.web.conftest import Client
from tests.unit.web.rig import Rig


async def operations(client: Client) -> list[str]:
    """Return the IDs of all operations."""
    document = await (await client.get("/api/v1/openapi.json")).json()
    return [each["operationId"] for methods in document["paths"].values() for each in methods.values()]


@pytest.mark.parametrize("code", CODES)
async def test_it_shows_every_operation_and_every_shape(client: Client, rig: Rig, code: str) -> None:
    response = await client.get(f"/api/v1/docs?lang={code}")
    page = await response.text()
    assert (response.status, response.content_type) == (200, "text/html")
    assert f'<html lang="{code}">' in page
    for name in await operations(client):
        assert f'<details id="{name}">' in page
    linked = set(re.findall(r'href="#([^"]+)"', page))
    assert {"tag-rooms", "schema-RoomShape"} <= linked
    assert linked <= set(re.findall(r'id="([^"]+)"', page))


async def test_it_has_no_script_and_loads_nothing(client: Client) -> None:
    response = await client.get("/api/v1/docs")
    page = await response.text()
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"<script|<link|<img|\son\w+=|style=", page)


async def test_the_language_is_the_browsers_until_one_is_asked_for(client: Client) -> None:
    chinese = {"Accept-Language": "zh-CN"}
    assert '<html lang="zh">' in await (await client.get("/api/v1/docs", headers=chinese)).text()
    assert '<html lang="en">' in await (await client.get("/api/v1/docs?lang=en", headers=chinese)).text()
    assert '<html lang="en">' in await (await client.get("/api/v1/docs?lang=xx")).text()


async def test_it_speaks_chinese_of_every_operation(client: Client) -> None:
    """English is said by the operations themselves."""
    assert set(words("zh").operations) == set(await operations(client))
    assert words("zh").page.keys() == words("en").page.keys()
    assert all(text.strip() for each in CODES for text in words(each).page.values())
