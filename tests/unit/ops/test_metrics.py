"""The metrics that are served are those that docs/metrics.md lists, with their labels and values."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bridge.core.hub import Hub
from bridge.core.people import People
from bridge.networks.matrix.network import MatrixNetwork, MatrixOptions, make_marker
from bridge.networks.matrix.registration import make
from bridge.ops.metrics import Metrics
from bridge.store.database import open_database
from tests.rigs.database import new_url

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"


async def test_the_page_lists_every_metric_and_no_other(tmp_path: Path) -> None:
    db = open_database(new_url(tmp_path))
    try:
        people = People(db)
        await people.start()
        hub = Hub(db, people)
        options = MatrixOptions("http://127.0.0.1:1", "test", "rialto", "http://127.0.0.1:2")
        registration = make(url="http://127.0.0.1:3", server_name="test", prefix="rialto")
        matrix = MatrixNetwork(options, registration, db, hub, people, await make_marker(db))
        hub.add(matrix)
        text = await Metrics(hub, matrix).text()
        await matrix.client.close()
    finally:
        await db.close()
    served = {family.name: family for family in text_string_to_metric_families(text)}
    rows = re.findall(r"^\| `(rialto_\w+)` \|([^|]*)\|", DOCS.read_text(), re.MULTILINE)
    assert {name for name, _ in rows} == set(served)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    for name, family in served.items():
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert {label, value} <= documented[name] | {"matrix"}, f"{name}{{{label}={value}}} is not documented"
