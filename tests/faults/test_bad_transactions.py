"""Repeated, malformed and oversize transactions get their exact answers, and what comes after them flows on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.fakes.homeserver import FakeHomeserver
from tests.faults.scene import Scene, scene

MIB = 1 << 20


async def _put(set_up: Scene, txn: str, body: bytes, *, token: str | None = None) -> tuple[int, Any]:
    """Push a transaction as the homeserver does: status and body of the answer."""
    rialto = set_up.rialto
    async with set_up.session.put(
        f"http://127.0.0.1:{rialto.appservice_port}/_matrix/app/v1/transactions/{txn}",
        data=io.BytesIO(body),
        headers={"Authorization": f"Bearer {token or rialto.registration.hs_token}"},
    ) as answer:
        return answer.status, await answer.json()


def _event(set_up: Scene, number: int, body: str) -> dict[str, Any]:
    return {
        "event_id": f"$pushed{number}",
        "room_id": set_up.talk.room_id,
        "type": "m.room.message",
        "sender": "@marco0:localhost",
        "origin_server_ts": 1_700_000_000_000 + number,
        "content": {"msgtype": "m.text", "body": body},
    }


def _transaction(*events: object) -> bytes:
    return msgspec.json.encode({"events": list(events)})


async def _lines(set_up: Scene, wanted: int) -> list[str]:
    """Wait until the log holds so many lines."""
    return await set_up.talk.web_lines_when(wanted)


@pytest.mark.timeout(120)
async def test_the_queue_flows_on(tmp_path: Path) -> None:
    async with scene("fake", tmp_path, web=1, matrix=1) as set_up:
        assert isinstance(set_up.hs, FakeHomeserver)
        one = _transaction(_event(set_up, 1, "one"))
        assert await _put(set_up, "t1", one) == (200, {})
        assert await _put(set_up, "t1", one) == (200, {}), "the very same again is acknowledged again"
        assert await _put(set_up, "t1-again", one) == (200, {}), "and so is the event under another number"
        assert await _lines(set_up, 1) == ["one"]

        other = _transaction(_event(set_up, 2, "two"))
        assert await _put(set_up, "t1", other) == (200, {}), "a number that is given anew is no repeat"
        assert await _lines(set_up, 2) == ["one", "two"]

        assert await _put(set_up, "t2", b"{") == (400, {"errcode": "M_NOT_JSON", "error": "The body is not JSON."})
        status, answer = await _put(set_up, "t3", b'{"events": {}}')
        assert (status, answer["errcode"]) == (400, "M_BAD_JSON")
        status, answer = await _put(set_up, "t4", one, token="wrong")
        assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")
        status, answer = await _put(set_up, "t5", _transaction(_event(set_up, 3, "x" * 17 * MIB)))
        assert (status, answer["errcode"]) == (413, "M_TOO_LARGE")

        mixed = _transaction(17, "text", {"event_id": 5}, _event(set_up, 4, "three"), None)
        assert await _put(set_up, "t6", mixed) == (200, {}), "a bad event does not fail the good one beside it"
        assert await _lines(set_up, 3) == ["one", "two", "three"]

        odd = _event(set_up, 5, "odd") | {"content": {"msgtype": 5, "body": ["no"]}, "origin_server_ts": "noon"}
        unknown = _event(set_up, 6, "?") | {"type": "org.example.never.heard.of"}
        assert await _put(set_up, "t7", _transaction(odd, unknown, _event(set_up, 7, "four"))) == (200, {})
        assert await _lines(set_up, 4) == ["one", "two", "three", "four"]

        large = [_event(set_up, 100 + n, f"{n} " + "y" * 60_000) for n in range(100)]
        assert await _put(set_up, "t8", _transaction(*large)) == (200, {}), "100 events of 60 KiB are one transaction"
        lines = await _lines(set_up, 104)
        assert [line.split(" ", 1)[0] for line in lines[4:]] == [str(n) for n in range(100)]

        await set_up.hs.repeat_transaction()
        await set_up.talk.speak(10)
        held = await _lines(set_up, 124)
        assert len(held) == len(set(held)) == 124


@pytest.mark.timeout(60)
async def test_a_transaction_is_not_acknowledged_while_it_cannot_be_kept(tmp_path: Path) -> None:
    async with scene("fake", tmp_path, web=1, matrix=1) as set_up:
        await set_up.rialto.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await _put(set_up, "t1", _transaction(_event(set_up, 1, "one")))
        await set_up.rialto.start()
        await set_up.rialto.ready()
        assert await _put(set_up, "t1", _transaction(_event(set_up, 1, "one"))) == (200, {})
        assert await _lines(set_up, 1) == ["one"]
