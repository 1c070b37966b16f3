"""What machines ask without signing in."""

from __future__ import annotations

from tests.unit.web.conftest import Client
from tests.unit.web.rig import Rig


async def test_alive_and_ready(client: Client) -> None:
    assert (await client.get("/healthz/live")).status == 200
    response = await client.get("/healthz/ready")
    answer = await response.json()
    assert (response.status, answer["ready"]) == (200, True)
    assert answer["parts"]["database"] == {"ready": True, "detail": ""}
    assert answer["parts"]["matrix"] == {"ready": True, "health": "up", "detail": "as the test says", "since": 1}


async def test_a_network_that_is_down_makes_it_unready(client: Client, rig: Rig) -> None:
    rig.network.turn("down")
    response = await client.get("/healthz/ready")
    answer = await response.json()
    assert (response.status, answer["ready"]) == (503, False)
    assert answer["parts"]["matrix"]["ready"] is False
    assert answer["parts"]["database"]["ready"] is True
    assert (await client.get("/healthz/live")).status == 200


async def test_a_database_that_is_gone_makes_it_unready(client: Client, rig: Rig) -> None:
    await rig.db.close()
    response = await client.get("/healthz/ready")
    answer = await response.json()
    assert (response.status, answer["parts"]["database"]["ready"]) == (503, False)
    assert answer["parts"]["database"]["detail"]


async def test_metrics_are_prometheus_text(client: Client) -> None:
    response = await client.get("/metrics")
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert await response.text() == "rialto_up 1\n"
