"""Gauges of this process, refreshed with its heartbeat: the states of endpoints and the use of its connections."""

from collections import Counter, defaultdict
from datetime import datetime

from django.db import connection

from common.telemetry import metrics
from gateway.routing import health

__all__ = ["refresh"]

_seen_providers: set[str] = set()


def refresh(process_id: str, now: datetime) -> None:
    """Set the gauges. Called on the writer's thread, about every 15 seconds."""
    _count_endpoints()
    _measure_pool()


def _count_endpoints() -> None:
    snapshot = health.tracker.snapshot()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for key in snapshot.endpoints.keys() | snapshot.failing:
        known = snapshot.of(key)
        state = (
            "failing" if key in snapshot.failing
            else "down" if known.is_down
            else "degraded" if known.is_degraded
            else "ok"
        )  # fmt: skip
        counts[key.tag.partition("/")[0]][state] += 1  # a tag begins with its provider
    _seen_providers.update(counts)
    for provider in _seen_providers:
        for state in metrics.ENDPOINT_STATES:
            metrics.ENDPOINTS.labels(provider, state).set(counts[provider][state])


def _measure_pool() -> None:
    pool = getattr(connection, "pool", None)  # PostgreSQL with a pool
    if pool is None:
        return
    stats = pool.get_stats()
    metrics.POOL.labels("open").set(stats.get("pool_size", 0))
    metrics.POOL.labels("idle").set(stats.get("pool_available", 0))
    metrics.POOL.labels("waiting").set(stats.get("requests_waiting", 0))
