"""Prometheus metrics, read from the tables and the parts at each scrape; documented in docs/metrics.md."""

from __future__ import annotations

from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bridge.core.hub import Hub
from bridge.store import inbox, indexing, outbox


class MatrixFigures(Protocol):
    """What the Matrix side counts."""

    def figures(self) -> dict[str, float]:
        """Return its counters by name."""
        ...


class Metrics:
    """Holds one registry; `text` fills it and returns the exposition."""

    def __init__(self, hub: Hub, matrix: MatrixFigures) -> None:
        self._hub = hub
        self._matrix = matrix
        self._registry = CollectorRegistry()
        self._up = self._gauge("rialto_network_up", "1 while a network answers, else 0", "network")
        self._inbox = self._gauge("rialto_inbox_rows", "Events that were acknowledged and wait for their room", "state")
        self._deliveries = self._gauge("rialto_deliveries", "Deliveries by network and state", "network", "state")
        self._lanes = self._gauge("rialto_lanes", "Lanes in memory by what they do", "state")
        self._rooms = self._gauge("rialto_rooms_loaded", "Rooms in memory")
        self._index = self._gauge("rialto_index_waiting", "Events that the full-text index has not looked at yet")
        self._viewers = self._gauge("rialto_viewers", "Viewers of rooms")
        self._matrix_figures = self._gauge("rialto_matrix", "What the Matrix side has counted since its start", "what")

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self._registry)

    async def text(self) -> str:
        """Return all metrics in the Prometheus text format."""
        for status in self._hub.statuses():
            self._up.labels(status.network).set(1 if status.health == "up" else 0)
        for state, number in (await self._hub.db.read(inbox.counts)).items():
            self._inbox.labels(state).set(number)
        self._deliveries.clear()
        for (network, state), number in (await self._hub.db.read(outbox.counts)).items():
            self._deliveries.labels(network, state).set(number)
        self._index.set(await self._hub.db.read(indexing.waiting))
        figures = self._hub.figures()
        for state in ("idle", "working", "waiting"):
            self._lanes.labels(state).set(figures[f"lanes_{state}"])
        self._rooms.set(figures["rooms"])
        self._viewers.set(figures["viewers"])
        for what, value in self._matrix.figures().items():
            self._matrix_figures.labels(what).set(value)
        return generate_latest(self._registry).decode()
